"""Threads of one function."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, TypeVar

from chalicelib.adapters.aws_session import MAX_CONNECTIONS

MAX_THREADS: Final = MAX_CONNECTIONS
"""A thread without a connection in its client's pool would open one for each call."""

Item = TypeVar("Item")
Handled = TypeVar("Handled")


class ThreadPool:
    """The Threads port. The threads start with the first calls and stay, with the connections that they opened.

    Args:
        threads: the most calls at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads)

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        if len(items) <= 1:  # most batches of the relay on a quiet platform
            return [handle(item) for item in items]
        calls = [self._pool.submit(handle, item) for item in items]
        wait(calls)  # none goes on after another one's error was raised
        return [call.result() for call in calls]
