"""Days, weeks and months as people live them: by the clocks of their own place."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

_LONGEST_ZONE: Final = 32

T = TypeVar("T")


class ByPeriod(NamedTuple, Generic[T]):
    """One value for each period."""

    day: T
    week: T
    month: T


PERIODS: Final = ByPeriod("day", "week", "month")


def is_zone(name: str) -> bool:
    """Whether it is a time zone that a fan can live in."""
    # Names in small letters are the database's own files, and copies of it by other rules.
    if not (0 < len(name) <= _LONGEST_ZONE and name.isascii() and name[0].isupper()):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def period_ends(now: datetime, zone: str) -> ByPeriod[datetime]:
    """When the day, the week and the month that `now` is in end in that zone: midnights of its own, in UTC.

    Where the clocks jump over midnight, the day ends with the jump. The day ends first, or with the others.
    """
    place = _place(zone)
    today = now.astimezone(place).date()
    tomorrow = today + timedelta(days=1)
    monday = today + timedelta(days=7 - today.weekday())
    first = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    return ByPeriod(*(_midnight(begins, place, now) for begins in (tomorrow, monday, first)))


def period_begins(now: datetime, zone: str) -> ByPeriod[datetime]:
    """When the day, the week and the month that `now` is in began in that zone, in UTC."""
    place = _place(zone)
    today = now.astimezone(place).date()
    monday = today - timedelta(days=today.weekday())
    return ByPeriod(*(_last_midnight(began, place, now) for began in (today, monday, today.replace(day=1))))


def _place(zone: str) -> ZoneInfo:
    # A zone that left the database must not lock a wallet.
    return ZoneInfo(zone) if is_zone(zone) else ZoneInfo("UTC")


def _midnight(day: date, place: ZoneInfo, now: datetime) -> datetime:
    """When the day begins, for somebody who has not lived it yet."""
    midnight = datetime.combine(day, time.min, place).astimezone(UTC)
    # Clocks put back across midnight show it twice: behind the first one, the second is meant.
    return midnight if midnight > now else datetime.combine(day, time(fold=1), place).astimezone(UTC)


def _last_midnight(day: date, place: ZoneInfo, now: datetime) -> datetime:
    """When the day began, for somebody who lives it, or has lived it."""
    first, second = (datetime.combine(day, time(fold=fold), place).astimezone(UTC) for fold in (0, 1))
    return second if first < second <= now else first
