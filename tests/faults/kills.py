"""Processes that do real work on a real table are killed at random moments, each time again; the next one goes on."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import boto3

from chalicelib.adapters.dynamodb.models import Row
from infra.operations.books import Books, read_partition, read_table
from tests.faults.stories import ENDS_WITH, LoggedPublisher, Story, fan_of
from tests.stores import REGION, DynamoStore, cloud_at, create_table

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

LONGEST_LIFE_SECONDS: Final = 0.15
"""As long as a few stories take, so that every step of one is somebody's last."""
_WORD: Final = 8


@dataclass
class Toll:
    """What the kills came to."""

    kills: int = 0
    stories: int = 0
    wrongs: list[str] = field(default_factory=list)


@dataclass
class Range:
    """Where processes are killed: a table, and a file of what the world has heard. `seed` decides when."""

    store: DynamoStore
    heard: Path
    seed: int
    table: "Table"
    number: int = 1
    toll: Toll = field(default_factory=Toll)

    def kill(self, times: int) -> Toll:
        """Kill so many processes; after each look at the wallet that it was at, in the end at everything."""
        dice = Random(self.seed)
        for _ in range(times):
            self.number = self._life(dice.uniform(0, LONGEST_LIFE_SECONDS))
            self.toll.kills += 1
            self._look(Books(read_partition(self.table, f"WALLET#{fan_of(self.number)}")), "after a kill")
        self._live_to_the_end()
        self.toll.stories = self.number
        return self.toll

    def _life(self, seconds: float) -> int:
        """A process lives story after story until it is killed. Answers in which story."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os._exit(self._work(writer))
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            # It ends earlier only when it fails, and then says so by its exit.
            poller = select.poll()
            poller.register(reader, select.POLLHUP)
            poller.poll(seconds * 1000)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            words = told.read()
        if os.WIFEXITED(status):
            self.toll.wrongs.append(f"seed {self.seed}, kill {self.toll.kills}: the work itself failed")
        numbers = [int.from_bytes(words[at : at + _WORD]) for at in range(0, len(words) - _WORD + 1, _WORD)]
        return numbers[-1] if numbers else self.number

    def _work(self, writer: int) -> int:
        """What a process does: it goes on with the story that the last one did not end."""
        publisher = LoggedPublisher(os.open(self.heard, os.O_WRONLY | os.O_APPEND))
        number = self.number
        try:
            while True:
                os.write(writer, number.to_bytes(_WORD))
                Story(number, self.store.ledger, publisher).live()
                number += 1
        except BaseException:  # noqa: BLE001  # whatever it is, this process must not go on as its parent would
            return 1

    def _live_to_the_end(self) -> None:
        """Nobody kills the last one: it ends the last story, and then everything must hold."""
        publisher = LoggedPublisher(os.open(self.heard, os.O_WRONLY | os.O_APPEND))
        Story(self.number, self.store.ledger, publisher).live()
        os.close(publisher.descriptor)
        books = Books(read_table(self.table))
        self._look(books, "in the end")
        for number in range(1, self.number + 1):
            coins = books.wallets.get(f"WALLET#{fan_of(number)}", 0)
            if coins != ENDS_WITH:
                self.toll.wrongs.append(f"seed {self.seed}: {fan_of(number)} has {coins} coins, not {ENDS_WITH}")
        heard = set(self.heard.read_text().split())
        if heard != books.event_ids:
            astray = len(heard ^ books.event_ids)
            self.toll.wrongs.append(f"seed {self.seed}: consumed and committed differ by {astray}")

    def _look(self, books: Books, when: str) -> None:
        # Gifts that nobody has relayed yet are no breach before the end.
        rules = {"I1", "I2", "I8"} if when == "after a kill" else {"I1", "I2", "I3", "I8"}
        found = [str(breach) for breach in books.breaches() if breach.rule in rules]
        self.toll.wrongs += [f"seed {self.seed}, kill {self.toll.kills}, {when}: {breach}" for breach in found]


@contextmanager
def shooting_range(endpoint_url: str, directory: Path, seed: int) -> Iterator[Range]:
    """A fresh table at a store, and a ledger for the processes to come.

    This process only reads, over a connection of its own: what it forks finds the ledger without any open connection.
    """
    with cloud_at(endpoint_url):
        heard = directory / f"heard-{seed}"
        heard.touch()
        creator = DynamoStore(f"kills-{seed}")
        create_table(creator)
        Row._connection = None
        store = DynamoStore(f"kills-{seed}")
        table = boto3.resource("dynamodb", region_name=REGION, endpoint_url=endpoint_url).Table(store.table_name)
        yield Range(store, heard, seed, table)
