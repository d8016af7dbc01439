"""Calendar days, weeks and months in a time zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
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
    """Return True for the IANA name of a time zone."""
    # Lowercase names are files of the database itself, and copies of it by other rules (posix, right).
    if not (0 < len(name) <= _LONGEST_ZONE and name.isascii() and name[0].isupper()):
        return False
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def period_ends(now: datetime, zone: str) -> ByPeriod[datetime]:
    """Return the ends of the current day, week and month: midnights in the zone, converted to UTC.

    Where clocks skip midnight, the day ends with the skip. The day never ends later than the week or month.
    """
    place = _place(zone)
    today = now.astimezone(place).date()
    tomorrow = today + timedelta(days=1)
    monday = today + timedelta(days=7 - today.weekday())
    first = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    return ByPeriod(*(_midnight(begins, place, now) for begins in (tomorrow, monday, first)))


def period_begins(now: datetime, zone: str) -> ByPeriod[datetime]:
    """Return the starts of the current day, week and month in the zone, in UTC."""
    place = _place(zone)
    today = now.astimezone(place).date()
    monday = today - timedelta(days=today.weekday())
    return ByPeriod(*(_last_midnight(began, place, now) for began in (today, monday, today.replace(day=1))))


def _place(zone: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo

    # A zone removed from the database must not make its wallets unusable.
    return ZoneInfo(zone) if is_zone(zone) else ZoneInfo("UTC")


def _midnight(day: date, place: "ZoneInfo", now: datetime) -> datetime:
    """Return the start of a future day."""
    midnight = datetime.combine(day, time.min, place).astimezone(UTC)
    # Clocks set back across midnight show it twice; after the first one, the day starts at the second.
    return midnight if midnight > now else datetime.combine(day, time(fold=1), place).astimezone(UTC)


def _last_midnight(day: date, place: "ZoneInfo", now: datetime) -> datetime:
    """Return the start of a current or past day."""
    first, second = (datetime.combine(day, time(fold=fold), place).astimezone(UTC) for fold in (0, 1))
    return second if first < second <= now else first
