"""Zero-coin ledger entries that exist only to be published as events."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class NotificationKind(StrEnum):
    """Kinds of notification."""

    STREAK_END = "streak_end"
    BUDGET_REMINDER = "budget_reminder"
    MEMBERSHIP_END = "membership_end"
    MEMBERSHIP_RESUME = "membership_resume"


class NotificationEntry(Struct, frozen=True, kw_only=True):
    """A zero-coin ledger entry that exists only to be published as an event.

    `payload` is published as the event's data; amounts in it are ints. With a creator, that shard receives the entry.
    """

    entry_id: str
    user_id: str
    kind: NotificationKind
    posted_at: datetime
    event_id: str
    payload: Mapping[str, str | int | None]
    creator_id: str | None = None
    shard: int = 0

    @property
    def coins(self) -> int:
        """Always 0."""
        return 0

    @property
    def creator_coins(self) -> int:
        """Always 0."""
        return 0
