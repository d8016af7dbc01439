"""Threads of one function."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Handled = TypeVar("Handled")


class ThreadPool:
    """The Threads port. The threads stay, with the connections that they opened.

    Args:
        threads: the most calls at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads)

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        return list(self._pool.map(handle, items))
