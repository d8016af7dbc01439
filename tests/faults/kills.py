"""Processes that work on a real table are killed at random moments; the next process continues."""

import os
import select
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import boto3

from chalicelib.adapters.dynamodb.models import Row
from infra.operations.exports import write_export
from infra.operations.ledger_rules import duck_ledger, find_wrong_figures, query
from infra.operations.table_reads import RawItem, TableReader
from tests.faults.stories import ENDS_WITH, LoggedPublisher, Story, fan_of
from tests.stores import REGION, DynamoStore, cloud_at, create_table

LONGEST_LIFE_SECONDS: Final = 0.15
"""Draw a delay up to the duration of a few stories, so that a kill can hit every step."""
_WORD: Final = 8


@dataclass
class KillTotals:
    """The totals of the kills."""

    kills: int = 0
    stories: int = 0
    breaches: list[str] = field(default_factory=list)


@dataclass
class KillHarness:
    """The setting of the kills: a table, and a file of published messages. `seed` decides the moments."""

    store: DynamoStore
    published: Path
    seed: int
    table: TableReader
    number: int = 1
    totals: KillTotals = field(default_factory=KillTotals)

    def kill(self, times: int) -> KillTotals:
        """Kill that many processes. Checks the active wallet after each kill, and everything at the end."""
        dice = Random(self.seed)
        for _ in range(times):
            self.number = self._life(dice.uniform(0, LONGEST_LIFE_SECONDS))
            self.totals.kills += 1
            wallet = list(self.table.partition(f"WALLET#{fan_of(self.number)}"))
            self._report(wrong_wallet(wallet), "after a kill")
        self._live_to_the_end()
        self.totals.stories = self.number
        return self.totals

    def _life(self, seconds: float) -> int:
        """Run a process that works through stories until it is killed. Returns the number of its story."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os._exit(self._work(writer))
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            # A process ends earlier only when it fails; its exit code reports that.
            poller = select.poll()
            poller.register(reader, select.POLLHUP)
            poller.poll(seconds * 1000)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            words = pipe.read()
        if os.WIFEXITED(status):
            self.totals.breaches.append(f"seed {self.seed}, kill {self.totals.kills}: the work itself failed")
        numbers = [int.from_bytes(words[at : at + _WORD]) for at in range(0, len(words) - _WORD + 1, _WORD)]
        return numbers[-1] if numbers else self.number

    def _work(self, writer: int) -> int:
        """Continue the story that the last process left unfinished, then run the next ones."""
        publisher = LoggedPublisher(os.open(self.published, os.O_WRONLY | os.O_APPEND))
        number = self.number
        try:
            while True:
                os.write(writer, number.to_bytes(_WORD))
                Story(number, self.store.ledger, publisher).live()
                number += 1
        except BaseException:  # noqa: BLE001  # a forked child must never continue as its parent
            return 1

    def _live_to_the_end(self) -> None:
        """Run the last process without a kill: it ends the last story, and then every invariant must hold."""
        publisher = LoggedPublisher(os.open(self.published, os.O_WRONLY | os.O_APPEND))
        Story(self.number, self.store.ledger, publisher).live()
        os.close(publisher.descriptor)
        export = write_export(self.table.scan(), self.published.with_suffix(".export"), datetime.now(UTC))
        with duck_ledger(export) as ledger:
            self._report(map(str, find_wrong_figures(ledger).listed), "in the end")
            rows = ledger.rows("SELECT pk, coins FROM items WHERE sk = 'WALLET'")
            wallets: dict[str, int] = {pk: coins for pk, coins in rows}  # noqa: C416  # for mypy
            committed = {event_id for (event_id,) in ledger.rows(query("event_ids"))}
        for number in range(1, self.number + 1):
            coins = wallets.get(f"WALLET#{fan_of(number)}", 0)
            if coins != ENDS_WITH:
                self.totals.breaches.append(f"seed {self.seed}: {fan_of(number)} has {coins} coins, not {ENDS_WITH}")
        published = set(self.published.read_text().split())
        if published != committed:
            astray = len(published ^ committed)
            self.totals.breaches.append(f"seed {self.seed}: consumed and committed differ by {astray}")

    def _report(self, breaches: Iterable[str], when: str) -> None:
        self.totals.breaches += [f"seed {self.seed}, kill {self.totals.kills}, {when}: {each}" for each in breaches]


def wrong_wallet(items: Sequence[RawItem]) -> Iterator[str]:
    """Compare a wallet with its entries, whose gifts may not be relayed yet.

    Computed here, because an engine takes longer to start than a process lives until it is killed.
    """
    coins = sum(_number(item, "coins") for item in items if item["SK"]["S"] == "WALLET")
    posted = [item for item in items if item.get("status") == {"S": "posted"}]
    if coins != (added_up := sum(_number(entry, "coins") for entry in posted)):
        yield f"I1 stored {coins}, computed {added_up}"
    purchases = [entry for entry in posted if entry["kind"]["S"] == "purchase"]
    if len(purchases) > 1:
        yield f"I2 {len(purchases)} purchases"
    for purchase in purchases:
        bought, paid = _number(purchase, "coins"), _number(purchase, "amount_minor")
        kept = _number(purchase, "kept_minor") if "kept_minor" in purchase else paid
        taken = sum(_number(entry, "coins") for entry in posted if entry["kind"]["S"] in {"clawback", "restore"})
        if bought + taken != bought * kept // paid:
            yield f"I8 granted {bought + taken} of {bought} coins, kept {kept} of {paid}"


def _number(item: RawItem, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


@contextmanager
def kill_harness(endpoint_url: str, directory: Path, seed: int) -> Iterator[KillHarness]:
    """Create an empty table at a store, and a ledger for the later processes.

    This process only reads, over its own connection: each fork inherits a ledger without an open connection.
    """
    with cloud_at(endpoint_url):
        published = directory / f"published-{seed}"
        published.touch()
        creator = DynamoStore(f"kills-{seed}")
        create_table(creator)
        Row._connection = None
        store = DynamoStore(f"kills-{seed}")
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint_url)
        yield KillHarness(store, published, seed, TableReader(client, store.table_name))
