from datetime import timedelta

import pytest

from chalicelib.domain.work import Part
from tests.fakes import START
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import SweepHarness

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def a_harness_with_an_entry_every_minute(minutes: int) -> SweepHarness:
    """Build a harness whose entries were swept."""
    harness = SweepHarness()
    for number in range(minutes):
        (harness.buy if number % 2 else harness.give)(number)
        harness.clock.advance(MINUTE)
    harness.sweep(after=HOUR)
    assert sorted(harness.published()) == sorted(events(*range(minutes)))
    harness.publisher.published.clear()
    return harness


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (30, 30, range(29, 32)),
        (30, 40, range(29, 42)),
        (58, 62, range(57, 64)),
        (60, 62, range(59, 64)),
        (57, 59, range(56, 61)),
        (0, 200, range(120)),
        (130, 140, range(0)),
    ],
)
def test_redrive_covers_the_time_range_and_a_minute_on_each_side(first: int, last: int, expected: range) -> None:
    harness = a_harness_with_an_entry_every_minute(120)
    assert harness.redrive(START + first * MINUTE, START + last * MINUTE) == []
    assert [harness.sweep(), harness.swept.repeated, harness.sweep()] == [len(expected), len(expected), 0]
    assert sorted(harness.published()) == sorted(events(*expected))


def test_redrive_publishes_again_with_the_same_id_and_sequence() -> None:
    harness = a_harness_with_an_entry_every_minute(60)
    for _ in range(3):
        harness.redrive(START, START + HOUR)
        assert harness.sweep() == 60
    contents = {message.id: message for message in harness.publisher.published}
    assert len(contents) == 60
    assert all(contents[message.id] == message for message in harness.publisher.published)
    assert harness.unrelayed() == []


def test_redrive_relays_lost_entries_after_the_stretch() -> None:
    harness = a_harness_with_an_entry_every_minute(60)
    harness.give(60)
    harness.clock.advance(HOUR)
    harness.redrive(START, START + 9 * MINUTE)
    assert (harness.sweep(), harness.swept.repeated) == (12, 11)


def test_redrive_returns_a_shard_that_a_run_has() -> None:
    harness = a_harness_with_an_entry_every_minute(3)
    harness.positions.take(Part(worker="sweep", name="00"), "run", harness.clock.now(), harness.clock.now())
    assert harness.redrive(START, START + HOUR) == [0]
    harness.clock.advance(MINUTE)
    assert harness.redrive(START, START + HOUR) == []
    assert harness.sweep() == 3


def test_redrive_keeps_the_position_of_the_second_walk() -> None:
    harness = a_harness_with_an_entry_every_minute(3)
    late = harness.positions.places["sweep", "00"].split("|")[1]
    harness.redrive(START, START + HOUR)
    assert harness.positions.places["sweep", "00"].split("|")[1] == late


def test_redrive_with_rejected_entries_publishes_them_later() -> None:
    harness = a_harness_with_an_entry_every_minute(150)
    harness.publisher.busy = {"event-3", "event-120"}
    harness.redrive(START, START + 3 * HOUR)
    assert (harness.sweep(), harness.swept.parked) == (148, 2)
    assert len(harness.published()) == 148


def test_redrive_sets_poison_entries_aside() -> None:
    harness = a_harness_with_an_entry_every_minute(10)
    harness.ledger.receiving["event-4"] = ValueError("unexpected")
    harness.redrive(START, START + HOUR)
    assert harness.sweep() == 10
    assert harness.aside() == ["gift-4"]
    assert len(harness.published()) == 9
