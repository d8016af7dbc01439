"""Gifts and checkouts within the fan's budget."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, BudgetChange, first_budget
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import (
    BudgetCurrency,
    BudgetReached,
    TryAgain,
)
from chalicelib.ports.results import AlreadyExists, Posted, Rejected
from chalicelib.usecases.budgets import MAX_ATTEMPTS as SPENDING_ATTEMPTS
from chalicelib.usecases.budgets import exclude_fan
from tests.domain.builders import FAN, KEY
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.budget_harness import (
    CENTS,
    DAILY,
    MOMENT,
    NIGHT,
    a_budget_harness,
    a_raced_harness,
    budget,
    change_limits,
)
from tests.usecases.checkout_harness import CheckoutHarness

# --- gifts ------------------------------------------------------------------------------------------------------------


def test_send_gift_within_the_budget_is_one_write() -> None:
    harness = a_budget_harness()
    harness.send(quantity=10)
    assert harness.recorder.calls == ["post_gift"]
    assert budget(harness).coins_left.day == 0


def test_send_gift_beyond_the_budget_returns_the_reset_time() -> None:
    harness = a_budget_harness()
    with pytest.raises(BudgetReached) as refused:
        harness.send(quantity=11)
    assert refused.value.extensions == {
        "what": "coins",
        "period": "day",
        "left": 10,
        "resets_at": "2026-11-23T00:00:00.000Z",
    }
    assert harness.gifts() == []
    assert harness.recorder.calls == ["post_gift", "find_entry"]


def test_send_gift_first_of_a_day_takes_two_writes() -> None:
    harness = a_budget_harness()
    harness.send(quantity=10)
    harness.clock.advance(NIGHT)
    harness.recorder.calls.clear()

    harness.send(gift_id=uuid7_at(harness.clock.at, 2), quantity=4)
    assert harness.recorder.calls == ["post_gift"] * 2
    harness.send(gift_id=uuid7_at(harness.clock.at, 3), quantity=6)
    assert harness.recorder.calls == ["post_gift"] * 3

    assert budget(harness).coins_left.day == 0
    assert harness.balance() == 980


def test_send_gift_refused_on_a_new_day_renews_nothing() -> None:
    harness = a_budget_harness()
    harness.clock.advance(NIGHT)
    before = budget(harness)
    with pytest.raises(BudgetReached):
        harness.send(quantity=11)
    assert budget(harness) == before


def test_send_gift_uses_a_raised_limit_from_its_time_on() -> None:
    harness = a_budget_harness(replace(DAILY, coins=ByPeriod(UNLIMITED, UNLIMITED, 10)))
    change_limits(harness, coins=ByPeriod(UNLIMITED, UNLIMITED, 20))
    harness.clock.advance(2 * NIGHT - MOMENT)
    with pytest.raises(BudgetReached):
        harness.send(gift_id=uuid7_at(harness.clock.at, 2), quantity=20)
    harness.clock.advance(MOMENT)
    harness.send(gift_id=uuid7_at(harness.clock.at, 3), quantity=20)
    assert budget(harness).coins_left.month == 0


def test_send_gift_after_a_lowered_limit_is_refused() -> None:
    harness = a_budget_harness()
    harness.send(quantity=6)
    change_limits(harness, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    with pytest.raises(BudgetReached) as refused:
        harness.send(gift_id=uuid7_at(START, 2))
    assert refused.value.extensions["left"] == 0


def test_send_gift_repeat_ignores_the_budget() -> None:
    harness = a_budget_harness()
    first = harness.send(quantity=10)
    change_limits(harness, coins=ByPeriod(0, UNLIMITED, UNLIMITED))
    assert harness.send(quantity=10) == replace(first, is_repeat=True)
    exclude_fan(FAN, KEY, 30, ledger=harness.ledger, clock=harness.clock)
    assert harness.send(quantity=10) == replace(first, is_repeat=True)
    assert harness.balance() == 990


@pytest.mark.parametrize("times", [2, 3])
def test_send_gift_lost_race_for_renewal_is_retried(times: int) -> None:
    harness = a_raced_harness(times)
    harness.clock.advance(NIGHT)
    harness.send(gift_id=uuid7_at(harness.clock.at, 2), quantity=10)
    assert budget(harness).coins_left.day == 0


def test_send_gift_endless_races_raise_try_again() -> None:
    harness = a_raced_harness(100)
    harness.clock.advance(NIGHT)
    with pytest.raises(TryAgain):
        harness.send(gift_id=uuid7_at(harness.clock.at, 2))
    assert harness.recorder.calls == ["post_gift"] * SPENDING_ATTEMPTS
    assert harness.gifts() == []


# --- checkouts --------------------------------------------------------------------------------------------------------


def test_open_checkout_within_the_budget_is_one_write() -> None:
    harness = a_budget_harness(CENTS)
    harness.open()
    assert harness.recorder.calls == ["open_purchase", "open_session"]
    assert budget(harness).money_left.day == 26


def test_open_checkout_beyond_the_budget_opens_no_session() -> None:
    harness = a_budget_harness(CENTS)
    harness.open()
    with pytest.raises(BudgetReached) as refused:
        harness.open(purchase_id=uuid7_at(START, 2))
    assert (refused.value.extensions["what"], refused.value.extensions["left"]) == ("money", 26)
    assert harness.provider.opened == 1


def test_open_checkout_in_another_currency_is_refused() -> None:
    harness = a_budget_harness(replace(CENTS, currency="eur"))
    with pytest.raises(BudgetCurrency):
        harness.open()
    assert harness.provider.opened == 0


def test_open_checkout_first_of_a_day_takes_two_writes() -> None:
    harness = a_budget_harness(CENTS)
    harness.open()
    harness.clock.advance(NIGHT)
    harness.recorder.calls.clear()
    harness.open(purchase_id=uuid7_at(harness.clock.at, 2))
    assert harness.recorder.calls == ["open_purchase"] * 2 + ["open_session"]
    assert budget(harness).money_left.day == 26


def test_open_checkout_repeat_ignores_the_budget() -> None:
    harness = a_budget_harness(CENTS)
    first = harness.open()
    change_limits(harness, currency="usd", money=ByPeriod(0, 0, 0))
    again = harness.open()
    assert (again.purchase, again.url, again.is_repeat) == (first.purchase, first.url, True)
    exclude_fan(FAN, KEY, 30, ledger=harness.ledger, clock=harness.clock)
    assert harness.open().is_repeat


class TwinLedger(FakeLedger):
    """A ledger in which a concurrent request with the same key posts first and uses up the budget."""

    def open_purchase(
        self, purchase: Any, change: BudgetChange | None = None, return_url: str | None = None, limit: int = 1
    ) -> Posted | AlreadyExists | Rejected:
        assert super().open_purchase(purchase, change, return_url, limit) == Posted()
        wallet = replace(self.read_wallet(FAN), budget=replace(self.budgets[FAN], money_left=ByPeriod(0, 0, 0)))
        return Rejected(wallet=wallet)


def test_open_checkout_refused_by_its_own_twin_is_a_repeat() -> None:
    harness = CheckoutHarness()
    harness.books = TwinLedger()
    harness.ledger = harness.recorder.over(harness.books)
    harness.books.budgets[FAN] = first_budget(CENTS, START)
    assert harness.open().is_repeat


class ForgetfulLedger(FakeLedger):
    """A ledger that does not store exclusions."""

    def read_wallet(self, user_id: str) -> Wallet:
        return replace(super().read_wallet(user_id), excluded_until=None)


def test_exclude_fan_without_a_stored_exclusion_is_tried_again() -> None:
    with pytest.raises(TryAgain):
        exclude_fan(FAN, KEY, 30, ledger=ForgetfulLedger(), clock=FakeClock())
