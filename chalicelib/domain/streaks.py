"""Gifts that come in a row: each is debited by itself, and in the end they are told as one."""

from msgspec import Struct

from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.posting import Posting
from chalicelib.domain.wallets import Streak, Wallet
from chalicelib.errors import Refusal, StreakEnded


class StreakEnd(Struct, frozen=True, kw_only=True):
    """That a streak ends as it was seen, and what is told of that."""

    streak: Streak
    notification: NotificationEntry


def is_of(gift: Gift, streak: Streak | None) -> bool:
    """Whether the gift is one more of the streak: of the same item, to the same creator, in the same shard."""
    return streak is not None and (gift.streak_id, gift.creator_id, gift.item_id, gift.anonymous, gift.shard) == (
        streak.streak_id,
        streak.creator_id,
        streak.item_id,
        streak.is_anonymous,
        streak.shard,
    )


def streak_refusal(gift: Gift, wallet: Wallet | None) -> Refusal | None:
    """Why the gift cannot be one more of its streak; None when it can, or need not."""
    if not gift.streak_id or gift.begins_streak or is_of(gift, wallet.streak if wallet else None):
        return None
    return StreakEnded("Begin a new streak: its streak_id is the Idempotency-Key of its first gift.")


def end_of(streak: Streak, user_id: str, entry_id: str, posting: Posting) -> StreakEnd:
    """That the streak is over, and all that it came to."""
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
