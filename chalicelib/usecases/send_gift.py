"""A fan gives coins to a creator: one round trip."""

from dataclasses import dataclass

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.gifts import GiftOrder, price_gift, same_gift
from chalicelib.domain.ids import require_fresh_key
from chalicelib.domain.ledger import Gift, Posting, Wallet
from chalicelib.errors import InsufficientCoins, Refusal, TryAgain, WalletFrozen
from chalicelib.ports import Clock, Ledger


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
        KeyTooOld, UnknownItem, InsufficientCoins, WalletFrozen: refused, and never done before.
        IdempotencyConflict: the key names something else.
        TryAgain: the outcome is not known, or the write kept meeting others.
    """
    now = clock.now()
    try:
        require_fresh_key(order.gift_id, now)
        gift = price_gift(order, catalogue, Posting(posted_at=now, event_id=clock.new_id()), creator_lanes)
        refused = ledger.post_gift(gift)
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


def _refusal(wallet: Wallet | None, gift: Gift) -> Refusal | TryAgain:
    coins = wallet.coins if wallet else 0
    if wallet and wallet.is_frozen:
        return WalletFrozen("Ask the platform's support.")
    if coins < gift.price_coins:
        return InsufficientCoins(
            f"The gift costs {gift.price_coins} coins.", coins=max(coins, 0), needed=gift.price_coins
        )
    # The wallet that came back would allow the gift: it changed between the check and the answer.
    return TryAgain("The wallet is busy.")
