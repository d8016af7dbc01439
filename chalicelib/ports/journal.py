"""All posted entries by time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.journal import JournalLine, Mismatch


class Journal(Protocol):
    """All posted entries by hour, and the reads of the sweep and the audit."""

    def read_hour(self, hour: datetime) -> Sequence[JournalLine]:
        """Return the entries posted in the hour that begins at `hour`, unordered."""

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        """Select the lines whose entry was not received by its creator's shard or, without a creator, not published."""

    def wallet_mismatch(self, user_id: str) -> Mismatch | None:
        """Compare the wallet with its posted entries. None when they are equal, or changed at every attempt."""

    def shard_mismatch(self, creator_id: str, shard: int) -> Mismatch | None:
        """Compare the shard's total and sequences with its entries. None as for `wallet_mismatch`."""

    def read_watermark(self, name: str) -> datetime | None:
        """Return the position of the worker of that name."""

    def move_watermark(self, name: str, to: datetime) -> None:
        """Store the position of the worker of that name."""
