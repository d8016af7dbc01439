"""Positions and leases of background workers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.work import Lease, ParkedItem, Part


class WorkPositions(Protocol):
    """The position of each part of background work, its lease, and the items set aside from it.

    Leases save work; they guard nothing. Work is idempotent, so two runs of one part do no harm when clocks differ.
    """

    def take(self, part: Part, owner: str, now: datetime, until: datetime) -> Lease | None:
        """Take the part until `until`. None while another run has it."""

    def move(self, lease: Lease, to: str) -> Lease | None:
        """Store the position. None if another run took the part, or the position is not the lease's any more."""

    def release(self, lease: Lease) -> None:
        """End the lease before its time, unless another run has the part by now."""

    def rewind(self, part: Part, to: str) -> None:
        """Store a position from outside. A run that has the part loses it."""

    def park(self, part: Part, item: ParkedItem) -> None:
        """Set an item aside, in place of an earlier record of it."""

    def list_due(self, part: Part, now: datetime, limit: int) -> Sequence[ParkedItem]:
        """Return up to `limit` items whose next try is due, the longest due first."""

    def has_parked(self, part: Part, item_id: str) -> bool:
        """Return True if the item is set aside, whenever its next try is due."""

    def unpark(self, part: Part, item_id: str, now: datetime) -> None:
        """Forget an item that was handled."""
