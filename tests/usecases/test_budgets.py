"""A fan is held to his own budget, in giving and in buying."""

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
from chalicelib.usecases.budgets import MAX_ATTEMPTS as SPENDING_TRIES
from chalicelib.usecases.budgets import exclude_fan
from tests.domain.builders import FAN, KEY
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.budget_harness import CENTS, DAILY, MOMENT, NIGHT, a_budget_harness, a_raced_harness, budget, wish
from tests.usecases.checkout_harness import CheckoutHarness

# --- giving -----------------------------------------------------------------------------------------------------------


def test_a_gift_within_the_budget_is_one_write() -> None:
    harness = a_budget_harness()
    harness.send(quantity=10)
    assert harness.recorder.calls == ["post_gift"]
    assert budget(harness).coins_left.day == 0


def test_a_gift_beyond_the_budget_is_refused_and_says_until_when() -> None:
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


def test_the_first_gift_of_a_day_takes_two_writes_and_the_next_one() -> None:
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


def test_a_gift_too_big_for_a_new_day_renews_nothing() -> None:
    harness = a_budget_harness()
    harness.clock.advance(NIGHT)
    before = budget(harness)
    with pytest.raises(BudgetReached):
        harness.send(quantity=11)
    assert budget(harness) == before


def test_a_raise_holds_from_the_moment_it_was_promised() -> None:
    harness = a_budget_harness(replace(DAILY, coins=ByPeriod(UNLIMITED, UNLIMITED, 10)))
    wish(harness, coins=ByPeriod(UNLIMITED, UNLIMITED, 20))
    harness.clock.advance(2 * NIGHT - MOMENT)
    with pytest.raises(BudgetReached):
        harness.send(gift_id=uuid7_at(harness.clock.at, 2), quantity=20)
    harness.clock.advance(MOMENT)
    harness.send(gift_id=uuid7_at(harness.clock.at, 3), quantity=20)
    assert budget(harness).coins_left.month == 0


def test_a_lower_limit_stops_the_next_gift() -> None:
    harness = a_budget_harness()
    harness.send(quantity=6)
    wish(harness, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    with pytest.raises(BudgetReached) as refused:
        harness.send(gift_id=uuid7_at(START, 2))
    assert refused.value.extensions["left"] == 0


def test_a_retry_of_a_gift_that_went_through_never_hears_of_a_budget() -> None:
    harness = a_budget_harness()
    first = harness.send(quantity=10)
    wish(harness, coins=ByPeriod(0, UNLIMITED, UNLIMITED))
    assert harness.send(quantity=10) == replace(first, is_repeat=True)
    exclude_fan(FAN, KEY, 30, ledger=harness.ledger, clock=harness.clock)
    assert harness.send(quantity=10) == replace(first, is_repeat=True)
    assert harness.balance() == 990


@pytest.mark.parametrize("times", [2, 3])
def test_a_lost_race_for_the_first_gift_of_a_day_begins_again(times: int) -> None:
    harness = a_raced_harness(times)
    harness.clock.advance(NIGHT)
    harness.send(gift_id=uuid7_at(harness.clock.at, 2), quantity=10)
    assert budget(harness).coins_left.day == 0


def test_races_without_end_are_no_answer() -> None:
    harness = a_raced_harness(100)
    harness.clock.advance(NIGHT)
    with pytest.raises(TryAgain):
        harness.send(gift_id=uuid7_at(harness.clock.at, 2))
    assert harness.recorder.calls == ["post_gift"] * SPENDING_TRIES
    assert harness.gifts() == []


# --- buying -----------------------------------------------------------------------------------------------------------


def test_a_checkout_within_the_budget_is_one_write() -> None:
    harness = a_budget_harness(CENTS)
    harness.open()
    assert harness.recorder.calls == ["open_purchase", "open_session"]
    assert budget(harness).money_left.day == 26


def test_a_checkout_beyond_the_budget_is_refused_before_the_provider_hears_of_it() -> None:
    harness = a_budget_harness(CENTS)
    harness.open()
    with pytest.raises(BudgetReached) as refused:
        harness.open(purchase_id=uuid7_at(START, 2))
    assert (refused.value.extensions["what"], refused.value.extensions["left"]) == ("money", 26)
    assert harness.provider.opened == 1


def test_a_checkout_in_another_currency_is_refused() -> None:
    harness = a_budget_harness(replace(CENTS, currency="eur"))
    with pytest.raises(BudgetCurrency):
        harness.open()
    assert harness.provider.opened == 0


def test_the_first_checkout_of_a_day_takes_two_writes() -> None:
    harness = a_budget_harness(CENTS)
    harness.open()
    harness.clock.advance(NIGHT)
    harness.recorder.calls.clear()
    harness.open(purchase_id=uuid7_at(harness.clock.at, 2))
    assert harness.recorder.calls == ["open_purchase"] * 2 + ["open_session"]
    assert budget(harness).money_left.day == 26


def test_a_retry_of_a_checkout_that_went_through_never_hears_of_a_budget() -> None:
    harness = a_budget_harness(CENTS)
    first = harness.open()
    wish(harness, currency="usd", money=ByPeriod(0, 0, 0))
    again = harness.open()
    assert (again.purchase, again.url, again.is_repeat) == (first.purchase, first.url, True)
    exclude_fan(FAN, KEY, 30, ledger=harness.ledger, clock=harness.clock)
    assert harness.open().is_repeat


class TwinLedger(FakeLedger):
    """A twin request is faster: what refuses its brother is what it did itself."""

    def open_purchase(self, purchase: Any, change: BudgetChange | None = None) -> Posted | AlreadyExists | Rejected:
        assert super().open_purchase(purchase, change) == Posted()
        wallet = replace(self.read_wallet(FAN), budget=replace(self.budgets[FAN], money_left=ByPeriod(0, 0, 0)))
        return Rejected(wallet=wallet)


def test_a_twin_that_was_faster_answers_for_both() -> None:
    harness = CheckoutHarness()
    harness.books = TwinLedger()
    harness.ledger = harness.recorder.over(harness.books)
    harness.books.budgets[FAN] = first_budget(CENTS, START)
    assert harness.open().is_repeat


class ForgetfulLedger(FakeLedger):
    """Keeps no exclusion that it was asked for."""

    def read_wallet(self, user_id: str) -> Wallet:
        return replace(super().read_wallet(user_id), excluded_until=None)


def test_exclude_fan_without_a_stored_exclusion_is_tried_again() -> None:
    with pytest.raises(TryAgain):
        exclude_fan(FAN, KEY, 30, ledger=ForgetfulLedger(), clock=FakeClock())
