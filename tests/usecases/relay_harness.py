"""Test harness of the relay, whose ledger and queue can fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.entries import Entry, EntryRef, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.shards import ShardPosition
from chalicelib.usecases.relay import relay_entries
from tests.domain.builders import CREATOR, a_gift, a_posted_purchase
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import FakeClock, FakeLedger


class FailingLedger(FakeLedger):
    """A ledger that fails for chosen events and entries, and records the size of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.receiving: dict[str, Exception] = {}
        self.stamping: dict[str, Exception] = {}
        self.asking: dict[str, Exception] = {}
        self.reading: dict[str, Exception] = {}
        self.batches_by_shard: list[int] = []

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        if entry_id in self.reading:
            raise self.reading[entry_id]
        return super().find_entry(user_id, entry_id)

    def receive_gifts(
        self, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None = None
    ) -> Mapping[str, ShardPosition]:
        self.batches_by_shard.append(len(gifts))
        for gift in gifts:
            if gift.event_id in self.receiving:
                raise self.receiving[gift.event_id]
        return super().receive_gifts(creator_id, shard, gifts, run_id)

    def mark_published(self, user_id: str, entry_id: str, at: datetime) -> None:
        if entry_id in self.stamping:
            raise self.stamping[entry_id]
        super().mark_published(user_id, entry_id, at)

    def may_publish_again(self, user_id: str, entry_id: str) -> bool:
        if entry_id in self.asking:
            raise self.asking[entry_id]
        return super().may_publish_again(user_id, entry_id)


@dataclass
class FailingQueue(FakeRedriveQueue):
    """A redrive queue that fails for chosen keys."""

    failing: dict[str, Exception] = field(default_factory=dict)

    def set_aside(self, ref: EntryRef) -> None:
        if ref.entry_id in self.failing:
            raise self.failing[ref.entry_id]
        super().set_aside(ref)

    def set_aside_budget(self, user_id: str) -> None:
        if user_id in self.failing:
            raise self.failing[user_id]
        super().set_aside_budget(user_id)


class RelayHarness:
    """A relay with its ports."""

    def __init__(self) -> None:
        self.ledger = FailingLedger()
        self.publisher = FakePublisher()
        self.queue = FailingQueue()
        self.timer = FakeStreakTimer()
        self.clock = FakeClock()

    def relay(self, *entries: Entry | None) -> list[str]:
        """Relay a batch of these entries as records r0, r1 ...; None is an unreadable record."""
        self.post(*entries)
        return relay_entries([record(place, entry) for place, entry in enumerate(entries)], self.services())

    def post(self, *entries: Entry | None) -> None:
        """Store entries in the ledger only."""
        for entry in [entry for entry in entries if entry]:
            self.ledger.entries.setdefault(entry.user_id, {})[entry.entry_id] = entry

    def services(self) -> FakeRelayServices:
        return FakeRelayServices(
            ledger=self.ledger,
            publisher=self.publisher,
            redrive_queue=self.queue,
            streak_timer=self.timer,
            clock=self.clock,
        )

    def published(self) -> list[str]:
        """Return the ids of the published messages, in order."""
        return [message.id for message in self.publisher.published]

    def aside(self) -> list[str]:
        """Return the entry ids of the records set aside, in order."""
        return [ref.entry_id for ref in self.queue.kept]

    def sequences(self, creator_id: str = CREATOR, shard: int = 0) -> dict[str, int]:
        """Return the sequences of a shard's entries."""
        return self.ledger.shards[creator_id, shard].sequences


def record(place: int, entry: Entry | None) -> PostedRecord:
    name = entry.entry_id if entry else f"unreadable-{place}"
    return PostedRecord(record_id=f"r{place}", ref=EntryRef(user_id="fan-1", entry_id=name), entry=entry)


def gift(number: int, **changes: Any) -> Gift:
    return a_gift(gift_id=f"gift-{number}", event_id=f"event-{number}", **changes)


def credit(number: int, **changes: Any) -> Purchase:
    return a_posted_purchase(purchase_id=f"purchase-{number}", event_id=f"event-{number}", **changes)


def events(*numbers: int) -> list[str]:
    return [f"event-{number}" for number in numbers]
