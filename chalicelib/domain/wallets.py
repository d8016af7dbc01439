"""A fan's wallet and its active streak."""

from datetime import datetime

from msgspec import Struct

from chalicelib.domain.budgets import Budget


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


class Wallet(Struct, frozen=True, kw_only=True):
    """A fan's coins, spending controls and active streak. `coins` is below zero only after a clawback."""

    user_id: str
    coins: int = 0
    is_frozen: bool = False
    streak: Streak | None = None
    budget: Budget | None = None
    excluded_until: datetime | None = None
