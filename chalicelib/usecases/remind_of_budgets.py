"""Fans hear that they have spent most of their own budget, or all of it."""

import logging
from collections.abc import Sequence

from chalicelib.domain.ledger import Posting
from chalicelib.domain.reminders import BudgetRecord, due_reminders, reminder_notice
from chalicelib.errors import TryAgain
from chalicelib.usecases.relay_entries import Relay

log = logging.getLogger(__name__)


def remind_of_budgets(records: Sequence[BudgetRecord], relay: Relay) -> list[str]:
    """Post a notice of each threshold that a budget has passed, once a period, however often the record comes.

    The notice is an entry like any other: the stream brings it back to be published. A record that nobody can read is
    set aside and does not hold up the others.

    Returns:
        The ids of the records that must come again.
    """
    return [record.record_id for record in records if not _is_done(record, relay)]


def _is_done(record: BudgetRecord, relay: Relay) -> bool:
    try:
        try:
            _remind(record, relay)
        except TryAgain:
            raise
        except Exception:
            log.exception("budget cannot be read", extra={"keys": dict(record.keys)})
            relay.redrive.set_aside(record.keys)
    except TryAgain:
        return False
    return True


def _remind(record: BudgetRecord, relay: Relay) -> None:
    assert record.new is not None, "a record that cannot be read is set aside"
    for reminder in due_reminders(record.old, record.new):
        posting = Posting(posted_at=relay.clock.now(), event_id=relay.clock.new_id())
        relay.ledger.post_notice(reminder_notice(record.user_id, reminder, posting))
