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
def yard() -> SweepHarness:
    return SweepHarness()


# --- what was lost ----------------------------------------------------------------------------------------------------


def test_a_stream_that_stops_for_more_than_a_day_loses_nothing(yard: SweepHarness) -> None:
    for minutes in range(25 * 60 // 5):
        yard.give(2 * minutes)
        yard.buy(2 * minutes + 1)
        yard.clock.advance(5 * MINUTE)
    assert yard.sweep(after=SETTLE_DELAY) == 600
    assert sorted(yard.published()) == sorted(events(*range(600)))
    assert yard.forgotten() == []
    assert list(yard.sequences().values()) == list(range(1, 301))
    assert yard.sweep() == 0


def test_sweeps_all_the_while_find_all_of_it_just_once(yard: SweepHarness) -> None:
    swept = 0
    for number in range(25 * 6):
        yard.give(number)
        swept += yard.sweep(after=10 * MINUTE)
    swept += yard.sweep(after=SETTLE_DELAY)
    assert (swept, yard.published()) == (150, events(*range(150)))


LOST: dict[str, Entry] = {
    "a gift": a_gift(gift_id="e", event_id="event-1", posted_at=START),
    "a reversal": a_reversal(a_gift(gift_id="g", event_id="of-g"), entry_id="e", event_id="event-1"),
    "a grant": an_adjustment(entry_id="e", event_id="event-1"),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_whatever_is_posted_is_looked_for(yard: SweepHarness, lost: Entry) -> None:
    yard.post(lost)
    assert yard.sweep(after=SETTLE_DELAY) == 1
    assert (yard.published(), yard.forgotten()) == (["event-1"], [])


def test_what_was_told_is_not_told_again(yard: SweepHarness) -> None:
    yard.give(1)
    yard.buy(2)
    yard.relay(*yard.ledger.entries[FAN].values())
    assert yard.sweep(after=SETTLE_DELAY) == 0
    assert yard.published() == [*events(2), *events(1)]


def test_a_credit_that_was_told_and_not_stamped_is_told_again(yard: SweepHarness) -> None:
    yard.buy(1)
    yard.relay(*yard.ledger.entries[FAN].values())
    yard.ledger.published_entries.clear()
    assert yard.sweep(after=SETTLE_DELAY) == 1
    assert yard.published() == events(1, 1)


def test_a_hundred_and_one_are_two_reads(yard: SweepHarness) -> None:
    for number in range(101):
        yard.give(number)
    assert yard.sweep(after=SETTLE_DELAY) == 101
    assert yard.ledger.batches_by_shard == [99, 1, 1]


# --- when -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "swept"),
    [(timedelta(0), 0), (SETTLE_DELAY - timedelta(seconds=1), 0), (SETTLE_DELAY, 1), (SETTLE_DELAY + HOUR, 1)],
)
def test_the_stream_is_given_ten_minutes(yard: SweepHarness, age: timedelta, swept: int) -> None:
    yard.give(1)
    assert yard.sweep(after=age) == swept


@pytest.mark.parametrize(("ago", "swept"), [(timedelta(hours=48), 1), (timedelta(hours=50), 0)])
def test_the_first_sweep_looks_two_days_back(yard: SweepHarness, ago: timedelta, swept: int) -> None:
    yard.give(1)
    assert yard.sweep(after=ago) == swept


def test_a_later_sweep_goes_on_where_the_last_one_stopped_however_long_ago(yard: SweepHarness) -> None:
    yard.sweep()
    yard.give(1)
    assert yard.sweep(after=timedelta(days=40)) == 1
    assert yard.journal.watermarks["sweep"] == START + timedelta(days=40) - HOUR


# --- what is left -----------------------------------------------------------------------------------------------------


def fail_to_receive(yard: SweepHarness) -> None:
    yard.ledger.receiving["event-2"] = TryAgain()


def test_the_watermark_stays_before_what_is_left(yard: SweepHarness) -> None:
    for number in range(5):
        yard.give(number, shard=number)
        yard.clock.advance(HOUR)
    fail_to_receive(yard)
    assert yard.sweep(after=SETTLE_DELAY) == 2
    assert yard.journal.watermarks["sweep"] == START + HOUR
    yard.ledger.receiving.clear()
    assert yard.sweep() == 3
    assert yard.journal.watermarks["sweep"] == START + 5 * HOUR
    assert yard.forgotten() == []


def test_what_the_topic_is_too_busy_for_counts_as_left(yard: SweepHarness) -> None:
    yard.buy(2)
    yard.publisher.busy = {"event-2"}
    assert yard.sweep(after=SETTLE_DELAY) == 0
    yard.publisher.busy = set()
    assert yard.sweep(after=3 * HOUR) == 1


def test_beside_what_is_left_its_own_hour_is_swept_to_the_end(yard: SweepHarness) -> None:
    for number in range(250):
        yard.give(number, shard=number)
    fail_to_receive(yard)
    assert yard.sweep(after=SETTLE_DELAY) == 249
    assert yard.journal.watermarks["sweep"] < START


def test_a_poison_entry_is_set_aside_and_the_rest_goes_on(yard: SweepHarness) -> None:
    for number in range(4):
        yard.give(number)
    yard.ledger.receiving["event-2"] = ValueError("nobody foresaw it")
    yard.sweep(after=SETTLE_DELAY)
    assert yard.aside() == ["gift-2"]
    assert yard.published() == events(0, 1, 3)
    assert yard.journal.watermarks["sweep"] == START


def test_an_entry_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(
    yard: SweepHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        yard.give(number)
    yard.ledger.reading["gift-2"] = ValueError("not one of ours")
    yard.sweep(after=SETTLE_DELAY)
    assert yard.queue.kept == [EntryRef(user_id=FAN, entry_id="gift-2")]
    assert yard.published() == events(0, 1, 3)
    assert [line.message for line in caplog.records] == ["entry_unreadable"]


def test_when_an_entry_cannot_be_looked_up_now_the_next_sweep_does_it(yard: SweepHarness) -> None:
    yard.give(1)
    yard.ledger.reading["gift-1"] = TryAgain()
    with pytest.raises(TryAgain):
        yard.sweep(after=SETTLE_DELAY)
    yard.ledger.reading.clear()
    assert yard.sweep() == 1
    assert yard.queue.kept == []


class Killed(Exception):
    """The function's process ends here."""


class CrashingPublisher(FakePublisher):
    def publish(self, messages: Sequence[Message]) -> Publication:
        raise Killed(f"with {len(messages)} to tell")


def test_an_hour_whose_sweep_died_after_receiving_is_told_whole_by_the_next_one(yard: SweepHarness) -> None:
    for number in range(3):
        yard.give(number)
    publisher, yard.publisher = yard.publisher, CrashingPublisher()
    with pytest.raises(Killed):
        yard.sweep(after=SETTLE_DELAY)
    assert yard.forgotten() == []
    yard.publisher = publisher
    assert [yard.sweep(), yard.sweep()] == [3, 0]
    assert yard.published() == events(0, 1, 2)
    assert list(yard.sequences().values()) == [1, 2, 3]
