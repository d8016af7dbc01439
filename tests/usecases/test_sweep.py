from collections.abc import Sequence
from datetime import timedelta

import pytest

from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.work import PAUSES, RUN_TIME, Part, park_item
from chalicelib.errors import TryAgain
from tests.domain.builders import FAN, a_gift, a_purchase, a_reversal, an_adjustment
from tests.fakes import START
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import HOUR, MINUTE, SETTLE_DELAY, SweepHarness


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


@pytest.mark.parametrize("late", LOST.values(), ids=LOST)
def test_sweep_finds_an_entry_that_the_index_showed_late(harness: SweepHarness, late: Entry) -> None:
    harness.sweep(after=3 * HOUR)
    harness.post(late)
    assert [harness.sweep(after=HOUR) for _ in range(24)] == [0] * 22 + [1, 0]
    assert harness.published() == ["event-1"]


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


def test_sweep_of_101_entries_takes_six_steps(harness: SweepHarness) -> None:
    for number in range(101):
        harness.give(number)
    assert harness.sweep(after=SETTLE_DELAY) == 101
    assert harness.ledger.batches_by_shard == [20, 20, 20, 20, 20, 1]


# --- failures ---------------------------------------------------------------------------------------------------------


def fail_to_receive(harness: SweepHarness, *numbers: int) -> None:
    harness.ledger.receiving |= {event_id: TryAgain() for event_id in events(*numbers)}


def test_sweep_position_stays_before_a_batch_that_fails(harness: SweepHarness) -> None:
    for number in range(5):
        harness.give(number, shard=number)
        harness.clock.advance(HOUR)
    harness.sweep()
    for number in range(5, 8):
        harness.give(number, shard=number)
    fail_to_receive(harness, 5, 6, 7)
    assert harness.sweep(after=SETTLE_DELAY) == 0
    assert (harness.place(), harness.swept.undecided, harness.swept.parked) == (iso(START + 5 * HOUR), 3, 0)
    harness.ledger.receiving.clear()
    assert harness.sweep() == 3
    assert harness.place() == f"{iso(START + 5 * HOUR)}#gift-7"
    assert harness.unrelayed() == []


def test_sweep_tells_how_far_it_is_behind(harness: SweepHarness) -> None:
    assert (harness.sweep(after=3 * HOUR), harness.swept.behind) == (0, timedelta(0))
    harness.give(1)
    fail_to_receive(harness, 1)
    behind = [(harness.sweep(after=SETTLE_DELAY), harness.swept.behind)[1] for _ in range(3)]
    assert behind == [timedelta(0), 10 * MINUTE, 20 * MINUTE]
    harness.ledger.receiving.clear()
    assert (harness.sweep(), harness.swept.behind) == (1, timedelta(0))
    harness.clock.advance(timedelta(days=2))
    harness.redrive(START, harness.clock.now())
    assert (harness.sweep(), harness.swept.behind) == (1, timedelta(0)), "a requested stretch is not late"


def test_sweep_parks_what_fails_for_an_hour(harness: SweepHarness) -> None:
    harness.give(1)
    fail_to_receive(harness, 1)
    runs = [(harness.sweep(after=SETTLE_DELAY), harness.swept.undecided, harness.swept.parked) for _ in range(8)]
    assert runs == [(0, 1, 0)] * 6 + [(0, 0, 1), (0, 0, 0)]
    assert harness.place() > iso(START)


def test_sweep_parks_a_failing_entry_and_tries_it_again(harness: SweepHarness) -> None:
    for number in range(250):
        harness.give(number, shard=number)
    fail_to_receive(harness, 2)
    assert harness.sweep(after=SETTLE_DELAY) == 249
    assert (harness.place(), harness.swept.parked) == (f"{iso(START)}#gift-99", 1)
    assert [harness.sweep(after=PAUSES[0]), harness.swept.parked] == [0, 1]
    harness.ledger.receiving.clear()
    runs = [(harness.sweep(after=after), harness.swept.repeated) for after in (timedelta(0), PAUSES[1], PAUSES[2])]
    assert runs == [(0, 0), (1, 0), (0, 0)]
    assert harness.unrelayed() == []
    assert harness.published().count("event-2") == 1


