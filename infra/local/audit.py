"""Audit a ledger from outside: scan the table, and see whether what must hold does."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from infra.local.facts import StackFacts, aws_session
from infra.operations.books import Books, Item, read_table


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. The ledger is in order when `broken` is empty."""

    wallets: int
    entries: int
    """Posted ones."""
    gifts: int
    coins_held: int
    """In all wallets."""
    earned: Mapping[str, int]
    """Coins by creator id, over all shards."""
    event_ids: frozenset[str]
    """Of all posted entries: what subscribers have heard of, or will."""
    broken: tuple[str, ...]
    """Each breach in a sentence that begins with the invariant's name."""


def audit(facts: StackFacts, heard: Set[str] | None = None) -> Audit:
    """Read the whole table and check what must hold of the ledger, once everything has reached everybody.

    Args:
        facts: the stack.
        heard: ids of all messages that a subscriber received who was there from the start; None leaves I4 out.
    """
    books = Books(items(facts))
    broken = [str(breach) for breach in books.breaches()]
    if heard is not None and heard != books.event_ids:
        missed, made_up = len(books.event_ids - heard), len(heard - books.event_ids)
        broken.append(f"I4 {missed} entries unheard of, {made_up} messages of nothing")
    return Audit(
        wallets=len(books.wallets),
        entries=books.entries,
        gifts=books.gifts,
        coins_held=sum(books.wallets.values()),
        earned=books.earned(),
        event_ids=frozenset(books.event_ids),
        broken=tuple(broken),
    )


def items(facts: StackFacts) -> Iterator[Item]:
    """Everything in the table, consistently read page by page."""
    client = aws_session(facts.aws_region).resource("dynamodb", endpoint_url=facts.aws_endpoint_url)
    return read_table(client.Table(facts.table_name))
