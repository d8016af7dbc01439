"""How the journal of posted entries is gone through: hour by hour, and a hundred lines at a time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from chalicelib.domain.entries import Entry

BATCH: Final = 100
"""As many lines as one read takes."""


class JournalLine(Struct, frozen=True, kw_only=True):
    """A posted entry as the journal lists it. A gift and its reversal have a creator."""

    user_id: str
    entry_id: str
    event_id: str
    kind: str
    coins: int
    posted_at: datetime
    creator_id: str = ""
    shard: int = 0


class Mismatch(Struct, frozen=True, kw_only=True):
    """A stored total that its entries do not add up to. `what` names the wallet or the shard."""

    what: str
    stored: int
    added_up: int


class PostedRecord(Struct, frozen=True, kw_only=True):
    """One record of the table's stream: an entry that has just become posted.

    `record_id` is what the stream knows it by. `entry` is None when the record could not be read.
    """

    record_id: str
    keys: Mapping[str, str]
    entry: Entry | None


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """The beginning of each hour from the one that holds `first` to the one that holds `last`."""
    hour = first.replace(minute=0, second=0, microsecond=0)
    while hour <= last:
        yield hour
        hour += timedelta(hours=1)


def batches(lines: Sequence[JournalLine]) -> Iterator[Sequence[JournalLine]]:
    """The lines, a hundred at a time."""
    for start in range(0, len(lines), BATCH):
        yield lines[start : start + BATCH]
