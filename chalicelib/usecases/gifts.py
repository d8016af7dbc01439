"""Gifts: debit the fan and record the gift."""

from msgspec import Struct

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.gifts import Gift, GiftOrder, price_gift, require_same_request
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.posting import Posting
from chalicelib.domain.spending import spend_refusal
from chalicelib.domain.streaks import StreakEnd, end_of, streak_refusal
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import Refusal
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import Posted
from chalicelib.usecases.budgets import spend_within_budget


class SentGift(Struct, frozen=True, kw_only=True):
    """A gift. `is_repeat`: an earlier request sent it."""

    gift: Gift
    is_repeat: bool


def send_gift(order: GiftOrder, *, catalogue: Catalogue, ledger: Ledger, clock: Clock, creator_shards: int) -> SentGift:
    """Send a gift, once for each key.

    The debit and the gift are one transaction on the sender's partition, so a popular creator adds no contention. A
    retry of a gift that was sent must succeed, so a refusal (key age, catalogue, balance, budget) is raised only after
    a consistent read has not found the gift.

    Raises:
        KeyTooOld, UnknownItem, NotOffered, CoinsOutOfRange, MessageTooLong, InsufficientCoins, WalletFrozen,
            SelfExcluded, BudgetReached, StreakEnded: refused.
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is unknown, or the write met others at every attempt.
    """
    now = clock.now()
    try:
        require_fresh_key(order.gift_id, now)
        gift = price_gift(order, catalogue, Posting(posted_at=now, event_id=clock.new_id()), creator_shards)
        result = spend_within_budget(
            lambda change, wallet: ledger.post_gift(gift, change, _streak_end(gift, wallet, clock)),
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


def _streak_end(gift: Gift, wallet: Wallet | None, clock: Clock) -> StreakEnd | None:
    """Build the end of the active streak when this gift starts a new one."""
    if not gift.begins_streak or wallet is None or wallet.streak is None:
        return None
    posting = Posting(posted_at=gift.posted_at, event_id=clock.new_id())
    return end_of(wallet.streak, gift.user_id, clock.new_id(), posting)
