"""The sweep after crashes and outages: progress at every run, and no entry published again and again."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from chalicelib.domain.events import Message, Publication
from tests.fake_topic import FakePublisher
from tests.fakes import START, FakeClock
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import HOUR, MINUTE, SETTLE_DELAY, SweepHarness


@pytest.fixture
def harness() -> SweepHarness:
    return SweepHarness()


class Killed(Exception):
    """The death of the function's process."""


class CrashingPublisher(FakePublisher):
    def publish(self, messages: Sequence[Message]) -> Publication:
        raise Killed(f"with {len(messages)} to tell")


def test_sweep_after_a_crash_publishes_what_was_received(harness: SweepHarness) -> None:
    for number in range(3):
        harness.give(number)
    publisher, harness.publisher = harness.publisher, CrashingPublisher()
    with pytest.raises(Killed):
        harness.sweep(after=SETTLE_DELAY)
    assert harness.sequences() == {event_id: number + 1 for number, event_id in enumerate(events(0, 1, 2))}
    harness.publisher = publisher
    assert [harness.sweep(), harness.sweep()] == [3, 0]
    assert harness.published() == events(0, 1, 2)
    assert list(harness.sequences().values()) == [1, 2, 3]


# --- outages ----------------------------------------------------------------------------------------------------------


class SlowPublisher(FakePublisher):
    """A publisher that takes three seconds for ten messages, kills its function after a time-out, and may be away."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock, self.killed_at, self.is_away = clock, clock.now(), False

    def publish(self, messages: Sequence[Message]) -> Publication:
        for start in range(0, len(messages), 10):
            self.clock.advance(timedelta(seconds=3))
            if self.clock.now() >= self.killed_at:
                raise Killed
            if not self.is_away:
                self.published += messages[start : start + 10]
        return Publication(busy=frozenset(message.id for message in messages if self.is_away))


def runs_until_published(harness: SweepHarness, publisher: SlowPublisher, entries: int) -> int:
    """Sweep every five minutes, with a time-out of four. The position must move in every run."""
    for run in range(1, 100):
        place = harness.positions.places.get(("sweep", "00"))
        harness.clock.advance(5 * MINUTE)
        publisher.killed_at = harness.clock.now() + 4 * MINUTE
        harness.sweep()
        if len(set(harness.published())) == entries:
            return run
        assert harness.positions.places["sweep", "00"] != place
    raise AssertionError("It never ends.")


def test_sweep_after_an_outage_ends_however_many_entries_wait(harness: SweepHarness) -> None:
    """On the first release, which relayed an unfinished hour whole, this never ended."""
    publisher = harness.publisher = SlowPublisher(harness.clock)
    for number in range(1_001):
        (harness.give if number % 2 else harness.buy)(number)
    publisher.is_away, publisher.killed_at = True, START + HOUR
    assert [harness.sweep(after=SETTLE_DELAY) for _ in range(3)] == [0, 0, 0]
    publisher.is_away = False
    assert runs_until_published(harness, publisher, 1_001) == 2
    assert max(Counter(harness.published()).values()) == 1
    assert harness.unrelayed() == []
    harness.sweep(after=27 * HOUR)
    assert len(harness.published()) == 1_001


def test_redrive_of_a_busy_hour_publishes_each_entry_once_however_long_it_takes(harness: SweepHarness) -> None:
    """On the first release a stretch that took longer than a run was published from its beginning at each try."""
    publisher = harness.publisher = SlowPublisher(harness.clock)
    publisher.killed_at = START + 24 * HOUR
    for number in range(1_001):
        (harness.give if number % 2 else harness.buy)(number)
    for _ in range(4):
        harness.sweep(after=SETTLE_DELAY)
    publisher.published.clear()
    harness.redrive(START, START)
    assert runs_until_published(harness, publisher, 1_001) == 2
    assert max(Counter(harness.published()).values()) == 1


def test_redrive_that_is_killed_continues_after_its_last_batch(harness: SweepHarness) -> None:
    for number in range(60):
        harness.buy(number)
    harness.sweep(after=SETTLE_DELAY)
    publisher = harness.publisher = SlowPublisher(harness.clock)
    harness.redrive(START, START)
    publisher.killed_at = harness.clock.now() + timedelta(seconds=15)
    with pytest.raises(Killed):
        harness.sweep()
    publisher.killed_at = harness.clock.now() + HOUR
    assert harness.sweep() == 20
