"""Budgets at START, a Sunday noon in November: day and week end at its midnight, the month does not."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Budget, Limits
from chalicelib.domain.periods import ByPeriod

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
DAY = timedelta(days=1)
LIMITS = Limits(zone="UTC", coins=ByPeriod(100, 300, 1_000))
DOLLARS = Limits(zone="UTC", currency="usd", money=ByPeriod(1_000, UNLIMITED, 5_000))


def spent(budget: Budget, coins: int = 0, money: int = 0) -> Budget:
    """Count a spending in the budget, as the ledger does."""
    return replace(
        budget,
        coins_left=ByPeriod(*(left - coins for left in budget.coins_left)),
        money_left=ByPeriod(*(left - money for left in budget.money_left)),
    )
