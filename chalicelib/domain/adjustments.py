"""Adjustments: coin movements other than purchases and gifts."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """Kinds of adjustment."""

    CLAWBACK = "clawback"
    RESTORE = "restore"
    GRANT = "grant"
    GIFT_REVERSAL = "gift_reversal"


class Adjustment(Struct, frozen=True, kw_only=True):
    """A change of a wallet's coins that is neither a purchase nor a gift. `coins` is signed.

    A clawback takes the coins of refunded or disputed money and a restore returns them; `about` is the purchase. A
    grant is made by an operator; `about` is the payment it settles, if any. A gift reversal returns the coins to the
    fan and counters the entry in the creator's shard; `about` is the gift. `reason` and `actor` are never published.
    `coins_spent` is how many of the coins that a clawback took the fan had spent; None where that is not known.
    """

    entry_id: str
    user_id: str
    kind: Kind
    coins: int
    posted_at: datetime
    event_id: str
    about: str | None = None
    reason: str | None = None
    actor: str | None = None
    coins_spent: int | None = None
    creator_id: str | None = None
    shard: int = 0

    @property
    def creator_coins(self) -> int:
        """The change of the creator's total by a gift reversal."""
        return -self.coins
