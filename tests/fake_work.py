"""Fake of the WorkPositions port."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from chalicelib.domain.work import Lease, ParkedItem, Part

Name = tuple[str, str]


@dataclass
class FakeWorkPositions:
    """The WorkPositions port. Each call is atomic."""

    places: dict[Name, str] = field(default_factory=dict)
    leases: dict[Name, tuple[str, datetime]] = field(default_factory=dict)
    """Owner and end of each lease."""
    parked: dict[Name, dict[str, ParkedItem]] = field(default_factory=dict)

    def take(self, part: Part, owner: str, now: datetime, until: datetime) -> Lease | None:
        if (held := self.leases.get(_name(part))) and held[1] >= now and held[0] != owner:
            return None
        self.leases[_name(part)] = owner, until
        return Lease(part=part, owner=owner, at=self.places.get(_name(part)))

    def move(self, lease: Lease, to: str) -> Lease | None:
        if not self._has(lease) or self.places.get(_name(lease.part)) not in {lease.at, to}:
            return None
        self.places[_name(lease.part)] = to
        return replace(lease, at=to)

    def release(self, lease: Lease) -> None:
        if self._has(lease):
            del self.leases[_name(lease.part)]

    def rewind(self, part: Part, to: str) -> None:
        self.places[_name(part)] = to
        self.leases.pop(_name(part), None)

    def park(self, part: Part, item: ParkedItem) -> None:
        self.parked.setdefault(_name(part), {})[item.item_id] = item

    def list_due(self, part: Part, now: datetime, limit: int) -> Sequence[ParkedItem]:
        known = self.parked.get(_name(part), {})
        due = [item for item in known.values() if item.due_at <= now]
        return sorted(due, key=lambda item: (item.due_at, item.item_id))[:limit]

    def has_parked(self, part: Part, item_id: str) -> bool:
        return item_id in self.parked.get(_name(part), {})

    def unpark(self, part: Part, item_id: str, now: datetime) -> None:  # noqa: ARG002  # the fake keeps no row of it
        self.parked.get(_name(part), {}).pop(item_id, None)

    def _has(self, lease: Lease) -> bool:
        held = self.leases.get(_name(lease.part))
        return held is not None and held[0] == lease.owner


def _name(part: Part) -> Name:
    return part.worker, part.name
