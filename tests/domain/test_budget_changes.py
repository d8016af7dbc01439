"""What moving, another currency, an unpaid purchase and a wish to be left alone do to a budget."""

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
)
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import InvalidField
from tests.domain.limits import DAY, DOLLARS, LIMITS, MIDNIGHT, MOMENT, spent
from tests.fakes import START

# --- another zone -----------------------------------------------------------------------------------------------------


def moved_to(zone: str, now: datetime = MIDNIGHT, came_from: str = "UTC") -> Budget:
    """A budget with 90 coins spent and another zone granted, a day after `now`."""
    start = replace(LIMITS, zone=came_from)
    waiting = changed(first_budget(start, now), replace(start, zone=zone), now)
    return renewed(spent(renewed(waiting, now + COOL_OFF - MOMENT), coins=90), now + COOL_OFF)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"])
def test_no_period_ends_sooner_for_moving(zone: str) -> None:
    stayed, there = moved_to("UTC"), moved_to(zone)
    for old, new in zip(stayed.ends, there.ends, strict=True):
        assert old <= new < old + DAY
    assert there.coins_left == stayed.coins_left
    assert there.ends.day <= min(there.ends.week, there.ends.month)


def test_moving_and_spending_can_come_in_any_order() -> None:
    """Whoever writes late what was due long ago must come to the same ends as who looks all the time."""
    waiting = changed(first_budget(LIMITS, START), replace(LIMITS, zone="America/Los_Angeles"), START)
    looks = [START + COOL_OFF + timedelta(hours=hours) for hours in range(0, 80, 5)]
    often = waiting
    for look in looks:
        often = renewed(often, look)
    assert often.ends == renewed(waiting, looks[-1]).ends
    assert often.coins_left == renewed(waiting, looks[-1]).coins_left


# --- another currency -------------------------------------------------------------------------------------------------


def test_another_currency_waits_until_every_limited_period_has_ended() -> None:
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
        since=ByPeriod(budget.ends.month, budget.ends.month, budget.ends.month),
        version=3,
    )  # fmt: skip


def test_another_currency_waits_for_a_day_at_least() -> None:
    daily = replace(DOLLARS, money=ByPeriod(1_000, UNLIMITED, UNLIMITED))
    waiting = changed(first_budget(daily, START), replace(daily, currency="eur"), START)
    assert waiting.pending
    assert waiting.pending.at == START + COOL_OFF


def test_a_first_limit_on_money_counts_from_when_it_was_set() -> None:
    budget = spent(first_budget(LIMITS, START), coins=10, money=900)
    wish = replace(DOLLARS, coins=LIMITS.coins)
    later = START + timedelta(hours=1)

    after = changed(budget, wish, later)

    assert (after.limits, after.pending, after.since) == (wish, None, ByPeriod(later, later, later))
    assert after.money_left == DOLLARS.money
    assert after.coins_left == ByPeriod(90, 290, 990)


def test_a_lower_limit_on_money_holds_at_once() -> None:
    budget = spent(first_budget(DOLLARS, START), money=900)
    wish = replace(DOLLARS, money=ByPeriod(950, 2_000, 5_000))
    after = changed(budget, wish, START)
    assert (after.limits, after.money_left, after.since) == (wish, ByPeriod(50, 1_100, 4_100), budget.since)


def test_limits_on_money_go_after_a_day() -> None:
    waiting = changed(first_budget(DOLLARS, START), Limits(zone="UTC"), START)
    assert waiting.pending == PendingLimits(limits=Limits(zone="UTC"), at=START + COOL_OFF)
    assert renewed(waiting, START + COOL_OFF).limits == Limits(zone="UTC")


# --- giving back ------------------------------------------------------------------------------------------------------


def test_a_price_is_given_back_to_the_periods_it_counted_in() -> None:
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


def test_a_price_is_given_back_to_the_periods_that_moving_made_longer_and_to_none_after_them() -> None:
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


def test_never_more_than_the_limit_is_given_back() -> None:
    budget = spent(first_budget(DOLLARS, START), money=100)
    back = released(budget, 900, "usd", START, START)
    assert back
    assert back.money_left == DOLLARS.money


def test_what_never_counted_is_not_given_back() -> None:
    budget = spent(first_budget(DOLLARS, START), money=900)
    assert released(budget, 900, "eur", START, START) is None
    assert released(budget, 900, "usd", START - MOMENT, START) is None


# --- shutting oneself out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, MAX_DAYS])
def test_one_is_shut_out_for_days_of_24_hours(days: int) -> None:
    act = exclusion("ann", "key", days, START + timedelta(microseconds=999))
    assert (act.until, act.days, act.user_id, act.key) == (START + timedelta(days=days), days, "ann", "key")


@pytest.mark.parametrize("days", [-1, 0, MAX_DAYS + 1])
def test_not_for_longer_and_not_for_nothing(days: int) -> None:
    with pytest.raises(InvalidField):
        exclusion("ann", "key", days, START)
