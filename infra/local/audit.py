"""Audit of a deployed ledger: scans the table and checks the invariants."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from infra.local.facts import StackFacts, aws_session
from infra.operations.books import Books, Item, read_table

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table


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
    books = Books(read_items(facts))
    violations = [str(breach) for breach in books.breaches()]
    if received is not None and received != books.event_ids:
        missing, unexpected = len(books.event_ids - received), len(received - books.event_ids)
        violations.append(f"I4 {missing} entries not received, {unexpected} messages without an entry")
    return Audit(
        wallets=len(books.wallets),
        entries=books.entries,
        gifts=books.gifts,
        coins_held=sum(books.wallets.values()),
        earned=books.earned(),
        event_ids=frozenset(books.event_ids),
        violations=tuple(violations),
    )


def read_items(facts: StackFacts) -> Iterator[Item]:
    """Scan the table with consistent reads, page by page."""
    return read_table(_table(facts.aws_region, facts.aws_endpoint_url, facts.table_name))


@cache
def _table(region: str, endpoint_url: str, name: str) -> "Table":
    """Create the table's resource once: tests audit a stack many times, and this takes longer than to scan it."""
    return aws_session(region).resource("dynamodb", endpoint_url=endpoint_url).Table(name)
