"""Shards and messages of one batch side by side: counted in rounds, not timed."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import ceil

from chalicelib.adapters.aws_session import MAX_CONNECTIONS
from chalicelib.domain.entries import ShardEntry
from chalicelib.domain.shards import ShardPosition
from chalicelib.errors import TryAgain
from chalicelib.ports.threads import Handled, Item
from chalicelib.usecases.relay import relay_entries
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import FakeClock, FakeLedger
from tests.usecases.relay_harness import gift, record


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
