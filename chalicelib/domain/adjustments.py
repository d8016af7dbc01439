"""Coins that move other than by buying and giving."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """Why coins moved, other than by buying and giving."""

    CLAWBACK = "clawback"
    RESTORE = "restore"
    GRANT = "grant"
    GIFT_REVERSAL = "gift_reversal"


class Adjustment(Struct, frozen=True, kw_only=True):
    """Coins that moved in a wallet by something else than buying and giving: `coins` is signed.

    A clawback takes what the money no longer pays for, a restore gives it back: `about` is the purchase. A grant is an
    operator's, `about` the payment it settles, if any. A reversed gift goes back to the fan, `about` is the gift, and
    its creator's shard is countered. `reason` and `actor` tell why and who; never sent to anybody downstream.
    """

    entry_id: str
    user_id: str
    kind: Kind
    coins: int
    posted_at: datetime
    event_id: str
    about: str = ""
    reason: str = ""
    actor: str = ""
    creator_id: str = ""
    shard: int = 0

    @property
    def creator_coins(self) -> int:
        """What a reversed gift is on the creator's side: it counters what the gift was."""
        return -self.coins
