"""A fan sets limits for himself, looks at them, and shuts himself out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import (
    CoinpurseError,
    IdempotencyConflict,
    InvalidField,
    SelfExcluded,
    TryAgain,
)
from chalicelib.usecases.budgets import MAX_ATTEMPTS, Excluded, exclude_fan
from chalicelib.usecases.queries import read_budget
from tests.domain.builders import FAN, KEY
from tests.fakes import START, FakeLedger, uuid7_at
from tests.usecases.budgeting import DAILY, MOMENT, NIGHT, a_desk, a_raced_desk, budget, wish
from tests.usecases.desk import Desk

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
    assert desk.watch.calls == ["read_wallet", "change_budget"] * MAX_ATTEMPTS
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
    assert shut_out(desk, 1, uuid7_at(START, 2)) == first
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