def test_sweep_forgets_a_parked_entry_that_the_stream_delivered(harness: SweepHarness) -> None:
    for number in range(2):
        harness.give(number, shard=number)
    harness.post(pending := a_purchase(purchase_id="pending"))
    fail_to_receive(harness, 1)
    harness.sweep(after=SETTLE_DELAY)
    harness.ledger.receiving.clear()
    harness.relay(*[entry for entry in harness.ledger.entries[FAN].values() if entry is not pending])
    harness.positions.park(Part(worker="sweep", name="00"), park_item(f"{FAN}#pending", "", START))
    harness.positions.park(Part(worker="sweep", name="00"), park_item(f"{FAN}#unknown", "", START))
    published = harness.published()
    assert [harness.sweep(after=PAUSES[0]), harness.published()] == [0, published]
    assert harness.positions.parked == {("sweep", "00"): {}}


def test_sweep_of_many_failures_passes_them_and_tries_each_again(harness: SweepHarness) -> None:
    """A position that waits for failures beside successes may never move."""
    for number in range(240):
        harness.give(number, shard=number % 64)
    failing = [number for number in range(240) if number % 2]
    harness.publisher.busy = set(events(*failing))
    assert (harness.sweep(after=2 * HOUR), harness.swept.parked, harness.swept.undecided) == (120, 120, 0)
    assert (harness.sweep(after=PAUSES[0]), harness.swept.parked) == (0, 20)
    harness.publisher.busy = set(events(239))
    assert (harness.sweep(), harness.swept.parked) == (99, 1)
    assert (harness.sweep(after=PAUSES[0]), harness.swept.parked) == (20, 0)
    harness.publisher.busy = set()
    assert [harness.sweep(), harness.sweep(after=PAUSES[1] - PAUSES[0])] == [0, 1]
    assert sorted(harness.published()) == sorted(events(*range(240)))
    assert harness.unrelayed() == []


def test_sweep_checks_the_deadline_after_20_entries(harness: SweepHarness) -> None:
    for number in range(60):
        harness.buy(number)
    ledger, clock, reads = harness.ledger, harness.clock, harness.journal.read_records

    def read_slowly(refs: Sequence[EntryRef]) -> Sequence[PostedRecord]:
        clock.advance(RUN_TIME)
        return reads(refs)

    harness.journal.read_records = read_slowly  # type: ignore[method-assign]  # a slow table
    assert [harness.sweep(after=SETTLE_DELAY), harness.sweep(), len(ledger.published_entries)] == [20, 20, 40]
    park = [park_item(f"{FAN}#purchase-{number}", "repeat", START) for number in range(60)]
    for item in park:
        harness.positions.park(Part(worker="sweep", name="00"), item)
    assert harness.sweep(after=HOUR) == 20


def test_sweep_counts_rejected_messages_as_remaining(harness: SweepHarness) -> None:
    harness.buy(2)
    harness.publisher.busy = {"event-2"}
    assert harness.sweep(after=SETTLE_DELAY) == 0
    harness.publisher.busy = set()
    assert harness.sweep(after=3 * HOUR) == 1


def test_sweep_sets_a_poison_entry_aside(harness: SweepHarness) -> None:
    for number in range(4):
        harness.give(number)
    harness.ledger.receiving["event-2"] = ValueError("unexpected")
    harness.sweep(after=SETTLE_DELAY)
    assert harness.aside() == ["gift-2"]
    assert harness.published() == events(0, 1, 3)
    assert harness.place() == f"{iso(START)}#gift-3"


def test_sweep_sets_an_unreadable_entry_aside(harness: SweepHarness) -> None:
    for number in range(4):
        harness.give(number)
    harness.ledger.reading["gift-2"] = ValueError("not one of ours")
    harness.sweep(after=SETTLE_DELAY)
    assert harness.queue.kept == [EntryRef(user_id=FAN, entry_id="gift-2")]
    assert harness.published() == events(0, 1, 3)


def test_sweep_with_an_unavailable_entry_raises_try_again(harness: SweepHarness) -> None:
    harness.give(1)
    harness.ledger.reading["gift-1"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.sweep(after=SETTLE_DELAY)
    harness.ledger.reading.clear()
    assert harness.sweep() == 1
    assert harness.queue.kept == []
