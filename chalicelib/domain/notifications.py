"""Zero-coin ledger entries that exist only to be published as events."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class NotificationKind(StrEnum):
    """What there is to tell besides coins that moved."""

    STREAK_END = "streak_end"
    BUDGET_REMINDER = "budget_reminder"
    MEMBERSHIP_END = "membership_end"


class NotificationEntry(Struct, frozen=True, kw_only=True):
    """Something that the world must hear of and that moved no coins: an entry, so that it is told like any other.

    `payload` is published by field name; amounts in it are ints. With a creator it is received by that shard.
    """

    entry_id: str
    user_id: str
    kind: NotificationKind
    posted_at: datetime
    event_id: str
    payload: Mapping[str, str | int | None]
    creator_id: str = ""
    shard: int = 0

    @property
    def coins(self) -> int:
        """None moved."""
        return 0

    @property
    def creator_coins(self) -> int:
        """None moved."""
        return 0
