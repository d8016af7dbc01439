"""A fan's wallet, and the streak that is active in it."""

from datetime import datetime

from msgspec import Struct

from chalicelib.domain.budgets import Budget


class Streak(Struct, frozen=True, kw_only=True):
    """The streak that a fan has under way: gifts of one item to one creator, each debited by itself.

    `count` gifts so far for `coins` in all, the last one at `last_at`; all of them are received in `shard`.
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
    """A fan's coins. Below zero only after a clawback: that is the debt. A fan may have a budget, or be shut out.

    At most one streak is under way.
    """

    user_id: str
    coins: int = 0
    is_frozen: bool = False
    streak: Streak | None = None
    budget: Budget | None = None
    excluded_until: datetime | None = None
