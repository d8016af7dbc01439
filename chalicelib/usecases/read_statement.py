"""How a fan's balance came about."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.ledger import Entry
from chalicelib.ports import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A page of entries, newest first. `older_than` is where the next page begins; None on the last page."""

    entries: Sequence[Entry]
    older_than: str | None


def read_statement(user_id: str, *, limit: int, before: str | None, ledger: Ledger) -> Statement:
    """At most `limit` entries of the fan, those older than the entry id `before`."""
    entries = ledger.list_entries(user_id, limit + 1, before)
    page = entries[:limit]
    return Statement(entries=page, older_than=page[-1].entry_id if len(entries) > limit else None)
