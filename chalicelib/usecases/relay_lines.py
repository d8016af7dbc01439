"""Entries that the journal lists are relayed, as if they had just been posted."""

import logging
from collections.abc import Sequence

from chalicelib.domain.journal import JournalLine, PostedRecord
from chalicelib.domain.ledger import Entry, Gift, Purchase
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.errors import TryAgain
from chalicelib.ports import Ledger
from chalicelib.usecases.relay_entries import Relay, relay_entries
from chalicelib.usecases.remind_of_budgets import remind_of_budgets

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
    except Exception:
        log.exception("wallet cannot be read", extra={"user_id": user_id})
        budget = None
    keys = {"PK": f"WALLET#{user_id}", "SK": "WALLET"}
    return BudgetRecord(record_id=user_id, keys=keys, user_id=user_id, old=None, new=budget)


def _entry(line: JournalLine, ledger: Ledger) -> Entry | None:
    try:
        return ledger.find_entry(line.user_id, line.entry_id)
    except TryAgain:
        raise
    except Exception:
        # One row that nobody can read must not hold up whatever else was lost.
        log.exception("entry cannot be read", extra={"entry_id": line.entry_id})
        return None
