"""A fan gives coins to a creator: one round trip."""

from dataclasses import dataclass
from typing import Final

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.gifts import GiftOrder, price_gift, same_gift
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.ledger import Gift, GiftRefused, Posting, Streak, Wallet
from chalicelib.domain.streaks import end_of, is_of
from chalicelib.errors import InsufficientCoins, Refusal, StreakEnded, TryAgain, WalletFrozen
from chalicelib.ports import Clock, Ledger

TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SentGift:
    """`is_repeat`: the gift had been sent before, and was not sent again."""

    gift: Gift
    is_repeat: bool


def send_gift(order: GiftOrder, *, catalogue: Catalogue, ledger: Ledger, clock: Clock, creator_lanes: int) -> SentGift:
    """Send the gift that the order asks for, once, however often it is asked.

    The debit and the gift are one transaction on the sender's own partition: how popular the creator is does not
    matter. A retry of a gift that went through must never hear "no", so whatever speaks against the gift by now (the
    key's age, the catalogue, the balance) counts only when a consistent read has not found it.

    Raises:
        KeyTooOld, UnknownItem, NotOffered, CoinsOutOfRange, MessageTooLong, InsufficientCoins, WalletFrozen,
            StreakEnded: refused, and never done before.
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is not known, or the write kept meeting others.
    """
    now = clock.now()
    try:
        require_fresh_key(order.gift_id, now)
        gift = price_gift(order, catalogue, Posting(posted_at=now, event_id=clock.new_id()), creator_lanes)
        refused = _post(gift, ledger, clock)
        if refused is None:
            return SentGift(gift=gift, is_repeat=False)
        if refused.entry is None:
            raise _refusal(refused.wallet, gift)
        earlier = refused.entry
    except Refusal:
        found = ledger.find_entry(order.user_id, order.gift_id)
        if found is None:
            raise
        earlier = found
    return SentGift(gift=same_gift(earlier, order), is_repeat=True)


def _post(gift: Gift, ledger: Ledger, clock: Clock) -> GiftRefused | None:
    """Write it. Only the first gift of a streak that meets an older one takes a second round trip, and ends that."""
    refused = ledger.post_gift(gift)
    for _ in range(TRIES):
        streak = _in_the_way(gift, refused)
        if streak is None:
            break
        posting = Posting(posted_at=gift.posted_at, event_id=clock.new_id())
        refused = ledger.post_gift(gift, end_of(streak, gift.user_id, clock.new_id(), posting))
    return refused


def _in_the_way(gift: Gift, refused: GiftRefused | None) -> Streak | None:
    """The streak without which the gift would have been posted."""
    if refused is None or refused.entry or refused.wallet is None or not gift.begins_streak:
        return None
    wallet = refused.wallet
    return None if wallet.is_frozen or wallet.coins < gift.price_coins else wallet.streak


def _refusal(wallet: Wallet | None, gift: Gift) -> Refusal | TryAgain:
    coins = wallet.coins if wallet else 0
    if wallet and wallet.is_frozen:
        return WalletFrozen("Ask the platform's support.")
    if coins < gift.price_coins:
        return InsufficientCoins(
            f"The gift costs {gift.price_coins} coins.", coins=max(coins, 0), needed=gift.price_coins
        )
    if gift.streak_id and not gift.begins_streak and not is_of(gift, wallet.streak if wallet else None):
        return StreakEnded("Begin a new streak: its streak_id is the Idempotency-Key of its first gift.")
    # The wallet that came back would allow the gift: it changed between the check and the answer.
    return TryAgain("The wallet is busy.")
