"""A fan's wallet and its active streak."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from chalicelib.domain.budgets import Budget
from chalicelib.domain.open_windows import OpenWindow


class Streak(Struct, frozen=True, kw_only=True):
    """A fan's active streak: gifts of one item to one creator, each debited by itself.

    `count` and `coins` are totals so far; `last_at` is the time of the last gift. `shard` receives all of its gifts.
    """

    streak_id: str
    creator_id: str
    item_id: str
    is_anonymous: bool
    shard: int
    count: int
    coins: int
    last_at: datetime


class FreezeReason(StrEnum):
    """Reasons of a freeze. Each ends by itself only. The values are public in v1."""

    OPERATOR = "operator"
    DISPUTE = "dispute"


class Wallet(Struct, frozen=True, kw_only=True):
    """A fan's coins, spending controls and active streak. `coins` is below zero only after a clawback.

    `open_disputes` and `lost_disputes` count the purchases with such a hold; the coins of `paid_disputes` of the lost
    ones are known to be paid back.
    """

    user_id: str
    coins: int = 0
    is_frozen_by_operator: bool = False
    open_disputes: int = 0
    lost_disputes: int = 0
    paid_disputes: int = 0
    streak: Streak | None = None
    budget: Budget | None = None
    excluded_until: datetime | None = None
    open_checkouts: OpenWindow | None = None
    open_memberships: OpenWindow | None = None

    @property
    def has_paid_disputes(self) -> bool:
        """True if coins of lost disputes were paid back and that is not noted: a later debt has another cause."""
        return self.lost_disputes > self.paid_disputes and self.coins >= 0

    @property
    def freeze_reasons(self) -> Sequence[FreezeReason]:
        """The reasons why the wallet is frozen. A lost dispute is one until its coins are paid back."""
        is_owed = self.lost_disputes > self.paid_disputes and self.coins < 0
        is_disputed = self.open_disputes > 0 or is_owed
        reasons = {FreezeReason.OPERATOR: self.is_frozen_by_operator, FreezeReason.DISPUTE: is_disputed}
        return [reason for reason, holds in reasons.items() if holds]
