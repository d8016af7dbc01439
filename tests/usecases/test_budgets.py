"""A fan sets limits for himself, looks at them, is held to them, and shuts himself out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, Budget, BudgetChange, Limits, first_budget
from chalicelib.domain.ledger import Gift, GiftRefused, StreakEnd
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.spending import PurchaseRefused
from chalicelib.errors import (
    BudgetCurrency,
    BudgetReached,
    CoinpurseError,
    IdempotencyConflict,
    InvalidField,
    SelfExcluded,
    TryAgain,
)
from chalicelib.usecases.exclude_fan import Excluded, exclude_fan
from chalicelib.usecases.read_budget import read_budget
from chalicelib.usecases.set_budget import TRIES, set_budget
from chalicelib.usecases.spend_within_budget import TRIES as SPENDING_TRIES
from tests.domain.builders import FAN, KEY
from tests.fakes import START, FakeLedger, uuid7_at
from tests.usecases.desk import Desk

NIGHT = timedelta(hours=12)
MOMENT = timedelta(milliseconds=1)
DAILY = Limits(zone="UTC", coins=ByPeriod(10, UNLIMITED, UNLIMITED))
CENTS = Limits(zone="UTC", currency="usd", money=ByPeriod(100, UNLIMITED, UNLIMITED))


def a_desk(limits: Limits = DAILY, coins: int = 1_000) -> Desk:
    desk = Desk()
    desk.fund(coins)
    set_budget(FAN, limits, ledger=desk.books, clock=desk.clock)
    return desk


def budget(desk: Desk) -> Budget:
    return desk.books.budgets[FAN]


def wish(desk: Desk, **limits: Any) -> None:
    set_budget(FAN, Limits(**{"zone": "UTC", **limits}), ledger=desk.ledger, clock=desk.clock)


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


class RacedLedger(FakeLedger):
    """Before each gift, and each checkout, somebody else makes another budget of the fan's."""

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
    ) -> GiftRefused | None:
        self.raced()
        return super().post_gift(gift, change, ended)

    def change_budget(self, user_id: str, change: BudgetChange) -> bool:
        if self.budgets:
            self.raced()
        return super().change_budget(user_id, change)


def a_raced_desk(times: int) -> Desk:
    desk = Desk()
    desk.books = RacedLedger(0)
    desk.ledger = desk.watch.over(desk.books)
    desk.fund(1_000)
    set_budget(FAN, DAILY, ledger=desk.books, clock=desk.clock)
    desk.books.times = times
    return desk


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


# --- setting and reading ----------------------------------------------------------------------------------------------


def test_a_budget_is_read_as_it_is_by_now() -> None:
    desk = a_desk()
    desk.send(quantity=10)
    wish(desk, coins=NO_LIMIT)

    now = read_budget(FAN, ledger=desk.ledger, clock=desk.clock).budget
    desk.clock.advance(NIGHT)
    tomorrow = read_budget(FAN, ledger=desk.ledger, clock=desk.clock).budget
    desk.clock.advance(NIGHT)
    later = read_budget(FAN, ledger=desk.ledger, clock=desk.clock).budget

    assert now
    assert tomorrow
    assert later
    assert (now.coins_left.day, tomorrow.coins_left.day) == (0, 10)
    assert (later.limits.coins, later.pending) == (NO_LIMIT, None)
    assert budget(desk).coins_left.day == 0, "looking writes nothing"


def test_a_fan_without_a_budget_reads_that() -> None:
    wallet = read_budget(FAN, ledger=FakeLedger(), clock=Desk().clock)
    assert (wallet.budget, wallet.excluded_until) == (None, None)


def test_what_cannot_be_a_limit_is_not_set() -> None:
    desk = Desk()
    with pytest.raises(InvalidField):
        wish(desk, zone="Mars")
    assert desk.watch.calls == []


def test_the_same_budget_again_writes_nothing() -> None:
    desk = a_desk()
    wish(desk, coins=DAILY.coins)
    wish(desk, coins=DAILY.coins)
    assert desk.watch.calls == ["read_wallet"] * 2


def test_a_change_that_meets_another_is_made_anew() -> None:
    desk = a_raced_desk(2)
    wish(desk, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    assert budget(desk).limits.coins.day == 5
    assert desk.watch.calls == ["read_wallet", "change_budget"] * 3


def test_a_change_that_meets_others_without_end_is_no_answer() -> None:
    desk = a_raced_desk(100)
    with pytest.raises(TryAgain):
        wish(desk, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    assert desk.watch.calls == ["read_wallet", "change_budget"] * TRIES
    assert budget(desk).limits == DAILY


# --- shutting oneself out ---------------------------------------------------------------------------------------------


def shut_out(desk: Desk, days: int, key: str = KEY) -> Excluded:
    return exclude_fan(FAN, key, days, ledger=desk.ledger, clock=desk.clock)


@pytest.mark.parametrize("act", ["send", "open"])
def test_who_is_shut_out_can_do_nothing_until_the_time_is_over(act: str) -> None:
    desk = Desk()
    desk.fund(100)
    until = shut_out(desk, 1).until
    assert until == START + 2 * NIGHT
    desk.clock.advance(2 * NIGHT - MOMENT)
    with pytest.raises(SelfExcluded):
        getattr(desk, act)()
    assert read_budget(FAN, ledger=desk.ledger, clock=desk.clock).excluded_until == until
    desk.clock.advance(MOMENT)
    assert not getattr(desk, act)().is_repeat
    assert read_budget(FAN, ledger=desk.ledger, clock=desk.clock).excluded_until is None


def test_a_time_cannot_be_made_shorter() -> None:
    desk = Desk()
    first = shut_out(desk, 30)
    assert shut_out(desk, 1, uuid7_at(START, 2)) == replace(first, is_repeat=True)
    assert shut_out(desk, 31, uuid7_at(START, 3)).until == START + timedelta(days=31)


def test_the_same_act_again_is_one_however_late_it_comes() -> None:
    desk = Desk()
    first = shut_out(desk, 30)
    desk.clock.advance(timedelta(days=3))
    assert shut_out(desk, 30) == replace(first, is_repeat=True)
    with pytest.raises(IdempotencyConflict):
        shut_out(desk, 31)


@pytest.mark.parametrize("days", [0, 1827])
def test_for_no_time_nobody_is_shut_out(days: int) -> None:
    desk = Desk()
    with pytest.raises(CoinpurseError):
        shut_out(desk, days)
    assert desk.watch.calls == []
