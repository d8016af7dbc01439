"""A fan is held to his own budget, in giving and in buying."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.budgets import UNLIMITED, BudgetChange, first_budget
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.spending import PurchaseRefused
from chalicelib.errors import (
    BudgetCurrency,
    BudgetReached,
    TryAgain,
)
from chalicelib.usecases.budgets import MAX_ATTEMPTS as SPENDING_TRIES
from chalicelib.usecases.budgets import exclude_fan
from tests.domain.builders import FAN, KEY
from tests.fakes import START, FakeLedger, uuid7_at
from tests.usecases.budgeting import CENTS, DAILY, MOMENT, NIGHT, a_desk, a_raced_desk, budget, wish
from tests.usecases.desk import Desk

# --- giving -----------------------------------------------------------------------------------------------------------


def test_a_gift_within_the_budget_is_one_write() -> None:
    desk = a_desk()
    desk.send(quantity=10)
    assert desk.watch.calls == ["post_gift"]
    assert budget(desk).coins_left.day == 0


def test_a_gift_beyond_the_budget_is_refused_and_says_until_when() -> None:
    desk = a_desk()
    with pytest.raises(BudgetReached) as refused:
        desk.send(quantity=11)
    assert refused.value.facts == {
        "what": "coins",
        "period": "day",
        "left": 10,
        "resets_at": "2026-11-23T00:00:00.000Z",
    }
    assert desk.gifts() == []
    assert desk.watch.calls == ["post_gift", "find_entry"]


def test_the_first_gift_of_a_day_takes_two_writes_and_the_next_one() -> None:
    desk = a_desk()
    desk.send(quantity=10)
    desk.clock.advance(NIGHT)
    desk.watch.calls.clear()

    desk.send(gift_id=uuid7_at(desk.clock.at, 2), quantity=4)
    assert desk.watch.calls == ["post_gift"] * 2
    desk.send(gift_id=uuid7_at(desk.clock.at, 3), quantity=6)
    assert desk.watch.calls == ["post_gift"] * 3

    assert budget(desk).coins_left.day == 0
    assert desk.balance() == 980


def test_a_gift_too_big_for_a_new_day_renews_nothing() -> None:
    desk = a_desk()
    desk.clock.advance(NIGHT)
    before = budget(desk)
    with pytest.raises(BudgetReached):
        desk.send(quantity=11)
    assert budget(desk) == before


def test_a_raise_holds_from_the_moment_it_was_promised() -> None:
    desk = a_desk(replace(DAILY, coins=ByPeriod(UNLIMITED, UNLIMITED, 10)))
    wish(desk, coins=ByPeriod(UNLIMITED, UNLIMITED, 20))
    desk.clock.advance(2 * NIGHT - MOMENT)
    with pytest.raises(BudgetReached):
        desk.send(gift_id=uuid7_at(desk.clock.at, 2), quantity=20)
    desk.clock.advance(MOMENT)
    desk.send(gift_id=uuid7_at(desk.clock.at, 3), quantity=20)
    assert budget(desk).coins_left.month == 0


def test_a_lower_limit_stops_the_next_gift() -> None:
    desk = a_desk()
    desk.send(quantity=6)
    wish(desk, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    with pytest.raises(BudgetReached) as refused:
        desk.send(gift_id=uuid7_at(START, 2))
    assert refused.value.facts["left"] == 0


def test_a_retry_of_a_gift_that_went_through_never_hears_of_a_budget() -> None:
    desk = a_desk()
    first = desk.send(quantity=10)
    wish(desk, coins=ByPeriod(0, UNLIMITED, UNLIMITED))
    assert desk.send(quantity=10) == replace(first, is_repeat=True)
    exclude_fan(FAN, KEY, 30, ledger=desk.ledger, clock=desk.clock)
    assert desk.send(quantity=10) == replace(first, is_repeat=True)
    assert desk.balance() == 990


@pytest.mark.parametrize("times", [2, 3])
def test_a_lost_race_for_the_first_gift_of_a_day_begins_again(times: int) -> None:
    desk = a_raced_desk(times)
    desk.clock.advance(NIGHT)
    desk.send(gift_id=uuid7_at(desk.clock.at, 2), quantity=10)
    assert budget(desk).coins_left.day == 0


def test_races_without_end_are_no_answer() -> None:
    desk = a_raced_desk(100)
    desk.clock.advance(NIGHT)
    with pytest.raises(TryAgain):
        desk.send(gift_id=uuid7_at(desk.clock.at, 2))
    assert desk.watch.calls == ["post_gift"] * SPENDING_TRIES
    assert desk.gifts() == []


# --- buying -----------------------------------------------------------------------------------------------------------


def test_a_checkout_within_the_budget_is_one_write() -> None:
    desk = a_desk(CENTS)
    desk.open()
    assert desk.watch.calls == ["open_purchase", "open_session"]
    assert budget(desk).money_left.day == 26


def test_a_checkout_beyond_the_budget_is_refused_before_the_provider_hears_of_it() -> None:
    desk = a_desk(CENTS)
    desk.open()
    with pytest.raises(BudgetReached) as refused:
        desk.open(purchase_id=uuid7_at(START, 2))
    assert (refused.value.facts["what"], refused.value.facts["left"]) == ("money", 26)
    assert desk.provider.opened == 1


def test_a_checkout_in_another_currency_is_refused() -> None:
    desk = a_desk(replace(CENTS, currency="eur"))
    with pytest.raises(BudgetCurrency):
        desk.open()
    assert desk.provider.opened == 0


def test_the_first_checkout_of_a_day_takes_two_writes() -> None:
    desk = a_desk(CENTS)
    desk.open()
    desk.clock.advance(NIGHT)
    desk.watch.calls.clear()
    desk.open(purchase_id=uuid7_at(desk.clock.at, 2))
    assert desk.watch.calls == ["open_purchase"] * 2 + ["open_session"]
    assert budget(desk).money_left.day == 26


def test_a_retry_of_a_checkout_that_went_through_never_hears_of_a_budget() -> None:
    desk = a_desk(CENTS)
    first = desk.open()
    wish(desk, currency="usd", money=ByPeriod(0, 0, 0))
    again = desk.open()
    assert (again.purchase, again.url, again.is_repeat) == (first.purchase, first.url, True)
    exclude_fan(FAN, KEY, 30, ledger=desk.ledger, clock=desk.clock)
    assert desk.open().is_repeat


class TwinLedger(FakeLedger):
    """A twin request is faster: what refuses its brother is what it did itself."""

    def open_purchase(self, purchase: Any, change: BudgetChange | None = None) -> PurchaseRefused | None:
        assert super().open_purchase(purchase, change) is None
        wallet = replace(self.read_wallet(FAN), budget=replace(self.budgets[FAN], money_left=ByPeriod(0, 0, 0)))
        return PurchaseRefused(entry=None, wallet=wallet)


def test_a_twin_that_was_faster_answers_for_both() -> None:
    desk = Desk()
    desk.books = TwinLedger()
    desk.ledger = desk.watch.over(desk.books)
    desk.books.budgets[FAN] = first_budget(CENTS, START)
    assert desk.open().is_repeat
