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
    """So much left of the day's coins and the week's money."""
    return replace(WHOLE, coins_left=WHOLE.coins_left._replace(day=coins), money_left=ByPeriod(0, money, UNLIMITED))


def told(old: Budget | None, new: Budget) -> list[str]:
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
def test_a_threshold_is_told_when_it_is_reached(before: int, after: int, reminders: list[str]) -> None:
    assert told(with_left(before), with_left(after)) == reminders


def test_limits_that_do_not_come_out_even_are_reached_by_the_next_whole_coin() -> None:
    budget = replace(WHOLE, limits=replace(WHOLE.limits, coins=ByPeriod(3, UNLIMITED, UNLIMITED)))
    assert told(None, replace(budget, coins_left=ByPeriod(1, 0, 0))) == []
    assert told(None, replace(budget, coins_left=ByPeriod(0, 0, 0))) == ["coins day 80", "coins day 100"]


def test_money_is_told_too() -> None:
    assert told(with_left(), with_left(money=100)) == ["money week 80"]


def test_who_allows_himself_nothing_is_not_told_that_it_is_spent() -> None:
    assert told(None, WHOLE) == []


def test_without_a_budget_before_it_everything_reached_is_told() -> None:
    assert told(None, with_left(coins=20, money=0)) == ["coins day 80", "money week 80", "money week 100"]


def test_a_lowered_limit_reaches_its_thresholds_at_once() -> None:
    lower = replace(with_left(10), limits=replace(WHOLE.limits, coins=ByPeriod(50, UNLIMITED, 1_000)))
    assert told(with_left(60), lower) == ["coins day 80"]


def test_a_new_period_begins_its_own() -> None:
    old = with_left(0)
    fresh = renewed(old, START + timedelta(hours=12))
    assert told(old, fresh) == []
    assert told(old, replace(fresh, coins_left=fresh.coins_left._replace(day=20))) == ["coins day 80"]


def notice_of(
    user_id: str = FAN, budget: Budget | None = None, place: int = 0, event_id: str = EVENT_ID
) -> NotificationEntry:
    reminder = due_reminders(None, budget or with_left(0, 0))[place]
    return reminder_notification(user_id, reminder, Posting(posted_at=START, event_id=event_id))


def test_a_notice_says_what_is_spent() -> None:
    assert notice_of(place=1) == NotificationEntry(
        entry_id=notice_of(place=1).entry_id,
        user_id=FAN,
        kind=NotificationKind.BUDGET_REMINDER,
        posted_at=START,
        event_id=EVENT_ID,
        payload={"what": "coins", "period": "day", "percent": 100, "limit": 100, "ends_at": "2026-11-23T00:00:00.000Z"},
    )


def test_a_notice_has_one_id_for_a_threshold_in_a_period_of_a_fan() -> None:
    higher = replace(with_left(-100), limits=replace(WHOLE.limits, coins=ByPeriod(1_000, UNLIMITED, 1_000)))
    assert notice_of(event_id="another").entry_id == notice_of().entry_id
    assert notice_of(budget=replace(higher, coins_left=ByPeriod(0, 0, 1_000))).entry_id == notice_of().entry_id

    tomorrow = WHOLE.ends._replace(day=WHOLE.ends.day + timedelta(days=1))
    others = [
        notice_of("fan-2"),
        *(notice_of(place=place) for place in range(1, 4)),
        notice_of(budget=replace(with_left(0), ends=tomorrow)),
    ]
    ids = {notification.entry_id for notification in [notice_of(), *others]}
    assert len(ids) == 1 + len(others)
    assert all(map(is_uuid7, ids))


def test_a_notice_stands_in_the_statement_where_its_period_begins() -> None:
    assert uuid7_time(notice_of().entry_id) == START - timedelta(hours=12)
    assert uuid7_time(notice_of(place=2).entry_id) == START + timedelta(hours=12) - timedelta(days=7)
