"""Calls side by side."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Handled = TypeVar("Handled")


class Threads(Protocol):
    """A few threads for calls that wait for a network most of the time."""

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        """Call `handle` with each item, some of them at the same time. Returns the results in the items' order."""
