"""How often a price recurs, and the calendar of that: Stripe's billing periods, counted from an anchor."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from .errors import ApiError, JsonObject

Interval = Literal["day", "week", "month", "year"]

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
# Three years at most, in each interval's own count.
_MOST = {"day": 1095, "week": 156, "month": 36, "year": 3}


@dataclass(frozen=True)
class Recurrence:
    """Every `interval_count` intervals."""

    interval: Interval
    interval_count: int = 1

    def __str__(self) -> str:
        return self.interval if self.interval_count == 1 else f"{self.interval_count} {self.interval}s"

    def check(self, param: str) -> None:
        """Raise ApiError for a period that Stripe does not bill by."""
        if not 1 <= self.interval_count <= _MOST[self.interval]:
            raise ApiError(f"Invalid interval_count: 1 to {_MOST[self.interval]} {self.interval}s.", param=param)

    def start_of(self, period: int, anchor: int) -> int:
        """Tell when a period starts, in Unix seconds; period 0 starts at the anchor.

        Months and years keep the anchor's day, or take the month's last where there is no such day, and never drift:
        January 31 is followed by February 28 and then by March 31.
        https://docs.stripe.com/billing/subscriptions/billing-cycle
        """
        start = datetime.fromtimestamp(anchor, UTC)
        count = period * self.interval_count
        if self.interval in _DAYS:
            return int((start + timedelta(days=count * _DAYS[self.interval])).timestamp())
        years, months = divmod(start.month - 1 + count * _MONTHS[self.interval], 12)
        year, month = start.year + years, months + 1
        day = min(start.day, monthrange(year, month)[1])
        return int(start.replace(year=year, month=month, day=day).timestamp())

    def to_json(self) -> JsonObject:
        """Render a price's `recurring`."""
        return {
            "interval": self.interval,
            "interval_count": self.interval_count,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        }
