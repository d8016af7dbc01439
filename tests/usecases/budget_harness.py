"""Checkout harness of a fan with a budget, and a ledger that loses races."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Budget, BudgetChange, Limits
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.streaks import StreakEnd
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Stale
from chalicelib.usecases.budgets import set_budget
from tests.domain.builders import FAN
from tests.fakes import FakeLedger
from tests.usecases.checkout_harness import CheckoutHarness

NIGHT = timedelta(hours=12)
MOMENT = timedelta(milliseconds=1)
DAILY = Limits(zone="UTC", coins=ByPeriod(10, UNLIMITED, UNLIMITED))
CENTS = Limits(zone="UTC", currency="usd", money=ByPeriod(100, UNLIMITED, UNLIMITED))


def a_budget_harness(limits: Limits = DAILY, coins: int = 1_000) -> CheckoutHarness:
    harness = CheckoutHarness()
    harness.fund(coins)
    set_budget(FAN, limits, ledger=harness.books, clock=harness.clock)
    return harness


def budget(harness: CheckoutHarness) -> Budget:
    return harness.books.budgets[FAN]


def change_limits(harness: CheckoutHarness, **limits: Any) -> None:
    set_budget(FAN, Limits(**{"zone": "UTC", **limits}), ledger=harness.ledger, clock=harness.clock)


class RacedLedger(FakeLedger):
    """A ledger in which a concurrent request changes the budget before each gift or checkout."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def raced(self) -> None:
        if self.times:
            self.times -= 1
            seen = self.budgets[FAN]
            self.budgets[FAN] = replace(seen, version=seen.version + 1)

    def post_gift(
        self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None
    ) -> Posted | AlreadyExists | Rejected:
        self.raced()
        return super().post_gift(gift, change, ended)

    def change_budget(self, user_id: str, change: BudgetChange) -> Posted | Stale:
        if self.budgets:
            self.raced()
        return super().change_budget(user_id, change)


def a_raced_harness(times: int) -> CheckoutHarness:
    harness = CheckoutHarness()
    harness.books = RacedLedger(0)
    harness.ledger = harness.recorder.over(harness.books)
    harness.fund(1_000)
    set_budget(FAN, DAILY, ledger=harness.books, clock=harness.clock)
    harness.books.times = times
    return harness
