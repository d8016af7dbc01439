"""All posted entries by time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.entries import EntryRef
from chalicelib.domain.journal import JournalLine, PostedRecord


class Journal(Protocol):
    """All posted entries by hour, and the reads of the sweep and the audit."""

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        """Return up to `limit` entries of a shard that follow the place, in order, within the hour of the place."""

    def read_records(self, refs: Sequence[EntryRef]) -> Sequence[PostedRecord]:
        """Read entries, a hundred at most, as records under the refs' names.

        A record that cannot be read has no entry; missing ones are left out.
        """

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        """Select the lines of which it is not certain that their entry was published.

        It is certain once the publication is noted at the entry, or the run that received a gift noted that it
        published everything. A gift that the first release received is taken for published.
        """

    def read_watermark(self, name: str) -> datetime | None:
        """Return the position that the first release's worker of that name stored."""
