"""Shards and messages of one batch side by side: counted in rounds, not timed."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import ceil
from typing import Any

import msgspec
import pytest

from chalicelib.adapters.aws_session import MAX_CONNECTIONS
from chalicelib.domain.budgets import Limits, first_budget
from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.reminders import BudgetRecord
from chalicelib.domain.shards import ShardPosition
from chalicelib.errors import TryAgain
from chalicelib.ports.threads import Handled, Item
from chalicelib.usecases.relay import relay_entries, relay_records
from infra.local.processes import ROOT
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import START, FakeClock, FakeLedger
from tests.usecases.relay_harness import RelayHarness, credit, gift, record


class CountingThreads:
    """The Threads port, last thing first: counts the rounds that MAX_CONNECTIONS threads need."""

    def __init__(self) -> None:
        self.rounds: list[int] = []

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        if items:
            self.rounds.append(ceil(len(items) / MAX_CONNECTIONS))
        return [handle(item) for item in reversed(items)][::-1]


class NotingLedger(FakeLedger):
    """A ledger that notes the gifts posted to each shard, and is away for some creators."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[tuple[str, int], list[int]] = defaultdict(list)
        self.away: set[str] = set()

    def receive_gifts(
        self, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None = None
    ) -> Mapping[str, ShardPosition]:
        self.posted[creator_id, shard].append(len(gifts))
        if creator_id in self.away:
            raise TryAgain
        return super().receive_gifts(creator_id, shard, gifts, run_id)


class ParallelHarness:
    def __init__(self) -> None:
        self.ledger, self.threads, self.publisher = NotingLedger(), CountingThreads(), FakePublisher()

    def relay(self, creators: Sequence[str]) -> list[str]:
        services = FakeRelayServices(
            ledger=self.ledger,
            publisher=self.publisher,
            redrive_queue=FakeRedriveQueue(),
            streak_timer=FakeStreakTimer(),
            clock=FakeClock(),
            threads=self.threads,
        )
        gifts = [gift(number, creator_id=creator) for number, creator in enumerate(creators)]
        return relay_entries([record(place, entry) for place, entry in enumerate(gifts)], services)


def test_relay_of_a_hundred_gifts_to_a_hundred_creators_takes_a_few_rounds() -> None:
    harness = ParallelHarness()
    assert harness.relay([f"creator-{number}" for number in range(100)]) == []
    assert sum(map(len, harness.ledger.posted.values())) == 100
    assert harness.threads.rounds == [4, 4], "posting, and what follows the publication"
    assert len(harness.publisher.published) == 100


def test_relay_of_a_hot_creator_posts_to_the_shard_one_batch_after_the_other() -> None:
    harness = ParallelHarness()
    assert harness.relay(["cleo"] * 250) == []
    assert harness.ledger.posted == {("cleo", 0): [99, 99, 52]}
    assert harness.threads.rounds[0] == 1
    sequences = harness.ledger.shards["cleo", 0].sequences
    assert list(sequences.values()) == list(range(1, 251))
    assert [message.id for message in harness.publisher.published] == list(sequences)


def test_relay_beside_a_failing_shard_publishes_the_others() -> None:
    harness = ParallelHarness()
    harness.ledger.away = {"bea", "dan"}
    assert harness.relay(["ann", "bea", "cleo", "dan"]) == ["r1", "r3"]
    assert sorted(message.id for message in harness.publisher.published) == ["event-0", "event-2"]


class ServicesOfOneThread:
    """Services whose queues must be built before threads ask for them: nothing locks that."""

    def __init__(self, harness: RelayHarness) -> None:
        self._services = harness.services()
        self._is_inside = False
        self._built: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name == "threads":
            return self
        if name in {"redrive_queue", "streak_timer"} and name not in self._built:
            assert not self._is_inside, f"{name} is built in a thread"
            self._built.add(name)
        return getattr(self._services, name)

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        self._is_inside = True
        handled = [handle(item) for item in items]
        self._is_inside = False
        return handled


@pytest.mark.parametrize("failure", ["receiving", "stamping", "refused", "streak", "budget"])
def test_relay_builds_no_queue_in_a_thread(failure: str) -> None:
    harness = RelayHarness()
    harness.ledger.receiving = {"event-1": ValueError("poison")} if failure == "receiving" else {}
    harness.ledger.stamping = {"purchase-2": ValueError("poison")} if failure == "stamping" else {}
    harness.publisher.refused = {"event-1"} if failure == "refused" else set()
    streak = {"streak_id": "gift-1"} if failure == "streak" else {}
    entries: list[Entry] = [gift(1, **streak), credit(2), gift(3, shard=1)]
    harness.post(*entries)
    budgets = [BudgetRecord(record_id="b", user_id="fan-9", old=None, new=None)] if failure == "budget" else []
    services: Any = ServicesOfOneThread(harness)
    assert relay_records([record(place, entry) for place, entry in enumerate(entries)], budgets, services) == []
    assert len(harness.timer.waiting) == (failure == "streak")
    assert len(harness.aside()) + len(harness.queue.budgets) == (failure != "streak")


