"""The deployed relay under the stream of a table, with stand-ins that fail on request."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chalicelib import workers
from chalicelib.adapters.dynamodb.keys import journal_at, journal_hour
from chalicelib.adapters.dynamodb.mapping import gift_row, purchase_row, to_entry
from chalicelib.adapters.dynamodb.models import EntryRow
from chalicelib.domain.entries import EntryRef, ShardEntry
from chalicelib.domain.events import Message, Publication
from chalicelib.domain.gifts import Gift, shard_of
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.shards import ShardPosition
from chalicelib.errors import TryAgain
from chalicelib.services import services
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import PAUSE, FakeClock, FakeLedger
from tests.faults.stream_driver import EventSourceMapping, Image, StreamDriver
from tests.http.api import SETTINGS


class Killed(Exception):
    """The death of the function's process."""


@dataclass
class RandomFaults:
    """Random faults: a call may fail before its effect, or after it with the response lost."""

    dice: Random = field(default_factory=lambda: Random(0))
    before: float = 0.0
    after: float = 0.0
    error: type[Exception] = TryAgain

    @contextmanager
    def injected(self) -> Iterator[None]:
        if self.dice.random() < self.before:
            raise self.error
        yield
        if self.dice.random() < self.after:
            raise self.error

    def inject(self, before: float = 0.0, after: float = 0.0, error: type[Exception] = TryAgain) -> None:
        self.before, self.after, self.error = before, after, error

    def end(self) -> None:
        self.inject()


