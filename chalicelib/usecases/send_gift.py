"""A fan gives coins to a creator: one round trip."""

from dataclasses import dataclass

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.gifts import GiftOrder, price_gift, same_gift
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.ledger import Gift, Posting, StreakEnd, Wallet
from chalicelib.domain.spending import why_not_spend
from chalicelib.domain.streaks import end_of, why_not_in_row
from chalicelib.errors import Refusal
from chalicelib.ports import Clock, Ledger
from chalicelib.usecases.spend_within_budget import spend_within_budget


@dataclass(frozen=True, slots=True, kw_only=True)
class SentGift:
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
        refused = spend_within_budget(
            lambda change, wallet: ledger.post_gift(gift, change, _in_the_way(gift, wallet, clock)),
            lambda wallet: why_not_spend(wallet, gift.price_coins, now) or why_not_in_row(gift, wallet),
            now,
        )
        if refused is None:
            return SentGift(gift=gift, is_repeat=False)
        assert refused.entry is not None, "whatever else was in the way has been raised"
        earlier = refused.entry
    except Refusal:
        found = ledger.find_entry(order.user_id, order.gift_id)
        if found is None:
            raise
        earlier = found
    return SentGift(gift=same_gift(earlier, order), is_repeat=True)


def _in_the_way(gift: Gift, wallet: Wallet | None, clock: Clock) -> StreakEnd | None:
    """What ends the streak that is under way, if the gift begins another."""
    if not gift.begins_streak or wallet is None or wallet.streak is None:
        return None
    posting = Posting(posted_at=gift.posted_at, event_id=clock.new_id())
    return end_of(wallet.streak, gift.user_id, clock.new_id(), posting)
