"""Audit of a deployed ledger: runs the rules of the whole ledger over a scan of its table."""

import tempfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from infra.local.facts import StackFacts, aws_session
from infra.operations.exports import write_export
from infra.operations.ledger_rules import RULES, duck_ledger, find_wrong_figures, query, read_totals
from infra.operations.table_reads import RawItem, TableReader

_RULES: Final = RULES.keys() - {"i4_published"}
"""An entry is stamped after it was published, so a subscriber knows it earlier and better."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The totals of the ledger and the violated invariants."""

    wallets: int
    entries: int
    """Number of posted entries."""
    gifts: int
    coins_held: int
    """Coins in all wallets."""
    earned: Mapping[str, int]
    """Coins by creator id, over all shards."""
    event_ids: frozenset[str]
    """Event ids of all posted entries, published or still to be published."""
    violations: tuple[str, ...]
    """A line for each, which begins with the invariant's name (I1 ...)."""


def audit(facts: StackFacts, received: Set[str] | None = None) -> Audit:
    """Read the whole table and check the invariants. The relay must have drained before.

    Args:
        facts: the stack.
        received: message ids that a subscriber received since before the first entry; None skips I4.
    """
    with tempfile.TemporaryDirectory(prefix="coinpurse-audit-") as directory:
        export = write_export(read_items(facts), Path(directory), datetime.now(UTC))
        with duck_ledger(export) as ledger:
            violations = list(map(str, find_wrong_figures(ledger, sorted(_RULES)).listed))
            totals = read_totals(ledger)
            event_ids = frozenset(event_id for (event_id,) in ledger.rows(query("event_ids")))
            earned = {creator_id: int(coins) for creator_id, coins in ledger.rows(query("coins_by_creator"))}
    if received is not None and received != event_ids:
        missing, unexpected = len(event_ids - received), len(received - event_ids)
        violations.append(f"I4 {missing} entries not received, {unexpected} messages without an entry")
    return Audit(
        wallets=totals.wallets,
        entries=totals.entries,
        gifts=totals.gifts,
        coins_held=totals.coins_held,
        earned=earned,
        event_ids=event_ids,
        violations=tuple(violations),
    )


def read_items(facts: StackFacts) -> Iterator[RawItem]:
    """Scan the table with consistent reads, page by page."""
    return table_reader(facts.aws_region, facts.aws_endpoint_url, facts.table_name).scan()


@cache
def table_reader(region: str, endpoint_url: str, name: str) -> TableReader:
    """Create the table's client once: tests audit a stack many times, and this takes longer than to scan it."""
    return TableReader(aws_session(region).client("dynamodb", endpoint_url=endpoint_url), name)
