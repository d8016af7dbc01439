"""Valid limits, and budgets after spending, a new period and changed limits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import (
    COOL_OFF,
    NO_LIMIT,
    UNLIMITED,
    Budget,
    BudgetChange,
    Limits,
    PendingLimits,
    changed,
    due_change,
    exceeded,
    first_budget,
    renewed,
    require_limits,
)
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import InvalidField
from tests.domain.limits import DAY, DOLLARS, LIMITS, MIDNIGHT, MOMENT, spent
from tests.fakes import START

# --- valid limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"coins": ByPeriod(0, 999_999_999, UNLIMITED)},
        {"currency": "jpy", "money": ByPeriod(UNLIMITED, UNLIMITED, 999_999_999)},
        {"currency": "usd", "money": ByPeriod(0, 0, 0)},
        {"zone": "Asia/Kathmandu"},
    ],
    ids=str,
)
def test_require_limits_accepts_valid_limits(changes: dict[str, Any]) -> None:
    limits = replace(LIMITS, **changes)
    assert require_limits(limits) == limits


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"zone": "Europe/Bonn"}, "zone"),
        ({"coins": ByPeriod(-1, 1, 1)}, "coins.day"),
        ({"coins": ByPeriod(1, 1_000_000_000, 1)}, "coins.week"),
        ({"coins": ByPeriod(1, 1, UNLIMITED - 1)}, "coins.month"),
        ({"currency": "usd", "money": ByPeriod(1, 1, -1)}, "money.month"),
        ({"currency": "usd"}, "currency"),
        ({"money": ByPeriod(1, 1, 1)}, "currency"),
        ({"currency": "USD", "money": ByPeriod(1, 1, 1)}, "currency"),
        ({"currency": "zzz", "money": ByPeriod(1, 1, 1)}, "currency"),
    ],
    ids=str,
)
def test_require_limits_names_the_invalid_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        require_limits(replace(LIMITS, **changes))
    assert refused.value.extensions["field"] == field


# --- renewing ---------------------------------------------------------------------------------------------------------


def test_first_budget_has_all_limits_left() -> None:
    assert first_budget(LIMITS, START + timedelta(microseconds=1)) == Budget(
        limits=LIMITS,
        coins_left=LIMITS.coins,
        money_left=NO_LIMIT,
        ends=ByPeriod(MIDNIGHT, MIDNIGHT, datetime(2026, 12, 1, tzinfo=UTC)),
        since=ByPeriod(START, START, START),
    )


def test_renewed_changes_a_budget_exactly_at_midnight() -> None:
    budget = spent(first_budget(LIMITS, START), coins=90)
    assert renewed(budget, MIDNIGHT - MOMENT) is budget
    assert due_change(budget, MIDNIGHT - MOMENT) is None

    fresh = renewed(budget, MIDNIGHT)

    assert fresh == replace(
        budget,
        coins_left=ByPeriod(100, 300, 910),
        ends=ByPeriod(MIDNIGHT + DAY, MIDNIGHT + 7 * DAY, budget.ends.month),
        since=ByPeriod(MIDNIGHT, MIDNIGHT, START),
        version=2,
    )
    assert due_change(budget, MIDNIGHT) == BudgetChange(seen=budget, budget=fresh)


def test_renewed_day_keeps_the_week() -> None:
    monday = first_budget(LIMITS, MIDNIGHT)
    fresh = renewed(spent(monday, coins=90), MIDNIGHT + DAY)
    assert fresh.coins_left == ByPeriod(100, 210, 910)
    assert fresh.ends == monday.ends._replace(day=MIDNIGHT + 2 * DAY)


def test_renewed_month_restores_its_limit() -> None:
    fresh = renewed(spent(first_budget(DOLLARS, START), money=900), datetime(2026, 12, 1, tzinfo=UTC))
    assert fresh.money_left == ByPeriod(1_000, UNLIMITED, 5_000)


def test_due_change_without_a_budget_is_none() -> None:
    assert due_change(None, START) is None


def test_due_change_gains_the_difference_of_counters() -> None:
    budget = spent(first_budget(replace(DOLLARS, coins=LIMITS.coins), START), coins=30, money=200)
    change = due_change(budget, MIDNIGHT)
    assert change
    assert (change.coins_gain, change.money_gain) == (ByPeriod(30, 30, 0), ByPeriod(200, 200, 0))


def test_budget_change_of_a_first_budget_gains_nothing() -> None:
    change = BudgetChange(seen=None, budget=first_budget(LIMITS, START))
    assert change.coins_gain == change.money_gain == ByPeriod(0, 0, 0)


# --- changing ---------------------------------------------------------------------------------------------------------


def test_changed_lower_limit_applies_at_once() -> None:
    budget = spent(first_budget(LIMITS, START), coins=90)
    limits = replace(LIMITS, coins=ByPeriod(80, 300, 900))

    assert changed(budget, limits, START) == replace(
        budget, limits=limits, coins_left=ByPeriod(-10, 210, 810), version=2
    ), "below zero is nothing left"


def test_changed_new_limit_counts_spending_of_its_period() -> None:
    budget = spent(first_budget(replace(LIMITS, coins=ByPeriod(100, UNLIMITED, UNLIMITED)), START), coins=90)
    after = changed(budget, LIMITS, START)
    assert (after.limits, after.coins_left, after.pending) == (LIMITS, ByPeriod(10, 210, 910), None)


@pytest.mark.parametrize(
    "limits",
    [
        replace(LIMITS, coins=ByPeriod(101, 300, 1_000)),
        replace(LIMITS, coins=ByPeriod(100, UNLIMITED, 1_000)),
        replace(LIMITS, coins=NO_LIMIT),
        replace(LIMITS, zone="Europe/Berlin"),
    ],
    ids=str,
)
def test_changed_less_strict_limit_waits_a_day(limits: Limits) -> None:
    budget = spent(first_budget(LIMITS, START), coins=90)

    after = changed(budget, limits, START)

    assert after == replace(budget, pending=PendingLimits(limits=limits, at=START + COOL_OFF), version=2)
    assert renewed(after, START + COOL_OFF - MOMENT).limits == LIMITS
    assert renewed(after, START + COOL_OFF).limits == limits
    assert renewed(after, START + COOL_OFF).pending is None


def test_changed_mixed_limits_apply_the_stricter_part_at_once() -> None:
    budget = first_budget(LIMITS, START)
    limits = replace(LIMITS, coins=ByPeriod(50, 400, 1_000))

    after = changed(budget, limits, START)

    assert after.limits.coins == after.coins_left == ByPeriod(50, 300, 1_000)
    assert after.pending == PendingLimits(limits=limits, at=START + COOL_OFF)
    assert renewed(after, START + COOL_OFF).limits == limits


def test_renewed_raised_limit_adds_the_raise() -> None:
    monday = spent(first_budget(LIMITS, MIDNIGHT), coins=100)
    waiting = changed(monday, replace(LIMITS, coins=ByPeriod(100, 500, 1_000)), MIDNIGHT)

    granted = renewed(waiting, MIDNIGHT + COOL_OFF)

    assert granted.coins_left == ByPeriod(100, 400, 900)


def test_changed_replaces_pending_limits() -> None:
    waiting = changed(first_budget(LIMITS, START), replace(LIMITS, coins=NO_LIMIT), START)
    later = START + timedelta(hours=1)
    other = replace(LIMITS, coins=ByPeriod(200, 300, 1_000))

    assert changed(waiting, other, later).pending == PendingLimits(limits=other, at=later + COOL_OFF)
    assert changed(waiting, LIMITS, later).pending is None, "what holds is wished for: nothing waits any more"


def test_changed_with_the_same_limits_keeps_their_time() -> None:
    waiting = changed(first_budget(LIMITS, START), replace(LIMITS, coins=NO_LIMIT), START)
    assert changed(waiting, replace(LIMITS, coins=NO_LIMIT), START + timedelta(hours=1)) is waiting
    assert changed(waiting, replace(LIMITS, coins=NO_LIMIT), START + COOL_OFF).limits.coins == NO_LIMIT


def test_changed_first_budget_applies_at_once() -> None:
    assert changed(None, LIMITS, START) == first_budget(LIMITS, START)


def test_changed_renews_an_ended_period_first() -> None:
    budget = spent(first_budget(LIMITS, START), coins=90)
    after = changed(budget, replace(LIMITS, coins=ByPeriod(80, 300, 1_000)), MIDNIGHT)
    assert (after.coins_left, after.version) == (ByPeriod(80, 300, 910), 2)


def test_first_budget_counts_from_the_begun_millisecond() -> None:
    at = START.replace(microsecond=123_999)
    assert first_budget(LIMITS, at).since == ByPeriod(*[START.replace(microsecond=123_000)] * 3)


def test_exceeded_yields_every_exceeded_period_longest_first() -> None:
    assert list(exceeded(ByPeriod(4, 4, 4), 5)) == [2, 1, 0]
    assert list(exceeded(ByPeriod(4, 5, 4), 5)) == [2, 0]
    assert list(exceeded(ByPeriod(5, 4, 6), 5)) == [1]
