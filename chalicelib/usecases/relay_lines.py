"""Entries that the journal lists are relayed, as if they had just been posted."""

import logging
from collections.abc import Sequence

from chalicelib.domain.journal import JournalLine, PostedRecord
from chalicelib.domain.ledger import Entry
from chalicelib.errors import TryAgain
from chalicelib.ports import Ledger
from chalicelib.usecases.relay_entries import Relay, relay_entries

log = logging.getLogger(__name__)


def relay_lines(lines: Sequence[JournalLine], relay: Relay) -> int:
    """Relay the entries of the lines, oldest first; one that cannot be read is set aside like a poison record.

    Returns:
        How many must be relayed again.

    Raises:
        TryAgain: an entry could not be looked up.
    """
    records = [
        PostedRecord(
            record_id=line.event_id,
            keys={"PK": f"WALLET#{line.user_id}", "SK": f"ENTRY#{line.entry_id}"},
            entry=_entry(line, relay.ledger),
        )
        for line in sorted(lines, key=lambda line: (line.posted_at, line.entry_id))
    ]
    return len(relay_entries(records, relay))


def _entry(line: JournalLine, ledger: Ledger) -> Entry | None:
    try:
        return ledger.find_entry(line.user_id, line.entry_id)
    except TryAgain:
        raise
    except Exception:
        # One row that nobody can read must not hold up whatever else was lost.
        log.exception("entry cannot be read", extra={"entry_id": line.entry_id})
        return None
