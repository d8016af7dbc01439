"""Values and iteration of the journal of posted entries."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from msgspec import Struct

from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.ids import iso

Item = TypeVar("Item")

BATCH: Final = 100
"""Lines per read: BatchGetItem takes at most 100 keys."""

JOURNAL_SHARDS: Final = 16
"""Shards of each hour. A wallet's entries are in one of them."""


class JournalLine(Struct, frozen=True, kw_only=True):
    """A posted entry as listed in the journal. Gifts and their reversals have a creator.

    A row that cannot be read has only what its keys say: no event, no creator and no coins.
    """

    user_id: str
    entry_id: str
    event_id: str
    kind: str
    coins: int
    posted_at: datetime
    creator_id: str | None = None
    shard: int = 0

    @property
    def is_readable(self) -> bool:
        """False for a row that cannot be read."""
        return self.event_id != ""

    @property
    def place(self) -> str:
        """The line's place in its shard. Places sort by time."""
        return f"{iso(self.posted_at)}#{self.entry_id}"


class PostedRecord(Struct, frozen=True, kw_only=True):
    """A record of the table's stream about an entry that was just posted.

    `record_id` is the stream's id of the record. `entry` is None when the record could not be parsed.
    """

    record_id: str
    ref: EntryRef
    entry: Entry | None


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield the start of each hour, from that of `first` to that of `last`."""
    hour = first.replace(minute=0, second=0, microsecond=0)
    while hour <= last:
        yield hour
        hour += timedelta(hours=1)


def place_of(at: datetime) -> str:
    """Return the place before all lines of the hour."""
    return iso(at.replace(minute=0, second=0, microsecond=0))


def hour_of(place: str) -> datetime:
    """Return the hour of a place."""
    return time_of(place).replace(minute=0, second=0, microsecond=0)


def time_of(place: str) -> datetime:
    """Return the time of a place."""
    return datetime.fromisoformat(place.partition("#")[0])


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """Split the items into batches."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
