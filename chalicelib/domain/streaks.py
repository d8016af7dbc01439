"""Streaks: gifts of one item in a row, each debited by itself, published together when the streak ends."""

from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.posting import Posting
from chalicelib.domain.wallets import Streak, Wallet
from chalicelib.errors import Refusal, StreakEnded


class StreakEnd(Struct, frozen=True, kw_only=True):
    """The streak as last read (optimistic lock) and the notification to write when it ends."""

    streak: Streak
    notification: NotificationEntry


class ScheduledCheck(Struct, frozen=True, kw_only=True):
    """A check of a streak. `failures`: its checks before that failed for another reason than a dependency."""

    user_id: str
    streak_id: str
    failures: int = 0


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivered message, with its check unless it is unreadable.

    `receipt` names this delivery, `message_id` the message. `received` counts its deliveries, approximately.
    """

    message_id: str
    receipt: str
    message: str
    check: ScheduledCheck | None
    received: int
    sent_at: datetime


class Ended(Struct, frozen=True, kw_only=True):
    """The streak has ended. `is_repeat`: by another check, or by the fan's next streak."""

    is_repeat: bool


class Active(Struct, frozen=True, kw_only=True):
    """The streak goes on, for `left` at least."""

    left: timedelta


def is_of(gift: Gift, streak: Streak | None) -> bool:
    """Return True when the gift continues the streak: same id, item, creator and shard."""
    return streak is not None and (gift.streak_id, gift.creator_id, gift.item_id, gift.anonymous, gift.shard) == (
        streak.streak_id,
        streak.creator_id,
        streak.item_id,
        streak.is_anonymous,
        streak.shard,
    )


def streak_refusal(gift: Gift, wallet: Wallet | None) -> Refusal | None:
    """Return the refusal of a gift whose streak is not active, or None."""
    if not gift.streak_id or gift.begins_streak or is_of(gift, wallet.streak if wallet else None):
        return None
    return StreakEnded("Begin a new streak: its streak_id is the Idempotency-Key of its first gift.")


def end_of(streak: Streak, user_id: str, entry_id: str, posting: Posting) -> StreakEnd:
    """Build the end of a streak, with the notification of its total."""
    notification = NotificationEntry(
        entry_id=entry_id,
        user_id=user_id,
        kind=NotificationKind.STREAK_END,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payload={
            "streak_id": streak.streak_id,
            "sender_id": None if streak.is_anonymous else user_id,
            "item_id": streak.item_id,
            "count": streak.count,
            "coins": streak.coins,
        },
        creator_id=streak.creator_id,
        shard=streak.shard,
    )
    return StreakEnd(streak=streak, notification=notification)
