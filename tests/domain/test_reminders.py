from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Budget, Limits, first_budget, renewed
from chalicelib.domain.ids import is_uuid7, uuid7_time
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.posting import Posting
from chalicelib.domain.reminders import due_reminders, reminder_notification
from tests.domain.builders import EVENT_ID, FAN
from tests.fakes import START

POSTING = Posting(posted_at=START, event_id=EVENT_ID)
WHOLE = first_budget(
    Limits(zone="UTC", currency="usd", coins=ByPeriod(100, UNLIMITED, 1_000), money=ByPeriod(0, 500, UNLIMITED)), START
)


def with_left(coins: int = 100, money: int = 500) -> Budget:
    """Build a budget with these remainders of the day's coins and the week's money."""
    return replace(WHOLE, coins_left=WHOLE.coins_left._replace(day=coins), money_left=ByPeriod(0, money, UNLIMITED))


def due_names(old: Budget | None, new: Budget) -> list[str]:
    return [f"{found.what} {found.period} {found.percent}" for found in due_reminders(old, new)]


@pytest.mark.parametrize(
    ("before", "after", "reminders"),
    [
        (100, 21, []),
        (100, 20, ["coins day 80"]),
        (21, 20, ["coins day 80"]),
        (20, 19, []),
        (20, 1, []),
        (1, 0, ["coins day 100"]),
        (100, 0, ["coins day 80", "coins day 100"]),
        (0, -5, []),
        (-5, 50, []),
    ],
)
def test_due_reminders_has_each_threshold_reached(before: int, after: int, reminders: list[str]) -> None:
    assert due_names(with_left(before), with_left(after)) == reminders


def test_due_reminders_rounds_thresholds_up_to_a_whole_coin() -> None:
    budget = replace(WHOLE, limits=replace(WHOLE.limits, coins=ByPeriod(3, UNLIMITED, UNLIMITED)))
    assert due_names(None, replace(budget, coins_left=ByPeriod(1, 0, 0))) == []
    assert due_names(None, replace(budget, coins_left=ByPeriod(0, 0, 0))) == ["coins day 80", "coins day 100"]


def test_due_reminders_of_a_limit_of_one_coin_has_all_thresholds_at_once() -> None:
    budget = replace(WHOLE, limits=replace(WHOLE.limits, coins=ByPeriod(1, UNLIMITED, 1_000)))
    assert due_names(None, replace(budget, coins_left=ByPeriod(0, 0, 201))) == ["coins day 80", "coins day 100"]
    assert due_names(None, replace(budget, coins_left=ByPeriod(1, 0, 200))) == ["coins month 80"]


def test_due_reminders_includes_money() -> None:
    assert due_names(with_left(), with_left(money=100)) == ["money week 80"]


def test_due_reminders_of_a_zero_limit_is_empty() -> None:
    assert due_names(None, WHOLE) == []


def test_due_reminders_of_a_first_budget_has_all_reached_thresholds() -> None:
    assert due_names(None, with_left(coins=20, money=0)) == ["coins day 80", "money week 80", "money week 100"]


def test_due_reminders_of_a_lowered_limit_has_its_thresholds() -> None:
    lower = replace(with_left(10), limits=replace(WHOLE.limits, coins=ByPeriod(50, UNLIMITED, 1_000)))
    assert due_names(with_left(60), lower) == ["coins day 80"]


def test_due_reminders_start_anew_in_each_period() -> None:
    old = with_left(0)
    fresh = renewed(old, START + timedelta(hours=12))
    assert due_names(old, fresh) == []
    assert due_names(old, replace(fresh, coins_left=fresh.coins_left._replace(day=20))) == ["coins day 80"]


def notification_of(
    user_id: str = FAN, budget: Budget | None = None, place: int = 0, event_id: str = EVENT_ID
) -> NotificationEntry:
    reminder = due_reminders(None, budget or with_left(0, 0))[place]
    return reminder_notification(user_id, reminder, Posting(posted_at=START, event_id=event_id))


def test_reminder_notification_has_the_spending() -> None:
    assert notification_of(place=1) == NotificationEntry(
        entry_id=notification_of(place=1).entry_id,
        user_id=FAN,
        kind=NotificationKind.BUDGET_REMINDER,
        posted_at=START,
        event_id=EVENT_ID,
        payload={"what": "coins", "period": "day", "percent": 100, "limit": 100, "ends_at": "2026-11-23T00:00:00.000Z"},
    )


def test_reminder_notification_id_is_unique_per_fan_period_and_threshold() -> None:
    higher = replace(with_left(-100), limits=replace(WHOLE.limits, coins=ByPeriod(1_000, UNLIMITED, 1_000)))
    assert notification_of(event_id="another").entry_id == notification_of().entry_id
    assert (
        notification_of(budget=replace(higher, coins_left=ByPeriod(0, 0, 1_000))).entry_id == notification_of().entry_id
    )

    tomorrow = WHOLE.ends._replace(day=WHOLE.ends.day + timedelta(days=1))
    others = [
        notification_of("fan-2"),
        *(notification_of(place=place) for place in range(1, 4)),
        notification_of(budget=replace(with_left(0), ends=tomorrow)),
    ]
    ids = {notification.entry_id for notification in [notification_of(), *others]}
    assert len(ids) == 1 + len(others)
    assert all(map(is_uuid7, ids))


def test_reminder_notification_id_has_the_start_of_its_period() -> None:
    assert uuid7_time(notification_of().entry_id) == START - timedelta(hours=12)
    assert uuid7_time(notification_of(place=2).entry_id) == START + timedelta(hours=12) - timedelta(days=7)
