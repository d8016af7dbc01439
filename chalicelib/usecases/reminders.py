"""Reminders of budgets: of those in the stream's records, and of the fans of entries that the stream may have lost."""

import logging
from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.budgets import Budget
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reminders import BudgetRecord, due_reminders, reminder_notification
from chalicelib.errors import TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import RedriveQueue
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.threads import Threads

log = logging.getLogger(__name__)


class ReminderServices(Protocol):
    """Services that reminders need."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def redrive_queue(self) -> RedriveQueue: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def threads(self) -> Threads: ...


def remind_of_budgets(records: Sequence[BudgetRecord], services: ReminderServices) -> list[str]:
    """Post a notification of each threshold that a budget has passed, once a period.

    The notification is an entry like any other: the stream delivers it to be published. An unreadable record is set
    aside and does not delay the others.

    Returns:
        The ids of the records that must be delivered again.
    """
    return [record.record_id for record in records if not _is_done(record, services)]


def _is_done(record: BudgetRecord, services: ReminderServices) -> bool:
    try:
        if record.new is None:
            services.redrive_queue.set_aside_budget(record.user_id)
        else:
            _remind(record, record.new, services)
    except TryAgain:
        return False
    return True


def _remind(record: BudgetRecord, budget: Budget, services: ReminderServices) -> None:
    try:
        for reminder in due_reminders(record.old, budget):
            posting = Posting(posted_at=services.clock.now(), event_id=services.clock.new_id())
            services.ledger.post_notification(reminder_notification(record.user_id, reminder, posting))
    except TryAgain:
        raise
    except Exception:  # any failure concerns this record only
        log.exception("budget_set_aside", extra={"user_id": record.user_id})
        services.redrive_queue.set_aside_budget(record.user_id)


def remind_spenders(records: Sequence[PostedRecord], services: ReminderServices) -> list[str]:
    """Remind the fans who spent of the budget thresholds they have passed, whose stream records may be lost as well.

    Returns:
        The ids of the records whose fans could not be reminded.
    """
    spent = [(record, record.entry) for record in records if isinstance(record.entry, Gift | Purchase)]
    fans = sorted({entry.user_id for _, entry in spent})
    budgets, failed = list[BudgetRecord](), set[str]()
    for fan in fans:
        try:
            budgets += _budget(fan, services.ledger)
        except TryAgain:
            failed.add(fan)
    failed.update(remind_of_budgets(budgets, services))
    return [record.record_id for record, entry in spent if entry.user_id in failed]


def _budget(user_id: str, ledger: Ledger) -> list[BudgetRecord]:
    """Build a record of the fan's budget without an earlier state, if they have one."""
    try:
        budget = ledger.read_wallet(user_id).budget
        if budget is None:
            return []
    except TryAgain:
        raise
    except Exception:  # any failure concerns this wallet only
        log.exception("wallet_unreadable", extra={"user_id": user_id})
        budget = None
    return [BudgetRecord(record_id=user_id, user_id=user_id, old=None, new=budget)]