# --- slow calls -------------------------------------------------------------------------------------------------------

SPENT = msgspec.structs.replace(
    first_budget(Limits(zone="UTC", coins=ByPeriod(100, 100, 100)), START), coins_left=ByPeriod(0, 0, 0)
)
STAGE = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]["prod"]
TIMEOUT = timedelta(seconds=STAGE["lambda_functions"]["relay"]["lambda_timeout"])


class SlowPorts(RelayHarness):
    """A relay whose calls take `seconds`, and fail or answer. A connection and two tries take 9."""

    def __init__(self, *, fails: bool, seconds: float) -> None:
        super().__init__()
        self.fails, self.seconds = fails, seconds
        self.threads = RoundsInTime(self)
        for port, names in (
            (self.ledger, ("receive_gifts", "mark_published", "mark_gift_published", "mark_run_published")),
            (self.ledger, ("may_publish_again", "post_notification", "read_wallet")),
            (self.publisher, ("publish",)),
            (self.timer, ("wake",)),
            (self.queue, ("set_aside", "set_aside_budget")),
        ):
            for name in names:
                setattr(port, name, partial(self.call, name, getattr(port, name)))

    def call(self, name: str, method: Callable[..., Any], *arguments: Any) -> Any:
        self.clock.advance(timedelta(seconds=self.seconds * (2 if name == "receive_gifts" else 1)))
        if self.fails and name != "publish":
            raise TryAgain
        return method(*arguments)

    def services(self) -> FakeRelayServices:
        return replace(super().services(), threads=self.threads)


class RoundsInTime:
    """The Threads port: calls of one round take as long as the slowest of them."""

    def __init__(self, harness: SlowPorts) -> None:
        self.harness = harness

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        handled: list[Handled] = []
        for start in range(0, len(items), MAX_CONNECTIONS):
            began = ended = self.harness.clock.at
            for item in items[start : start + MAX_CONNECTIONS]:
                self.harness.clock.at = began
                handled.append(handle(item))
                ended = max(ended, self.harness.clock.at)
            self.harness.clock.at = ended
        return handled


def a_hundred_of_all_kinds() -> list[Entry | None]:
    """Build gifts to many creators, of which some begin streaks, credits, and unreadable records."""
    gifts = [gift(number, creator_id=f"creator-{number}") for number in range(60)]
    streaks = [gift(number, creator_id=f"c-{number}", streak_id=f"gift-{number}") for number in range(60, 80)]
    return [*gifts, *streaks, *[credit(number) for number in range(80, 95)], *[None] * 5]


@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=1)], ids=["first try", "repeat"])
@pytest.mark.parametrize("fails", [True, False], ids=["no answer", "late answer"])
@pytest.mark.parametrize("seconds", [0.5, 2.9, 9.0], ids=lambda each: f"{each} s")
def test_relay_of_slow_calls_ends_before_its_timeout(seconds: float, age: timedelta, *, fails: bool) -> None:
    harness = SlowPorts(fails=fails, seconds=seconds)
    entries = a_hundred_of_all_kinds()
    harness.post(*entries)
    harness.clock.advance(age)
    began = harness.clock.now()
    budgets = [
        BudgetRecord(record_id=f"b{number}", user_id=f"saver-{number}", old=None, new=SPENT if number % 9 else None)
        for number in range(100)
    ]
    posted = [record(place, entry) for place, entry in enumerate(entries)]
    relay_records(posted, budgets, harness.services())
    assert harness.clock.now() - began < TIMEOUT


def test_relay_of_slow_calls_ends_with_every_entry_published_once() -> None:
    """Late answers cost tries, but each of them finishes some records for good."""
    harness = SlowPorts(fails=False, seconds=2.9)
    entries = a_hundred_of_all_kinds()
    harness.post(*entries)
    waiting = [record(place, entry) for place, entry in enumerate(entries)]
    for _ in range(5):
        again = relay_records(waiting, [], harness.services())
        waiting = [one for one in waiting if one.record_id in again]
    assert waiting == []
    assert sorted(Counter(harness.published()).values()) == [1] * 95
