"""Billing intervals, and the start of each billing period after an anchor."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from .errors import ApiError, JsonObject

Interval = Literal["day", "week", "month", "year"]

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
# Stripe's limit of three years, in each interval.
_MAX_COUNT = {"day": 1095, "week": 156, "month": 36, "year": 3}


@dataclass(frozen=True)
class Recurrence:
    """A billing interval: once every `interval_count` intervals."""

    interval: Interval
    interval_count: int = 1

    def __str__(self) -> str:
        return self.interval if self.interval_count == 1 else f"{self.interval_count} {self.interval}s"

    def check(self, param: str) -> None:
        """Raise ApiError if the interval is longer than Stripe's limit."""
        limit = _MAX_COUNT[self.interval]
        if not 1 <= self.interval_count <= limit:
            raise ApiError(f"Invalid interval_count: 1 to {limit} {self.interval}s.", param=param)

    def start_of(self, period: int, anchor: int) -> int:
        """Compute the start of a period, in Unix seconds. Period 0 starts at the anchor.

        Months and years keep the anchor's day of the month; a shorter month uses its last day. January 31 is followed
        by February 28 and then by March 31.
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
        """Render a price's `recurring` field."""
        return {
            "interval": self.interval,
            "interval_count": self.interval_count,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        }
