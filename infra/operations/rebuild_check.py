"""Add up the whole ledger again: `make rebuild-check STAGE=prod`.

Every wallet from its posted entries, every shard from what it received, every purchase from the money that is kept.
Reads the whole table, which takes its time and its read units, and writes nothing. `local` is the stack of `make up`;
for the other stages credentials, region and AWS_ENDPOINT_URL are boto3's usual ones. Exit code 1 when a figure is off.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from infra.deploy import stack_outputs
from infra.local.facts import StackFacts, aws_session
from infra.operations.books import Books, Breach, confirmed, read_table
from infra.package import ROOT, STAGES

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

UNDER_WAY = timedelta(minutes=30)
"""A gift reaches its creator in seconds; one that the stream lost, with the second sweep after it."""


def rebuild_check(table: "Table", now: datetime) -> tuple[Books, list[Breach]]:
    """Read everything; what was read, and every breach that stands when one looks again."""
    books = Books(read_table(table))
    return books, confirmed(books.breaches(now - UNDER_WAY), table, now - UNDER_WAY)


def report(books: Books, breaches: list[Breach], now: datetime) -> Iterator[str]:
    """What an operator reads."""
    yield f"{len(books.wallets)} wallets hold {sum(books.wallets.values())} coins by {books.entries} posted entries"
    earned = books.earned()
    coins = sum(earned.values())
    yield f"{len(earned)} creators earned {coins} coins in {len(books.shards)} shards by {books.gifts} gifts"
    if under_way := books.under_way(now - UNDER_WAY):
        yield f"{under_way} gifts are under way to their creators"
    yield from (str(breach) for breach in breaches)
    yield f"{len(breaches)} figures are off." if breaches else "Every figure is what its entries make it."


def _table(stage: str) -> "Table":
    if stage != "local":
        return boto3.resource("dynamodb").Table(stack_outputs(stage)["TableName"])
    facts = StackFacts.read(ROOT / ".local")
    if facts is None:
        raise SystemExit("The local cloud is not up: make up")
    return (
        aws_session(facts.aws_region).resource("dynamodb", endpoint_url=facts.aws_endpoint_url).Table(facts.table_name)
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.operations.rebuild_check", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--stage", choices=STAGES, required=True)
    now = datetime.now(UTC)
    books, breaches = rebuild_check(_table(parser.parse_args().stage), now)
    print("\n".join(report(books, breaches, now)))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
