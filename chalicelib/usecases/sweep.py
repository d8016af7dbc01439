"""Whatever the stream lost: entries in the journal that nobody relayed are relayed."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.ledger import JournalLine, PostedRecord
from chalicelib.ports import Journal
from chalicelib.usecases.relay_entries import Relay, relay_entries

LAG: Final = timedelta(minutes=10)
"""The stream is given so long before the sweep calls an entry forgotten."""
FIRST_REACH: Final = timedelta(days=2)
"""How far the very first sweep looks back."""
BATCH: Final = 100

_WATERMARK: Final = "sweep"


def sweep(*, journal: Journal, relay: Relay) -> int:
    """Relay every entry that was posted more than ten minutes ago and was not relayed since.

    The watermark is the hour that the next sweep begins with: it moves only over hours in which nothing was left.

    Returns:
        How many entries were relayed.
    """
    until = relay.clock.now() - LAG
    first = journal.read_watermark(_WATERMARK) or until - FIRST_REACH
    mended = 0
    for hour in hours(first, until):
        lines = [line for line in journal.read_hour(hour) if line.posted_at <= until]
        left = 0
        for batch in batches(lines):
            forgotten = journal.not_relayed(batch)
            failed = relay_lines(forgotten, relay)
            mended += len(forgotten) - failed
            left += failed
        if left:
            break
        journal.move_watermark(_WATERMARK, hour)
    return mended


def relay_lines(lines: Sequence[JournalLine], relay: Relay) -> int:
    """Relay the entries that the lines list, as if they had just been posted. Returns how many were not."""
    records = [
        PostedRecord(
            record_id=line.event_id,
            keys={"PK": f"WALLET#{line.user_id}", "SK": f"ENTRY#{line.entry_id}"},
            entry=relay.ledger.find_entry(line.user_id, line.entry_id),
        )
        for line in sorted(lines, key=lambda line: (line.posted_at, line.entry_id))
    ]
    return len(relay_entries(records, relay))


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """The beginning of each hour from the one that holds `first` to the one that holds `last`."""
    hour = first.replace(minute=0, second=0, microsecond=0)
    while hour <= last:
        yield hour
        hour += timedelta(hours=1)


def batches(lines: Sequence[JournalLine]) -> Iterator[Sequence[JournalLine]]:
    """The lines, a hundred at a time: as many as one read takes."""
    for start in range(0, len(lines), BATCH):
        yield lines[start : start + BATCH]
