"""Recompute the whole ledger from its entries: `make rebuild-check STAGE=prod`.

Compares every wallet with its posted entries, every shard with the gifts it received, and every purchase with the money
that is kept. Reads the whole table, which takes time and read units, and writes nothing. `local` is the stack of `make
up`; for the other stages boto3's default credentials, region and AWS_ENDPOINT_URL are used. Exits with 1 on a mismatch.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from infra.deploy import stack_outputs
from infra.local.facts import StackFacts, aws_session
from infra.operations.books import Books, Breach, confirm, read_table
from infra.package import ROOT, STAGES

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

TRANSIT_TIME = timedelta(minutes=30)
"""The time for a gift to reach its creator: seconds, or until the second sweep if the stream lost it."""


def rebuild_check(table: "Table", now: datetime) -> tuple[Books, list[Breach]]:
    """Read the whole table. Returns the figures, and the breaches that a second reading confirms."""
    books = Books(read_table(table))
    return books, confirm(books.breaches(now - TRANSIT_TIME), table, now - TRANSIT_TIME)


def report(books: Books, breaches: list[Breach], now: datetime) -> Iterator[str]:
    """Format the result for an operator, line by line."""
    yield f"{len(books.wallets)} wallets hold {sum(books.wallets.values())} coins by {books.entries} posted entries"
    earned = books.earned()
    coins = sum(earned.values())
    yield f"{len(earned)} creators earned {coins} coins in {len(books.shards)} shards by {books.gifts} gifts"
    if in_transit := books.in_transit(now - TRANSIT_TIME):
        yield f"{in_transit} gifts are in transit to their creators"
    yield from (str(breach) for breach in breaches)
    yield f"{len(breaches)} figures do not match." if breaches else "All figures match the entries."


def _table(stage: str) -> "Table":
    if stage != "local":
        return boto3.resource("dynamodb").Table(stack_outputs(stage)["TableName"])
    facts = StackFacts.read(ROOT / ".local")
    if facts is None:
        raise SystemExit("The local cloud is not running. Start it with: make up")
    return (
        aws_session(facts.aws_region).resource("dynamodb", endpoint_url=facts.aws_endpoint_url).Table(facts.table_name)
    )


def main() -> int:
    """Run the command. Returns the exit code."""
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
