"""Reminders of budgets: of those in the stream's records, and of the fans of entries that the stream may have lost."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

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

RUN_TIME: Final = timedelta(seconds=4)
"""Time in which a run begins to post notifications."""


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
    aside and does not delay the others. None is begun after RUN_TIME, as the entries wait.

    Returns:
        The ids of the records that must be delivered again.
    """
    until = services.clock.now() + RUN_TIME
    reminded = services.threads.map(partial(_remind, services, until), records)
    failed = {record.record_id for record, is_done in zip(records, reminded, strict=True) if is_done is False}
    poison = [record for record, is_done in zip(records, reminded, strict=True) if is_done is None]
    if poison:
        kept = services.threads.map(partial(_set_aside, services.redrive_queue), poison)
        failed.update(record.record_id for record, is_done in zip(poison, kept, strict=True) if not is_done)
    return [record.record_id for record in records if record.record_id in failed]


def remind_spenders(records: Sequence[PostedRecord], services: ReminderServices) -> list[str]:
    """Remind the fans who spent of the budget thresholds they have passed, whose stream records may be lost as well.

    Returns:
        The ids of the records whose fans could not be reminded.
    """
    spent = [(record, record.entry) for record in records if isinstance(record.entry, Gift | Purchase)]
    fans = sorted({entry.user_id for _, entry in spent})
    read = dict(zip(fans, services.threads.map(partial(_budget, services.ledger), fans), strict=True))
    failed = {fan for fan, budget in read.items() if budget is None}
    failed.update(remind_of_budgets([record for budget in read.values() for record in budget or []], services))
    return [record.record_id for record, entry in spent if entry.user_id in failed]


def _remind(services: ReminderServices, until: datetime, record: BudgetRecord) -> bool | None:
    """Post the notifications of one record. False if it must be tried again, None if it fails for good."""
    if record.new is None:
        return None
    try:
        for reminder in due_reminders(record.old, record.new):
            if services.clock.now() >= until:
                return False
            posting = Posting(posted_at=services.clock.now(), event_id=services.clock.new_id())
            services.ledger.post_notification(reminder_notification(record.user_id, reminder, posting))
    except TryAgain:
        return False
    except Exception:  # any failure concerns this record only
        log.exception("budget_set_aside", extra={"user_id": record.user_id})
        return None
    return True


def _set_aside(queue: RedriveQueue, record: BudgetRecord) -> bool:
    try:
        queue.set_aside_budget(record.user_id)
    except TryAgain:
        return False
    return True


def _budget(ledger: Ledger, user_id: str) -> Sequence[BudgetRecord] | None:
    """Build a record of the fan's budget without an earlier state, if they have one. None if it cannot be read now."""
    budget: Budget | None = None
    try:
        budget = ledger.read_wallet(user_id).budget
        if budget is None:
            return []
    except TryAgain:
        return None
    except Exception:  # any failure concerns this wallet only
        log.exception("wallet_unreadable", extra={"user_id": user_id})
    return [BudgetRecord(record_id=user_id, user_id=user_id, old=None, new=budget)]
