"""Gifts: debit the fan and record the gift; end a streak after its pause."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.gifts import Gift, GiftOrder, price_gift, require_same_request
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.posting import Posting
from chalicelib.domain.spending import spend_refusal
from chalicelib.domain.streaks import StreakEnd, end_of, streak_refusal
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import Refusal, TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import StreakTimer
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import Posted
from chalicelib.usecases.budgets import spend_within_budget


class SentGift(Struct, frozen=True, kw_only=True):
    """`is_repeat`: the gift had been sent before, and was not sent again."""

    gift: Gift
    is_repeat: bool


def send_gift(order: GiftOrder, *, catalogue: Catalogue, ledger: Ledger, clock: Clock, creator_lanes: int) -> SentGift:
    """Send the gift that the order asks for, once, however often it is asked.

    The debit and the gift are one transaction on the sender's own partition: how popular the creator is does not
    matter. A retry of a gift that went through must never hear "no", so whatever speaks against the gift by now (the
    key's age, the catalogue, the balance, the budget) counts only when a consistent read has not found it.

    Raises:
        KeyTooOld, UnknownItem, NotOffered, CoinsOutOfRange, MessageTooLong, InsufficientCoins, WalletFrozen,
            SelfExcluded, BudgetReached, StreakEnded: refused, and never done before.
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is not known, or the write kept meeting others.
    """
    now = clock.now()
    try:
        require_fresh_key(order.gift_id, now)
        gift = price_gift(order, catalogue, Posting(posted_at=now, event_id=clock.new_id()), creator_lanes)
        result = spend_within_budget(
            lambda change, wallet: ledger.post_gift(gift, change, _in_the_way(gift, wallet, clock)),
            lambda wallet: spend_refusal(wallet, gift.price_coins, now) or streak_refusal(gift, wallet),
            now,
        )
        match result:
            case Posted():
                return SentGift(gift=gift, is_repeat=False)
            case known:
                earlier = known.entry
    except Refusal:
        found = ledger.find_entry(order.user_id, order.gift_id)
        if found is None:
            raise
        earlier = found
    return SentGift(gift=require_same_request(earlier, order), is_repeat=True)


def _in_the_way(gift: Gift, wallet: Wallet | None, clock: Clock) -> StreakEnd | None:
    """What ends the streak that is under way, if the gift begins another."""
    if not gift.begins_streak or wallet is None or wallet.streak is None:
        return None
    posting = Posting(posted_at=gift.posted_at, event_id=clock.new_id())
    return end_of(wallet.streak, gift.user_id, clock.new_id(), posting)


MAX_ATTEMPTS: Final = 5


def end_streak(
    user_id: str, streak_id: str, pause: timedelta, *, ledger: Ledger, timer: StreakTimer, clock: Clock
) -> str:
    """End the streak if its last gift was sent `pause` ago, and have its total told; else look again when it may be.

    Returns:
        ended; goes_on; or ended_before, by another look or by the fan's next streak.

    Raises:
        TryAgain: the outcome is not known, or the fan kept adding to it.
    """
    for _ in range(MAX_ATTEMPTS):
        now = clock.now()
        streak = ledger.read_wallet(user_id).streak
        if streak is None or streak.streak_id != streak_id:
            return "ended_before"
        left = streak.last_at + pause - now
        if left > timedelta(0):
            timer.wake(user_id, streak_id, left)
            return "goes_on"
        # The guard: a gift that was added since makes it a longer streak, which has not ended.
        posting = Posting(posted_at=now, event_id=clock.new_id())
        match ledger.end_streak(user_id, end_of(streak, user_id, clock.new_id(), posting)):
            case Posted():
                return "ended"
    raise TryAgain("The streak goes on.")
