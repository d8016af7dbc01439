"""Budgets after a change of zone or currency, an unpaid purchase, and a self-exclusion."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import (
    COOL_OFF,
    MAX_DAYS,
    NO_LIMIT,
    UNLIMITED,
    Budget,
    Limits,
    PendingLimits,
    changed,
    exclusion,
    first_budget,
    released,
    renewed,
    returned,
)
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import InvalidField
from tests.domain.limits import DAY, DOLLARS, LIMITS, MIDNIGHT, MOMENT, spent
from tests.fakes import START

# --- another zone -----------------------------------------------------------------------------------------------------


def moved_to(zone: str, now: datetime = MIDNIGHT, came_from: str = "UTC") -> Budget:
    """Build a budget with 90 coins spent, whose change of zone takes effect a day later."""
    start = replace(LIMITS, zone=came_from)
    waiting = changed(first_budget(start, now), replace(start, zone=zone), now)
    return renewed(spent(renewed(waiting, now + COOL_OFF - MOMENT), coins=90), now + COOL_OFF)


def test_changed_zone_with_the_same_clock_keeps_every_end() -> None:
    assert moved_to("Etc/UTC").ends == moved_to("UTC").ends


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"])
def test_changed_zone_ends_no_period_sooner(zone: str) -> None:
    stayed, there = moved_to("UTC"), moved_to(zone)
    for old, new in zip(stayed.ends, there.ends, strict=True):
        assert old <= new < old + DAY
    assert there.coins_left == stayed.coins_left
    assert there.ends.day <= min(there.ends.week, there.ends.month)


def test_changed_zone_and_spending_commute() -> None:
    """Check that renewing late leads to the same ends as renewing at every step."""
    waiting = changed(first_budget(LIMITS, START), replace(LIMITS, zone="America/Los_Angeles"), START)
    renewals = [START + COOL_OFF + timedelta(hours=hours) for hours in range(0, 80, 5)]
    often = waiting
    for look in renewals:
        often = renewed(often, look)
    assert often.ends == renewed(waiting, renewals[-1]).ends
    assert often.coins_left == renewed(waiting, renewals[-1]).coins_left


# --- another currency -------------------------------------------------------------------------------------------------


def test_changed_currency_waits_for_the_end_of_limited_periods() -> None:
    budget = spent(first_budget(DOLLARS, START), money=900)
    euros = replace(DOLLARS, currency="eur", money=ByPeriod(500, UNLIMITED, 2_000))

    waiting = changed(budget, euros, START)

    assert waiting.limits == DOLLARS
    assert waiting.pending == PendingLimits(limits=euros, at=budget.ends.month)
    assert renewed(waiting, budget.ends.month - MOMENT).limits.currency == "usd"
    assert renewed(waiting, budget.ends.month) == Budget(
        limits=euros,
        coins_left=NO_LIMIT,
        money_left=euros.money,
        ends=ByPeriod(datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 12, 7, tzinfo=UTC),
                      datetime(2027, 1, 1, tzinfo=UTC)),
        since=ByPeriod(budget.ends.month, budget.ends.month - DAY, budget.ends.month),
        version=3,
        money_from=budget.ends.month,
    )  # fmt: skip


def test_changed_currency_waits_a_day_at_least() -> None:
    daily = replace(DOLLARS, money=ByPeriod(1_000, UNLIMITED, UNLIMITED))
    waiting = changed(first_budget(daily, START), replace(daily, currency="eur"), START)
    assert waiting.pending
    assert waiting.pending.at == START + COOL_OFF


def test_changed_first_money_limit_counts_from_the_change() -> None:
    budget = spent(first_budget(LIMITS, START), coins=10, money=900)
    limits = replace(DOLLARS, coins=LIMITS.coins)
    later = START + timedelta(hours=1)

    after = changed(budget, limits, later - timedelta(milliseconds=1))

    assert (after.limits, after.pending, after.since, after.money_from) == (limits, None, budget.since, later)
    assert after.money_left == DOLLARS.money
    assert after.coins_left == ByPeriod(90, 290, 990)


def test_changed_first_money_limit_leaves_the_count_of_coins() -> None:
    later = START + timedelta(hours=1)
    budget = changed(spent(first_budget(LIMITS, START), coins=10), replace(DOLLARS, coins=LIMITS.coins), later)
    after = returned(budget, 10, START, later)
    assert after
    assert after.coins_left == LIMITS.coins


def test_renewed_forgets_the_start_of_money_once_all_periods_are_later() -> None:
    late = first_budget(LIMITS, START).ends.month - timedelta(hours=1)
    budget = changed(first_budget(LIMITS, START), replace(DOLLARS, coins=LIMITS.coins), late)
    month_over = renewed(budget, late + timedelta(hours=1))
    assert (month_over.money_from, month_over.ends.week > late + timedelta(hours=1)) == (late, True)
    assert renewed(budget, month_over.ends.week).money_from is None
    same = changed(first_budget(LIMITS, START), replace(DOLLARS, coins=LIMITS.coins), START)
    assert same.money_from is None


def test_changed_lower_money_limit_applies_at_once() -> None:
    budget = spent(first_budget(DOLLARS, START), money=900)
    limits = replace(DOLLARS, money=ByPeriod(950, 2_000, 5_000))
    after = changed(budget, limits, START)
    assert (after.limits, after.money_left, after.since) == (limits, ByPeriod(50, 1_100, 4_100), budget.since)


def test_changed_removal_of_money_limits_waits_a_day() -> None:
    waiting = changed(first_budget(DOLLARS, START), Limits(zone="UTC"), START)
    assert waiting.pending == PendingLimits(limits=Limits(zone="UTC"), at=START + COOL_OFF)
    assert renewed(waiting, START + COOL_OFF).limits == Limits(zone="UTC")


# --- releasing a price ------------------------------------------------------------------------------------------------


def test_released_price_counts_from_the_first_money_limit_on() -> None:
    later = START + timedelta(hours=1)
    budget = spent(changed(first_budget(LIMITS, START), replace(DOLLARS, coins=LIMITS.coins), later), money=900)
    assert released(budget, 900, "usd", later - MOMENT, later) is None
    freed = released(budget, 900, "usd", later, later)
    assert freed
    assert freed.money_left == DOLLARS.money


def test_released_price_counts_for_the_periods_of_its_checkout() -> None:
    budget = spent(first_budget(DOLLARS, START), money=900)
    same_day = released(budget, 900, "usd", START, MIDNIGHT - MOMENT)
    assert same_day == replace(budget, money_left=DOLLARS.money, version=2)

    next_day = released(budget, 900, "usd", START, MIDNIGHT)
    assert next_day
    assert next_day.money_left == ByPeriod(1_000, UNLIMITED, 5_000)
    assert next_day.ends.day == MIDNIGHT + DAY
    assert released(next_day, 900, "usd", START, MIDNIGHT + DAY) == replace(
        renewed(next_day, MIDNIGHT + DAY), version=3
    )

    next_month = datetime(2026, 12, 1, tzinfo=UTC)
    assert released(budget, 900, "usd", START, next_month) is None


def test_released_price_counts_for_periods_extended_by_a_zone_change() -> None:
    opened, granted = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC)
    budget = spent(first_budget(replace(DOLLARS, zone="America/New_York"), opened), money=400)
    there = renewed(changed(budget, replace(DOLLARS, zone="Europe/Berlin"), granted - COOL_OFF), granted)
    assert there.ends.month == datetime(2026, 12, 1, 23, tzinfo=UTC), "its end in New York was on that day in Berlin"

    back = released(there, 400, "usd", opened, granted + DAY)
    assert back
    assert back.money_left.month == 5_000
    december = spent(renewed(there, there.ends.month), money=400)
    back = released(december, 400, "usd", there.ends.month - MOMENT, there.ends.month)
    assert back
    assert back.money_left.month == 4_600


def test_released_price_never_exceeds_the_limit() -> None:
    budget = spent(first_budget(DOLLARS, START), money=100)
    back = released(budget, 900, "usd", START, START)
    assert back
    assert back.money_left == DOLLARS.money


def test_released_of_an_uncounted_price_is_none() -> None:
    budget = spent(first_budget(DOLLARS, START), money=900)
    assert released(budget, 900, "eur", START, START) is None
    assert released(budget, 900, "usd", START - MOMENT, START) is None


# --- self-exclusion ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, MAX_DAYS])
def test_exclusion_lasts_days_of_24_hours(days: int) -> None:
    act = exclusion("ann", "key", days, START + timedelta(microseconds=999))
    assert (act.until, act.days, act.user_id, act.key) == (START + timedelta(days=days), days, "ann", "key")


@pytest.mark.parametrize("days", [-1, 0, MAX_DAYS + 1])
def test_exclusion_of_too_few_or_too_many_days_is_refused(days: int) -> None:
    with pytest.raises(InvalidField):
        exclusion("ann", "key", days, START)
