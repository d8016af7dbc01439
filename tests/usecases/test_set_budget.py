"""Limits that a fan sets and reads, and self-exclusion."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.wallets import Wallet
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
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.budget_harness import DAILY, MOMENT, NIGHT, a_budget_harness, a_raced_harness, budget, change_limits
from tests.usecases.checkout_harness import CheckoutHarness

# --- set and read -----------------------------------------------------------------------------------------------------


def test_read_budget_renews_ended_periods() -> None:
    harness = a_budget_harness()
    harness.send(quantity=10)
    change_limits(harness, coins=NO_LIMIT)

    now = read_budget(FAN, ledger=harness.ledger, clock=harness.clock).budget
    harness.clock.advance(NIGHT)
    tomorrow = read_budget(FAN, ledger=harness.ledger, clock=harness.clock).budget
    harness.clock.advance(NIGHT)
    later = read_budget(FAN, ledger=harness.ledger, clock=harness.clock).budget

    assert now
    assert tomorrow
    assert later
    assert (now.coins_left.day, tomorrow.coins_left.day) == (0, 10)
    assert (later.limits.coins, later.pending) == (NO_LIMIT, None)
    assert budget(harness).coins_left.day == 0, "looking writes nothing"


def test_read_budget_without_a_budget_is_none() -> None:
    wallet = read_budget(FAN, ledger=FakeLedger(), clock=CheckoutHarness().clock)
    assert (wallet.budget, wallet.excluded_until) == (None, None)


def test_set_budget_of_an_invalid_limit_writes_nothing() -> None:
    harness = CheckoutHarness()
    with pytest.raises(InvalidField):
        change_limits(harness, zone="Mars")
    assert harness.recorder.calls == []


def test_set_budget_of_the_same_limits_writes_nothing() -> None:
    harness = a_budget_harness()
    change_limits(harness, coins=DAILY.coins)
    change_limits(harness, coins=DAILY.coins)
    assert harness.recorder.calls == ["read_wallet"] * 2


def test_set_budget_lost_race_is_retried() -> None:
    harness = a_raced_harness(2)
    change_limits(harness, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    assert budget(harness).limits.coins.day == 5
    assert harness.recorder.calls == ["read_wallet", "change_budget"] * 3


def test_set_budget_endless_races_raise_try_again() -> None:
    harness = a_raced_harness(100)
    with pytest.raises(TryAgain):
        change_limits(harness, coins=ByPeriod(5, UNLIMITED, UNLIMITED))
    assert harness.recorder.calls == ["read_wallet", "change_budget"] * MAX_ATTEMPTS
    assert budget(harness).limits == DAILY


# --- self-exclusion ---------------------------------------------------------------------------------------------------


def exclude(harness: CheckoutHarness, days: int, key: str = KEY) -> Excluded:
    return exclude_fan(FAN, key, days, ledger=harness.ledger, clock=harness.clock)


class LateLedger(FakeLedger):
    """A ledger whose wallets do not show an exclusion yet."""

    def read_wallet(self, user_id: str) -> Wallet:
        return replace(super().read_wallet(user_id), excluded_until=None)


def test_exclude_fan_whose_wallet_is_stale_raises_try_again() -> None:
    with pytest.raises(TryAgain):
        exclude_fan(FAN, KEY, 1, ledger=LateLedger(), clock=FakeClock(START))


@pytest.mark.parametrize("act", ["send", "open"])
def test_exclude_fan_blocks_spending_until_end(act: str) -> None:
    harness = CheckoutHarness()
    harness.fund(100)
    until = exclude(harness, 1).until
    assert until == START + 2 * NIGHT
    harness.clock.advance(2 * NIGHT - MOMENT)
    with pytest.raises(SelfExcluded):
        getattr(harness, act)()
    assert read_budget(FAN, ledger=harness.ledger, clock=harness.clock).excluded_until == until
    harness.clock.advance(MOMENT)
    assert not getattr(harness, act)().is_repeat
    assert read_budget(FAN, ledger=harness.ledger, clock=harness.clock).excluded_until is None


def test_exclude_fan_never_shortens_an_exclusion() -> None:
    harness = CheckoutHarness()
    first = exclude(harness, 30)
    assert exclude(harness, 1, uuid7_at(START, 2)) == first
    assert exclude(harness, 31, uuid7_at(START, 3)).until == START + timedelta(days=31)


def test_exclude_fan_late_repeat_is_a_repeat() -> None:
    harness = CheckoutHarness()
    first = exclude(harness, 30)
    harness.clock.advance(timedelta(days=3))
    assert exclude(harness, 30) == replace(first, is_repeat=True)
    with pytest.raises(IdempotencyConflict):
        exclude(harness, 31)


@pytest.mark.parametrize("days", [0, 1827])
def test_exclude_fan_for_an_invalid_time_is_refused(days: int) -> None:
    harness = CheckoutHarness()
    with pytest.raises(CoinpurseError):
        exclude(harness, days)
    assert harness.recorder.calls == []