class FaultyLedger(FakeLedger):
    """A ledger with random faults, which cannot post the gifts in `poison`."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = RandomFaults()
        self.poison: set[str] = set()
        self.busy_creators: set[str] = set()
        self.is_read_only = False
        self.unnoted: set[str] = set()
        """Entries whose publication cannot be noted."""

    def receive_gifts(
        self, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None = None
    ) -> Mapping[str, ShardPosition]:
        if creator_id in self.busy_creators or self.is_read_only:
            raise TryAgain
        if self.poison & {gift.event_id for gift in gifts}:
            raise ValueError("something that nobody foresaw")
        with self.faults.injected():
            return super().receive_gifts(creator_id, shard, gifts, run_id)

    def mark_published(self, user_id: str, entry_id: str, at: datetime) -> None:
        if entry_id in self.unnoted or self.is_read_only:
            raise TryAgain
        super().mark_published(user_id, entry_id, at)

    def may_publish_again(self, user_id: str, entry_id: str) -> bool:
        if entry_id in self.unnoted or self.is_read_only:
            raise TryAgain
        return super().may_publish_again(user_id, entry_id)


@dataclass
class FaultyPublisher(FakePublisher):
    """A publisher with random faults; of each call, `busy_of_ten` in ten entries are rejected temporarily.

    Those in `always_busy` are rejected in any case.
    """

    faults: RandomFaults = field(default_factory=RandomFaults)
    busy_of_ten: int = 0
    always_busy: set[str] = field(default_factory=set)

    def publish(self, messages: Sequence[Message]) -> Publication:
        self.busy = self.always_busy | {
            message.id
            for start in range(0, len(messages), 10)
            for message in self.faults.dice.sample(
                messages[start : start + 10], min(self.busy_of_ten, len(messages[start : start + 10]))
            )
        }
        with self.faults.injected():
            return super().publish(messages)


@dataclass
class FaultyStreakTimer(FakeStreakTimer):
    """A streak timer with random faults."""

    faults: RandomFaults = field(default_factory=RandomFaults)

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        with self.faults.injected():
            super().wake(user_id, streak_id, after, failures)


@dataclass
class FaultyRedriveQueue(FakeRedriveQueue):
    """A redrive queue with random faults."""

    faults: RandomFaults = field(default_factory=RandomFaults)

    def set_aside(self, ref: EntryRef) -> None:
        with self.faults.injected():
            super().set_aside(ref)

    def set_aside_budget(self, user_id: str) -> None:
        with self.faults.injected():
            super().set_aside_budget(user_id)


class RelayHarness:
    """A table with its stream, the relay, and the relay's effects."""

    def __init__(self, monkeypatch: Any, **options: Any) -> None:
        self.clock = FakeClock()
        self.ledger = FaultyLedger()
        self.publisher = FaultyPublisher()
        self.redrive = FaultyRedriveQueue()
        self.posted: dict[str, Gift | Purchase] = {}
        self.stream = StreamDriver(workers.relay, EventSourceMapping.of_the_relay(), self.clock.now, **options)
        ports: dict[str, Any] = {
            "settings": SETTINGS,
            "clock": self.clock,
            "ledger": self.ledger,
            "publisher": self.publisher,
        }
        self.timer = FaultyStreakTimer()
        ports |= {"redrive_queue": self.redrive, "streak_timer": self.timer, "streak_pause": PAUSE}
        for name, port in ports.items():
            monkeypatch.setitem(vars(services), name, port)

    def give(self, many: int = 1, creator: str = "cleo", shards: int = 1, **options: Any) -> list[Gift]:
        return [self._give(creator, shards, **options) for _ in range(many)]

    def give_unreadable(self, **changes: Image | None) -> Gift:
        """Add a gift whose row cannot be read."""
        gift = self._gift("cleo", shards=1, message="a secret of two")
        row = image(gift_row(gift)) | changes
        self.stream.write({name: value for name, value in row.items() if value is not None})
        return gift

    def buy(self) -> Purchase:
        """Add a purchase, opened and then posted."""
        pending = Purchase(
            purchase_id=self.clock.new_id(),
            user_id="ann",
            bundle_id="coins_70",
            channel="web",
            coins=70,
            amount_minor=74,
            currency="usd",
            created_at=self.clock.now(),
        )
        opened = purchase_row(pending)
        self.stream.write(image(opened))
        posted = copy(opened)
        posted.attribute_values = dict(opened.attribute_values)
        event_id, at = self.clock.new_id(), self.clock.now()
        posted.status, posted.posted_at, posted.event_id, posted.ttl = Status.POSTED.value, at, event_id, None
        posted.payment_intent = "pi_1"
        posted.journal_hour, posted.journal_at = journal_hour(at, pending.user_id), journal_at(at, pending.purchase_id)
        self.stream.write(image(posted), image(opened))
        self.posted[event_id] = pending
        self.ledger.entries.setdefault(pending.user_id, {})[pending.entry_id] = to_entry(posted)
        return pending

    def stamp(self, gift: Gift) -> None:
        """Change an old posted entry, as the relay's own note of the publication does."""
        row = gift_row(gift)
        row.published_at = self.clock.now()
        self.stream.write(image(row), image(gift_row(gift)))

    def _give(self, creator: str, shards: int, **options: Any) -> Gift:
        gift = self._gift(creator, shards, **options)
        self.posted[gift.event_id] = gift
        self.stream.write(image(gift_row(gift)))
        return gift

    def _gift(
        self, creator: str, shards: int, fan: str = "ann", message: str = "", *, begins_streak: bool = False
    ) -> Gift:
        event_id, gift_id = self.clock.new_id(), self.clock.new_id()
        return Gift(
            gift_id=gift_id,
            streak_id=gift_id if begins_streak else None,
            user_id=fan,
            event_id=event_id,
            creator_id=creator,
            shard=shard_of(event_id, shards),
            item_id="rose",
            quantity=1,
            price_coins=1,
            posted_at=self.clock.now(),
            message=message,
        )

    # --- what the relay did --------------------------------------------------------------------------------------

    def published(self) -> list[str]:
        return [message.id for message in self.publisher.published]

    def sequences(self, creator: str = "cleo", shard: int = 0) -> dict[str, int]:
        return self.ledger.shards[creator, shard].sequences

    def assert_all_published(self, but: Sequence[Gift] = ()) -> None:
        """Check that each posted entry was published, and each gift received once, without gaps."""
        assert self.stream.is_idle
        lost = {gift.event_id for gift in but}
        expected = self.posted.keys() - lost
        assert set(self.published()) == expected
        contents = {message.id: message for message in self.publisher.published}
        assert all(message == contents[message.id] for message in self.publisher.published)
        received = [event_id for shard in self.ledger.shards.values() for event_id in shard.sequences]
        assert sorted(received) == sorted(
            expected & {key for key, entry in self.posted.items() if isinstance(entry, Gift)}
        )
        for shard in self.ledger.shards.values():
            assert sorted(shard.sequences.values()) == list(range(1, len(shard.sequences) + 1))
            assert shard.coins == len(shard.sequences)
        purchases = {
            entry.entry_id for key, entry in self.posted.items() if key in expected and isinstance(entry, Purchase)
        }
        assert self.ledger.published_entries.keys() == purchases


def image(row: EntryRow) -> dict[str, Any]:
    """Build a row as the stream shows it."""
    found: dict[str, Any] = row.serialize()
    return found


def moments(document: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return the time range of the records that were given up."""
    info = document["DDBStreamBatchInfo"]
    first, last = info["approximateArrivalOfFirstRecord"], info["approximateArrivalOfLastRecord"]
    return datetime.fromisoformat(first), datetime.fromisoformat(last)


def unreadable_kind(harness: RelayHarness) -> Gift:
    return harness.give_unreadable(kind={"S": "loan"})


def unreadable_number(harness: RelayHarness) -> Gift:
    return harness.give_unreadable(lane={"N": "1.5"})


def without_a_creator(harness: RelayHarness) -> Gift:
    return harness.give_unreadable(creator_id=None)


def never_received(harness: RelayHarness) -> Gift:
    [gift] = harness.give()
    harness.ledger.poison.add(gift.event_id)
    return gift
