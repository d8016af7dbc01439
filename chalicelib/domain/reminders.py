"""Reminders that most, and that all, of a budget's limit is spent; each at most once a period."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from chalicelib.domain.budgets import UNLIMITED, Budget
from chalicelib.domain.ids import iso, uuid7_of
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.periods import PERIODS, ByPeriod
from chalicelib.domain.posting import Posting

THRESHOLDS: Final = (80, 100)
"""Percentages of a limit."""
_LENGTHS: Final = ByPeriod(timedelta(days=1), timedelta(days=7), timedelta(days=31))


class BudgetRecord(Struct, frozen=True, kw_only=True):
    """A record of the table's stream about a wallet with a budget. `new` is None if it could not be parsed."""

    record_id: str
    user_id: str
    old: Budget | None
    new: Budget | None


class Reminder(Struct, frozen=True, kw_only=True):
    """A percentage of a limit on `what` (coins or money) that is spent, in the period that ends at `ends_at`."""

    what: str
    period: str
    percent: int
    limit: int
    ends_at: datetime

    @property
    def name(self) -> str:
        """The name of the threshold and period; independent of the limit, which may change within the period."""
        return f"{self.what} {self.period} {self.percent} {iso(self.ends_at)}"


def due_reminders(old: Budget | None, new: Budget) -> Sequence[Reminder]:
    """Return the thresholds that `new` has reached and `old` had not."""
    known = {reminder.name for reminder in _reached(old)} if old else frozenset()
    return [reminder for reminder in _reached(new) if reminder.name not in known]


def _reached(budget: Budget) -> Iterator[Reminder]:
    for what, limits, left in (
        ("coins", budget.limits.coins, budget.coins_left),
        ("money", budget.limits.money, budget.money_left),
    ):
        for place, limit in enumerate(limits):
            # A limit of 0 is spent from the start and needs no reminder.
            for percent in THRESHOLDS if 0 < limit < UNLIMITED else ():
                if (limit - left[place]) * 100 >= limit * percent:
                    yield Reminder(
                        what=what, period=PERIODS[place], percent=percent, limit=limit, ends_at=budget.ends[place]
                    )


def reminder_notification(user_id: str, reminder: Reminder, posting: Posting) -> NotificationEntry:
    """Build the notification of a reminder. Its id derives from the reminder, so it is written only once."""
    return NotificationEntry(
        entry_id=_id_of(user_id, reminder),
        user_id=user_id,
        kind=NotificationKind.BUDGET_REMINDER,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payload={
            "what": reminder.what,
            "period": reminder.period,
            "percent": reminder.percent,
            "limit": reminder.limit,
            "ends_at": iso(reminder.ends_at),
        },
    )


def _id_of(user_id: str, reminder: Reminder) -> str:
    """Derive a UUIDv7 from about the start of the period, so that the entry sorts there in a statement."""
    began = reminder.ends_at - _LENGTHS[PERIODS.index(reminder.period)]
    return uuid7_of(began, f"{user_id} {reminder.name}")
