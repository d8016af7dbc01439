"""How the journal of posted entries is gone through: hour by hour, and a hundred lines at a time."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.ledger import JournalLine

BATCH: Final = 100
"""As many lines as one read takes."""


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
