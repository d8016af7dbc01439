from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.periods import ByPeriod, is_zone, period_begins, period_ends

ZONES = ["UTC", "Europe/Berlin", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Kiritimati"]
RESTLESS = [*ZONES, "America/Havana", "America/St_Johns", "Asia/Beirut", "Atlantic/Azores", "Africa/Casablanca"]
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(first_year: int) -> st.SearchStrategy[datetime]:
    """Any second from that year to 2036."""
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first_year, 2037))
    return st.integers(first, last).map(lambda second: datetime.fromtimestamp(second, UTC))


@pytest.mark.parametrize(
    ("zone", "now", "day", "week", "month"),
    [
        ("UTC", "2026-11-22 12:00", "2026-11-23 00:00", "2026-11-23 00:00", "2026-12-01 00:00"),
        ("UTC", "2026-11-22 23:59:59", "2026-11-23 00:00", "2026-11-23 00:00", "2026-12-01 00:00"),
        ("UTC", "2026-11-23 00:00", "2026-11-24 00:00", "2026-11-30 00:00", "2026-12-01 00:00"),
        ("UTC", "2026-11-30 23:59:59", "2026-12-01 00:00", "2026-12-07 00:00", "2026-12-01 00:00"),
        ("UTC", "2026-12-31 12:00", "2027-01-01 00:00", "2027-01-04 00:00", "2027-01-01 00:00"),
        ("UTC", "2028-02-28 12:00", "2028-02-29 00:00", "2028-03-06 00:00", "2028-03-01 00:00"),
        ("Europe/Berlin", "2026-11-22 22:59:59", "2026-11-22 23:00", "2026-11-22 23:00", "2026-11-30 23:00"),
        ("Europe/Berlin", "2026-11-22 23:00", "2026-11-23 23:00", "2026-11-29 23:00", "2026-11-30 23:00"),
        # At 2:00 clocks go forward: a day of 23 hours; at 3:00 back: a day of 25 hours.
        ("Europe/Berlin", "2026-03-29 00:30", "2026-03-29 22:00", "2026-03-29 22:00", "2026-03-31 22:00"),
        ("Europe/Berlin", "2026-03-28 23:00", "2026-03-29 22:00", "2026-03-29 22:00", "2026-03-31 22:00"),
        ("Europe/Berlin", "2026-10-24 22:00", "2026-10-25 23:00", "2026-10-25 23:00", "2026-10-31 23:00"),
        # Midnight does not exist: clocks go from 23:59:59 to 01:00, which ends the day.
        ("America/Santiago", "2026-09-06 03:59:59", "2026-09-06 04:00", "2026-09-07 03:00", "2026-10-01 03:00"),
        ("America/Santiago", "2026-09-06 04:00", "2026-09-07 03:00", "2026-09-07 03:00", "2026-10-01 03:00"),
        # Clocks go back from midnight to 23:00: the day is an hour longer.
        ("America/Santiago", "2026-04-05 02:59:59", "2026-04-05 04:00", "2026-04-06 04:00", "2026-05-01 04:00"),
        ("America/Santiago", "2026-04-05 03:30", "2026-04-05 04:00", "2026-04-06 04:00", "2026-05-01 04:00"),
        # A whole day was skipped.
        ("Pacific/Apia", "2011-12-30 09:59:59", "2011-12-30 10:00", "2012-01-01 10:00", "2011-12-31 10:00"),
        ("Pacific/Apia", "2011-12-30 10:00", "2011-12-31 10:00", "2012-01-01 10:00", "2011-12-31 10:00"),
        ("Asia/Kathmandu", "2026-11-22 18:14:59", "2026-11-22 18:15", "2026-11-22 18:15", "2026-11-30 18:15"),
        ("Asia/Kathmandu", "2026-11-22 18:15", "2026-11-23 18:15", "2026-11-29 18:15", "2026-11-30 18:15"),
        # Clocks went back at 00:01: midnight occurred twice, and the second one ends the day.
        ("America/St_Johns", "2006-10-29 02:31", "2006-10-29 03:30", "2006-10-30 03:30", "2006-11-01 03:30"),
    ],
)
def test_period_ends_are_midnights_of_the_zone(zone: str, now: str, day: str, week: str, month: str) -> None:
    assert period_ends(at(now), zone) == ByPeriod(at(day), at(week), at(month))


@given(
    st.sampled_from(RESTLESS),
    moments(1990),
)
def test_period_ends_are_after_now_and_the_day_is_first(zone: str, now: datetime) -> None:
    ends = period_ends(now, zone)
    assert now < ends.day <= min(ends.week, ends.month)
    assert ends.day - now <= timedelta(hours=49)
    assert ends.week - now <= timedelta(days=8)
    assert ends.month - now <= timedelta(days=32)


@given(
    st.sampled_from(ZONES),
    moments(2012),
)
def test_period_ends_are_at_the_change_of_the_local_date(zone: str, now: datetime) -> None:
    ends = period_ends(now, zone)
    before, after = (moment.astimezone(ZoneInfo(zone)) for moment in (ends.day - SECOND, ends.day))
    assert before.date() == now.astimezone(ZoneInfo(zone)).date()
    assert after.date() == before.date() + timedelta(days=1)
    assert period_ends(ends.day - SECOND, zone) == ends
    for period, end in enumerate(ends):
        assert period_ends(end - SECOND, zone)[period] == end
        assert period_ends(end, zone)[period] > end
        assert period_begins(end, zone)[period] == end


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("02:29:59", "2006-10-28 02:30"),
        ("02:30", "2006-10-29 02:30"),
        ("02:31", "2006-10-28 02:30"),  # clocks went back from 00:01 to 23:01
        ("03:29:59", "2006-10-28 02:30"),
        ("03:30", "2006-10-29 03:30"),
        ("03:31", "2006-10-29 03:30"),
    ],
)
def test_period_begins_where_midnight_occurs_twice_is_the_last_one(now: str, day: str) -> None:
    assert period_begins(at(f"2006-10-29 {now}"), "America/St_Johns").day == at(day)


@given(
    st.sampled_from(ZONES),
    moments(2012),
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_period_ends_never_move_back_with_time(zone: str, now: datetime, later: timedelta) -> None:
    for earlier_end, later_end in zip(period_ends(now, zone), period_ends(now + later, zone), strict=True):
        assert earlier_end <= later_end


@pytest.mark.parametrize("name", [*RESTLESS, "America/Argentina/ComodRivadavia", "Etc/GMT+12", "EST5EDT", "Zulu"])
def test_is_zone_accepts_names_of_the_database(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(
    "name",
    ["", "Europe", "Europe/", "Europe/Bonn", "europe/berlin", "../../etc/passwd", "/etc/localtime", "localtime",
     "Mars", "posixrules", "right/UTC", "posix/UTC", "Europe/Berlin\0", "É", "A" * 33, "Ürope/Berlin",
     "America/../UTC", "UTC "],
)  # fmt: skip
def test_is_zone_refuses_other_names(name: str) -> None:
    assert is_zone(name) is False


def test_period_ends_of_a_removed_zone_are_in_utc() -> None:
    now = at("2026-11-22 12:00")
    assert period_ends(now, "Europe/Bonn") == period_ends(now, "UTC")
