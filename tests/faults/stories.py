"""A fan's story on a real table, in a process that may be killed at any moment and restarted."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.events import Message, Publication
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.ports.events import EventPublisher
from chalicelib.ports.ledger import Ledger
from chalicelib.usecases.relay import relay_entries
from tests.fakes import START, FakeClock, uuid7_at
from tests.faults.records import record_of
from tests.faults.simulated_system import SimulatedSystem

ENDS_WITH = 70 - 35 - 1 - 35
"""Seventy coins bought, two gifts sent, and half of the money refunded: a balance of minus one coin."""


@dataclass
class LoggedPublisher:
    """The EventPublisher port into a file, which outlives the process."""

    descriptor: int

    def publish(self, messages: Sequence[Message]) -> Publication:
        os.write(self.descriptor, "".join(f"{message.id}\n" for message in messages).encode())
        return Publication()


class LoneClock(FakeClock):
    """A fixed clock. Its ids are unique across processes."""

    def new_id(self) -> str:
        return uuid7_at(START, int.from_bytes(os.urandom(7)))


class Story:
    """Open, pay, give, relay, refund, relay: each step repeats under its previous keys."""

    def __init__(self, number: int, ledger: Ledger, publisher: EventPublisher) -> None:
        self.fan = fan_of(number)
        self.keys = [uuid7_at(START, number << 8 | place) for place in range(3)]
        self.system = SimulatedSystem()
        self.system.clock = LoneClock()
        self.system.ledger = ledger
        self.publisher = publisher

    def live(self) -> None:
        system, purchase_id = self.system, self.keys[0]
        system.open(purchase_id, self.fan)
        opened = system.ledger.find_entry(self.fan, purchase_id)
        assert isinstance(opened, Purchase)
        system.provider.open_session(opened)  # the provider remembers the session of a killed process
        system.deliver(system.provider.pay(purchase_id))
        system.send(self.keys[1], "cake", self.fan)
        system.send(self.keys[2], "rose", self.fan)
        self._relay()
        system.deliver(system.provider.refund(f"pi_{purchase_id}", 37))
        self._relay()
        assert system.refusals == {}

    def _relay(self) -> None:
        entries = self.system.ledger.list_entries(self.fan, 20)
        posted = [entry for entry in entries if not isinstance(entry, Purchase) or entry.status is Status.POSTED]
        assert relay_entries([record_of(entry) for entry in posted], self.system.relay(self.publisher)) == []


def fan_of(number: int) -> str:
    return f"fan-{number}"
