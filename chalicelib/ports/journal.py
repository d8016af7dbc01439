"""All posted entries by time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.journal import JournalLine, Mismatch


class Journal(Protocol):
    """All posted entries by the hour of their posting, and what the sweep and the audit read beside them."""

    def read_hour(self, hour: datetime) -> Sequence[JournalLine]:
        """The entries posted in the hour that begins at `hour`, in no order."""

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        """Those whose creator has not received them, or that nobody has announced."""

    def wallet_mismatch(self, user_id: str) -> Mismatch | None:
        """The wallet held against its posted entries. None when they agree, or change too fast to tell."""

    def shard_mismatch(self, creator_id: str, shard: int) -> Mismatch | None:
        """The shard held against its entries, its sequence included. None as above."""

    def read_watermark(self, name: str) -> datetime | None:
        """How far the worker of that name has come."""

    def move_watermark(self, name: str, to: datetime) -> None:
        """Note how far it has come."""
