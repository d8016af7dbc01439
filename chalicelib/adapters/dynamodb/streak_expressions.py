"""Conditions and actions for the streak stored on the wallet row."""

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.domain.gifts import Gift
from chalicelib.domain.streaks import StreakEnd


def follow_streak(gift: Gift, ended: StreakEnd | None) -> tuple[list[Action], Condition | None]:
    """Build the actions and the condition for a gift's streak, if it has one.

    Args:
        gift: the first gift of a streak requires no active streak; a later one requires its own.
        ended: the active streak, which ends in the same write.
    """
    if gift.streak_id is None:
        return [], None
    if gift.begins_streak:
        return begun(gift), is_as_seen(ended)
    return counted(gift), goes_on(gift)


def goes_on(gift: Gift) -> Condition:
    """Require the gift's streak to be active with the same item and creator."""
    condition: Condition = (
        (WalletRow.streak_id == gift.streak_id)
        & (WalletRow.streak_creator == gift.creator_id)
        & (WalletRow.streak_item == gift.item_id)
        & (WalletRow.streak_anonymous == gift.anonymous)
        & (WalletRow.streak_shard == gift.shard)
    )
    return condition


def is_as_seen(ended: StreakEnd | None) -> Condition:
    """Require no active streak, or the one to end unchanged since it was read."""
    if ended is None:
        return WalletRow.streak_id.does_not_exist()
    streak = ended.streak
    # A tap and a reversal leave the count as it was.
    seen: Condition = (
        (WalletRow.streak_id == streak.streak_id)
        & (WalletRow.streak_count == streak.count)
        & (WalletRow.streak_at == streak.last_at)
    )
    return seen


def begun(gift: Gift) -> list[Action]:
    """Start a streak with the gift."""
    return [
        WalletRow.streak_id.set(gift.gift_id),
        WalletRow.streak_creator.set(gift.creator_id),
        WalletRow.streak_item.set(require(gift.item_id)),
        WalletRow.streak_anonymous.set(gift.anonymous),
        WalletRow.streak_shard.set(gift.shard),
        WalletRow.streak_count.set(1),
        WalletRow.streak_coins.set(gift.price_coins),
        WalletRow.streak_at.set(gift.posted_at),
    ]


def counted(gift: Gift) -> list[Action]:
    """Add the gift to its streak."""
    return [
        WalletRow.streak_count.add(1),
        WalletRow.streak_coins.add(gift.price_coins),
        WalletRow.streak_at.set(gift.posted_at),
    ]


def taken_out(streak_id: str, coins: int) -> tuple[list[Action], Condition]:
    """Take a reversed gift out of its active streak."""
    actions: list[Action] = [WalletRow.streak_count.add(-1), WalletRow.streak_coins.add(-coins)]
    return actions, WalletRow.streak_id == streak_id


def forgotten() -> list[Action]:
    """Remove the active streak."""
    return [
        WalletRow.streak_id.remove(),
        WalletRow.streak_creator.remove(),
        WalletRow.streak_item.remove(),
        WalletRow.streak_anonymous.remove(),
        WalletRow.streak_shard.remove(),
        WalletRow.streak_count.remove(),
        WalletRow.streak_coins.remove(),
        WalletRow.streak_at.remove(),
    ]
