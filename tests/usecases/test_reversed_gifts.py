"""Reversed gifts of fans with a budget, and of an active streak."""

from datetime import timedelta

import pytest

from chalicelib.domain.budgets import Budget, Limits, first_budget
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import TryAgain
from chalicelib.ports.results import Stale
from tests.domain.builders import FAN, KEY
from tests.fake_operators import FakeOperators
from tests.fakes import START, uuid7_at
from tests.usecases.test_operators import OperatorHarness

DAY = timedelta(days=1)
LIMITS = Limits(zone="UTC", coins=ByPeriod(40, 60, 80))


def a_budget_harness() -> OperatorHarness:
    """Build a fan with a budget, who has given a cake within it on a Sunday."""
    harness = OperatorHarness()
    harness.books.budgets[FAN] = first_budget(LIMITS, START)
    harness.send(gift_id=uuid7_at(START, 2), item_id="cake")
    assert budget(harness).coins_left == ByPeriod(5, 25, 45)
    return harness


def budget(harness: OperatorHarness) -> Budget:
    found = harness.books.read_wallet(FAN).budget
    assert found
    return found


def test_reverse_gift_returns_its_coins_to_the_budget_once() -> None:
    harness = a_budget_harness()
    for _ in range(2):
        harness.reverse(gift_id=uuid7_at(START, 2))
        assert budget(harness).coins_left == LIMITS.coins


def test_reverse_gift_returns_coins_to_periods_that_still_run() -> None:
    harness = a_budget_harness()
    harness.clock.advance(DAY)  # a Monday
    harness.fund(100)
    harness.send(gift_id=uuid7_at(harness.clock.at, 3), item_id="rose")
    harness.reverse(gift_id=uuid7_at(START, 2))
    assert budget(harness).coins_left == ByPeriod(39, 59, 79)
    harness.clock.advance(31 * DAY)
    seen = budget(harness)
    harness.reverse(key=uuid7_at(harness.clock.at, 80), gift_id=KEY)
    assert budget(harness) == seen, "all periods are over"


def test_reverse_gift_after_the_budget_changed_reads_it_again() -> None:
    harness = a_budget_harness()
    harness.clock.advance(DAY)

    def renew() -> None:
        harness.send(gift_id=uuid7_at(harness.clock.at, 3), item_id="rose")

    harness.recorder.before["reverse_gift"] = renew
    harness.reverse(gift_id=uuid7_at(START, 2))
    assert budget(harness).coins_left == ByPeriod(39, 59, 79)


class RacingOperators(FakeOperators):
    """Operators whose wallet is always changed by others."""

    def reverse_gift(self, *_: object) -> Stale:
        return Stale()


def test_reverse_gift_in_a_wallet_that_keeps_changing_is_tried_again() -> None:
    harness = OperatorHarness()
    harness.operators = RacingOperators(harness.books, harness.members)
    with pytest.raises(TryAgain):
        harness.reverse()


def a_streak_harness() -> OperatorHarness:
    """Build a fan who has given two roses in a streak."""
    harness = OperatorHarness()
    first = uuid7_at(START, 2)
    for key in (first, uuid7_at(START, 3)):
        harness.send(gift_id=key, item_id="rose", streak_id=first)
    return harness


def test_reverse_gift_leaves_the_total_of_the_active_streak_right() -> None:
    harness = a_streak_harness()
    harness.reverse(gift_id=uuid7_at(START, 3))
    streak = harness.books.streaks[FAN]
    assert (streak.count, streak.coins) == (1, 1)
    harness.reverse(key=uuid7_at(START, 81), gift_id=KEY)
    assert harness.books.streaks[FAN] == streak, "a gift that is not in it"
