"""Recovery: relay the entries that the table's stream lost."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import JournalLine, PostedRecord, batches, hours
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.errors import TryAgain
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.usecases.relay import RelayServices, relay_entries, remind_of_budgets

log = logging.getLogger(__name__)


def relay_lines(lines: Sequence[JournalLine], services: RelayServices) -> int:
    """Relay the entries of the lines, oldest first. An unreadable one is set aside.

    Returns:
        The number of entries that must be relayed again.

    Raises:
        TryAgain: an entry or a wallet could not be read.
    """
    records = [
        PostedRecord(
            record_id=line.event_id,
            ref=EntryRef(user_id=line.user_id, entry_id=line.entry_id),
            entry=_entry(line, services.ledger),
        )
        for line in sorted(lines, key=lambda line: (line.posted_at, line.entry_id))
    ]
    return len({*relay_entries(records, services), *_remind(records, services)})


def _remind(records: Sequence[PostedRecord], services: RelayServices) -> list[str]:
    """Remind the fans who spent of the budget thresholds they have passed, whose stream records may be lost as well.

    Returns:
        The ids of the records whose fans could not be reminded.
    """
    spent = [(record, record.entry) for record in records if isinstance(record.entry, Gift | Purchase)]
    fans = sorted({entry.user_id for _, entry in spent})
    budgets = [record for fan in fans if (record := _budget(fan, services.ledger))]
    failed = set(remind_of_budgets(budgets, services))
    return [record.record_id for record, entry in spent if entry.user_id in failed]


def _budget(user_id: str, ledger: Ledger) -> BudgetRecord | None:
    """Build a record of the fan's budget without an earlier state. None without a budget."""
    try:
        budget = ledger.read_wallet(user_id).budget
        if budget is None:
            return None
    except TryAgain:
        raise
    except Exception:  # any failure concerns this wallet only
        log.exception("wallet_unreadable", extra={"user_id": user_id})
        budget = None
    return BudgetRecord(record_id=user_id, user_id=user_id, old=None, new=budget)


def _entry(line: JournalLine, ledger: Ledger) -> Entry | None:
    try:
        return ledger.find_entry(line.user_id, line.entry_id)
    except TryAgain:
        raise
    except Exception:  # any failure concerns this entry only
        # One unreadable row must not delay the others.
        log.exception("entry_unreadable", extra={"entry_id": line.entry_id})
        return None


SETTLE_DELAY: Final = timedelta(minutes=10)
"""Time in which the stream should have delivered an entry, before the sweep relays it."""
FIRST_LOOKBACK: Final = timedelta(days=2)
"""Lookback of the first sweep."""

_WATERMARK: Final = "sweep"
_UNSURE: Final = "sweep_unsure"
"""The hour in which an unfinished sweep relayed entries: a gift there may be received and not yet published."""
_NO_HOUR: Final = datetime(1970, 1, 1, tzinfo=UTC)


def sweep(services: RelayServices, *, journal: Journal) -> int:
    """Relay every entry that was posted more than ten minutes ago and not relayed since.

    The watermark is the first hour of the next sweep; it moves past an hour only when nothing failed in it. An hour
    that a sweep did not finish is relayed whole by the next one, which is idempotent.

    Returns:
        The number of entries relayed.
    """
    until = services.clock.now() - SETTLE_DELAY
    first = journal.read_watermark(_WATERMARK) or until - FIRST_LOOKBACK
    unsure = journal.read_watermark(_UNSURE)
    relayed = 0
    for hour in hours(first, until):
        lines = [line for line in journal.read_hour(hour) if line.posted_at <= until]
        left, is_noted = 0, hour == unsure
        for batch in batches(lines):
            missing = batch if hour == unsure else journal.not_relayed(batch)
            if missing and not is_noted:
                journal.move_watermark(_UNSURE, hour)
                is_noted = True
            failed = relay_lines(missing, services)
            relayed += len(missing) - failed
            left += failed
        if left:
            break
        if is_noted:
            journal.move_watermark(_UNSURE, _NO_HOUR)
        journal.move_watermark(_WATERMARK, hour)
    return relayed


CLOCK_SKEW: Final = timedelta(minutes=1)
"""Difference between the stream's times, which are DynamoDB's, and the journal's, which are this system's."""


def redrive(first: datetime, last: datetime, services: RelayServices, *, journal: Journal) -> int:
    """Relay every entry posted between the two times, which is idempotent.

    Returns:
        The number of entries relayed.

    Raises:
        TryAgain: some entries failed.
    """
    relayed, failed = 0, 0
    first, last = first - CLOCK_SKEW, last + CLOCK_SKEW
    for hour in hours(first, last):
        lines = [line for line in journal.read_hour(hour) if first <= line.posted_at <= last]
        for batch in batches(lines):
            not_relayed = relay_lines(batch, services)
            relayed, failed = relayed + len(batch) - not_relayed, failed + not_relayed
    if failed:
        raise TryAgain(f"{failed} entries were not relayed.")
    return relayed
