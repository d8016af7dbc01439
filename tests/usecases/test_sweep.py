from collections.abc import Sequence
from datetime import timedelta

import pytest

from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.events import Message, Publication
from chalicelib.errors import TryAgain
from tests.domain.builders import FAN, a_gift, a_reversal, an_adjustment
from tests.fake_topic import FakePublisher
from tests.fakes import START
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import SweepHarness

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SETTLE_DELAY = 10 * MINUTE


@pytest.fixture
def harness() -> SweepHarness:
    return SweepHarness()


# --- lost entries -----------------------------------------------------------------------------------------------------


def test_sweep_after_a_day_without_the_stream_relays_everything(harness: SweepHarness) -> None:
    for minutes in range(25 * 60 // 5):
        harness.give(2 * minutes)
        harness.buy(2 * minutes + 1)
        harness.clock.advance(5 * MINUTE)
    assert harness.sweep(after=SETTLE_DELAY) == 600
    assert sorted(harness.published()) == sorted(events(*range(600)))
    assert harness.unrelayed() == []
    assert list(harness.sequences().values()) == list(range(1, 301))
    assert harness.sweep() == 0


def test_sweep_every_ten_minutes_relays_each_entry_once(harness: SweepHarness) -> None:
    swept = 0
    for number in range(25 * 6):
        harness.give(number)
        swept += harness.sweep(after=10 * MINUTE)
    swept += harness.sweep(after=SETTLE_DELAY)
    assert (swept, harness.published()) == (150, events(*range(150)))


LOST: dict[str, Entry] = {
    "a gift": a_gift(gift_id="e", event_id="event-1", posted_at=START),
    "a reversal": a_reversal(a_gift(gift_id="g", event_id="of-g"), entry_id="e", event_id="event-1"),
    "a grant": an_adjustment(entry_id="e", event_id="event-1"),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_sweep_relays_every_kind_of_entry(harness: SweepHarness, lost: Entry) -> None:
    harness.post(lost)
    assert harness.sweep(after=SETTLE_DELAY) == 1
    assert (harness.published(), harness.unrelayed()) == (["event-1"], [])


def test_sweep_skips_relayed_entries(harness: SweepHarness) -> None:
    harness.give(1)
    harness.buy(2)
    harness.relay(*harness.ledger.entries[FAN].values())
    assert harness.sweep(after=SETTLE_DELAY) == 0
    assert harness.published() == [*events(2), *events(1)]


def test_sweep_publishes_an_unmarked_credit_again(harness: SweepHarness) -> None:
    harness.buy(1)
    harness.relay(*harness.ledger.entries[FAN].values())
    harness.ledger.published_entries.clear()
    assert harness.sweep(after=SETTLE_DELAY) == 1
    assert harness.published() == events(1, 1)


def test_sweep_of_101_entries_takes_two_reads(harness: SweepHarness) -> None:
    for number in range(101):
        harness.give(number)
    assert harness.sweep(after=SETTLE_DELAY) == 101
    assert harness.ledger.batches_by_shard == [99, 1, 1]


# --- time range -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "swept"),
    [(timedelta(0), 0), (SETTLE_DELAY - timedelta(seconds=1), 0), (SETTLE_DELAY, 1), (SETTLE_DELAY + HOUR, 1)],
)
def test_sweep_leaves_ten_minutes_to_the_stream(harness: SweepHarness, age: timedelta, swept: int) -> None:
    harness.give(1)
    assert harness.sweep(after=age) == swept


@pytest.mark.parametrize(("ago", "swept"), [(timedelta(hours=48), 1), (timedelta(hours=50), 0)])
def test_sweep_first_run_looks_two_days_back(harness: SweepHarness, ago: timedelta, swept: int) -> None:
    harness.give(1)
    assert harness.sweep(after=ago) == swept


def test_sweep_continues_from_an_old_watermark(harness: SweepHarness) -> None:
    harness.sweep()
    harness.give(1)
    assert harness.sweep(after=timedelta(days=40)) == 1
    assert harness.journal.watermarks["sweep"] == START + timedelta(days=40) - HOUR


# --- failures ---------------------------------------------------------------------------------------------------------


def fail_to_receive(harness: SweepHarness) -> None:
    harness.ledger.receiving["event-2"] = TryAgain()


def test_sweep_watermark_stays_before_the_remaining_entries(harness: SweepHarness) -> None:
    for number in range(5):
        harness.give(number, shard=number)
        harness.clock.advance(HOUR)
    fail_to_receive(harness)
    assert harness.sweep(after=SETTLE_DELAY) == 2
    assert harness.journal.watermarks["sweep"] == START + HOUR
    harness.ledger.receiving.clear()
    assert harness.sweep() == 3
    assert harness.journal.watermarks["sweep"] == START + 5 * HOUR
    assert harness.unrelayed() == []


def test_sweep_counts_rejected_messages_as_remaining(harness: SweepHarness) -> None:
    harness.buy(2)
    harness.publisher.busy = {"event-2"}
    assert harness.sweep(after=SETTLE_DELAY) == 0
    harness.publisher.busy = set()
    assert harness.sweep(after=3 * HOUR) == 1


def test_sweep_relays_the_rest_of_an_hour_with_a_failure(harness: SweepHarness) -> None:
    for number in range(250):
        harness.give(number, shard=number)
    fail_to_receive(harness)
    assert harness.sweep(after=SETTLE_DELAY) == 249
    assert harness.journal.watermarks["sweep"] < START


def test_sweep_sets_a_poison_entry_aside(harness: SweepHarness) -> None:
    for number in range(4):
        harness.give(number)
    harness.ledger.receiving["event-2"] = ValueError("unexpected")
    harness.sweep(after=SETTLE_DELAY)
    assert harness.aside() == ["gift-2"]
    assert harness.published() == events(0, 1, 3)
    assert harness.journal.watermarks["sweep"] == START


def test_sweep_sets_an_unreadable_entry_aside(harness: SweepHarness, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(4):
        harness.give(number)
    harness.ledger.reading["gift-2"] = ValueError("not one of ours")
    harness.sweep(after=SETTLE_DELAY)
    assert harness.queue.kept == [EntryRef(user_id=FAN, entry_id="gift-2")]
    assert harness.published() == events(0, 1, 3)
    assert [line.message for line in caplog.records] == ["entry_unreadable"]


def test_sweep_with_an_unavailable_entry_raises_try_again(harness: SweepHarness) -> None:
    harness.give(1)
    harness.ledger.reading["gift-1"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.sweep(after=SETTLE_DELAY)
    harness.ledger.reading.clear()
    assert harness.sweep() == 1
    assert harness.queue.kept == []


class Killed(Exception):
    """The death of the function's process."""


class CrashingPublisher(FakePublisher):
    def publish(self, messages: Sequence[Message]) -> Publication:
        raise Killed(f"with {len(messages)} to tell")


def test_sweep_after_a_crash_publishes_the_whole_hour(harness: SweepHarness) -> None:
    for number in range(3):
        harness.give(number)
    publisher, harness.publisher = harness.publisher, CrashingPublisher()
    with pytest.raises(Killed):
        harness.sweep(after=SETTLE_DELAY)
    assert harness.unrelayed() == []
    harness.publisher = publisher
    assert [harness.sweep(), harness.sweep()] == [3, 0]
    assert harness.published() == events(0, 1, 2)
    assert list(harness.sequences().values()) == [1, 2, 3]
