"""Fakes of the ports of looks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

Item = TypeVar("Item")
Handled = TypeVar("Handled")


@dataclass
class FakeLooks:
    """The Looks port. `times` has the last look by object."""

    times: dict[str, datetime] = field(default_factory=dict)

    def last_looks(self, object_ids: Collection[str]) -> Mapping[str, datetime]:
        return {object_id: self.times[object_id] for object_id in object_ids if object_id in self.times}

    def note_look(self, object_id: str, at: datetime) -> None:
        self.times[object_id] = at


class OneThread:
    """The Threads port: one call after another, in order."""

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        return list(map(handle, items))
