"""Recovery: relay the entries that the table's stream lost."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import JournalLine, PostedRecord, batches, hours
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.errors import TryAgain
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.usecases.relay import Relay, relay_entries, remind_of_budgets

log = logging.getLogger(__name__)


def relay_lines(lines: Sequence[JournalLine], relay: Relay) -> int:
    """Relay the entries of the lines, oldest first; one that cannot be read is set aside like a poison record.

    Returns:
        How many must be relayed again.

    Raises:
        TryAgain: an entry, or a wallet, could not be looked up.
    """
    records = [
        PostedRecord(
            record_id=line.event_id,
            keys={"PK": f"WALLET#{line.user_id}", "SK": f"ENTRY#{line.entry_id}"},
            entry=_entry(line, relay.ledger),
        )
        for line in sorted(lines, key=lambda line: (line.posted_at, line.entry_id))
    ]
    return len({*relay_entries(records, relay), *_remind(records, relay)})


def _remind(records: Sequence[PostedRecord], relay: Relay) -> list[str]:
    """Remind fans who spent of whatever their budgets have reached by now: the stream may have lost that, too.

    Returns:
        The ids of the records whose fans could not be reminded.
    """
    spent = [(record, record.entry) for record in records if isinstance(record.entry, Gift | Purchase)]
    fans = sorted({entry.user_id for _, entry in spent})
    budgets = [record for fan in fans if (record := _budget(fan, relay.ledger))]
    forgotten = set(remind_of_budgets(budgets, relay))
    return [record.record_id for record, entry in spent if entry.user_id in forgotten]


def _budget(user_id: str, ledger: Ledger) -> BudgetRecord | None:
    """The fan's budget as if it had just become what it is; None when there is none."""
    try:
        budget = ledger.read_wallet(user_id).budget
        if budget is None:
            return None
    except TryAgain:
        raise
    except Exception:  # whatever it is, it is this streak's trouble
        log.exception("wallet cannot be read", extra={"user_id": user_id})
        budget = None
    keys = {"PK": f"WALLET#{user_id}", "SK": "WALLET"}
    return BudgetRecord(record_id=user_id, keys=keys, user_id=user_id, old=None, new=budget)


def _entry(line: JournalLine, ledger: Ledger) -> Entry | None:
    try:
        return ledger.find_entry(line.user_id, line.entry_id)
    except TryAgain:
        raise
    except Exception:  # whatever it is, it is this streak's trouble
        # One row that nobody can read must not hold up whatever else was lost.
        log.exception("entry cannot be read", extra={"entry_id": line.entry_id})
        return None


SETTLE_DELAY: Final = timedelta(minutes=10)
"""The stream is given so long before the sweep calls an entry forgotten."""
FIRST_LOOKBACK: Final = timedelta(days=2)
"""How far the very first sweep looks back."""

_WATERMARK: Final = "sweep"
_UNSURE: Final = "sweep_unsure"
"""The hour that a sweep began to mend. That a gift was received there does not tell that the world heard of it, too."""
_NO_HOUR: Final = datetime(1970, 1, 1, tzinfo=UTC)


def sweep(*, journal: Journal, relay: Relay) -> int:
    """Relay every entry that was posted more than ten minutes ago and was not relayed since.

    The watermark is the hour that the next sweep begins with: it moves only over hours in which nothing was left. An
    hour that a sweep did not come to the end of is relayed whole by the next one, which is always safe.

    Returns:
        How many entries were relayed.
    """
    until = relay.clock.now() - SETTLE_DELAY
    first = journal.read_watermark(_WATERMARK) or until - FIRST_LOOKBACK
    unsure = journal.read_watermark(_UNSURE)
    mended = 0
    for hour in hours(first, until):
        lines = [line for line in journal.read_hour(hour) if line.posted_at <= until]
        left, is_noted = 0, hour == unsure
        for batch in batches(lines):
            forgotten = batch if hour == unsure else journal.not_relayed(batch)
            if forgotten and not is_noted:
                journal.move_watermark(_UNSURE, hour)
                is_noted = True
            failed = relay_lines(forgotten, relay)
            mended += len(forgotten) - failed
            left += failed
        if left:
            break
        if is_noted:
            journal.move_watermark(_UNSURE, _NO_HOUR)
        journal.move_watermark(_WATERMARK, hour)
    return mended


MARGIN: Final = timedelta(minutes=1)
"""The stream's times are the store's, the journal's are ours."""


def redrive(first: datetime, last: datetime, *, journal: Journal, relay: Relay) -> int:
    """Relay again whatever was posted between the two times, known or not: that is always safe.

    Returns:
        How many entries were relayed.

    Raises:
        TryAgain: some could not be.
    """
    relayed, failed = 0, 0
    for hour in hours(first - MARGIN, last + MARGIN):
        lines = [line for line in journal.read_hour(hour) if first - MARGIN <= line.posted_at <= last + MARGIN]
        for batch in batches(lines):
            not_relayed = relay_lines(batch, relay)
            relayed, failed = relayed + len(batch) - not_relayed, failed + not_relayed
    if failed:
        raise TryAgain(f"{failed} entries were not relayed.")
    return relayed
