"""Parts of background work: positions, leases and items that are set aside."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

RUN_TIME: Final = timedelta(minutes=3)
"""Time in which a run begins new batches. Its function times out a minute later."""
LEASE_MARGIN: Final = timedelta(minutes=1)
"""Time that a lease outlasts the run, for the last batch."""
LIMIT: Final = 100
"""The most items set aside that one run tries again."""
PAUSES: Final = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))
"""Pauses before the next try of an item set aside; the last one repeats."""


class Part(Struct, frozen=True, kw_only=True):
    """A share of a worker's work that one run at a time does, such as a shard of the journal.

    Names hold no `#`.
    """

    worker: str
    name: str


class Lease(Struct, frozen=True, kw_only=True):
    """The right of one run to work on a part, and the position that the last run left.

    `at` is the worker's own encoding of a position. None: no run has stored one.
    """

    part: Part
    owner: str
    at: str | None = None


class LeaseLost(Exception):
    """Raised when another run has the part; the rest is its work."""


class ParkedItem(Struct, frozen=True, kw_only=True):
    """An item that could not be handled, set aside so that it does not delay the others. `tries` counts from 1."""

    item_id: str
    tries: int
    parked_at: datetime
    due_at: datetime
    reason: str


def park_item(item_id: str, reason: str, now: datetime, pauses: Sequence[timedelta] = PAUSES) -> ParkedItem:
    """Build an item after its first failure."""
    return ParkedItem(item_id=item_id, tries=1, parked_at=now, due_at=now + pauses[0], reason=reason)


def park_again(item: ParkedItem, reason: str, now: datetime, pauses: Sequence[timedelta] = PAUSES) -> ParkedItem:
    """Build an item after another failure. Its pauses grow."""
    pause = pauses[min(item.tries, len(pauses) - 1)]
    return ParkedItem(
        item_id=item.item_id,
        tries=item.tries + 1,
        parked_at=item.parked_at,
        due_at=now + pause,
        reason=reason,
    )


def postpone_item(item: ParkedItem, now: datetime, pauses: Sequence[timedelta] = PAUSES) -> ParkedItem:
    """Build an item whose failure does not count. Its pause stays as long."""
    return replace(item, due_at=now + pauses[min(item.tries, len(pauses)) - 1])
