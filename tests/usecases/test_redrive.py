from datetime import timedelta

import pytest

from chalicelib.domain.work import PAUSES, Part
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


def test_redrive_has_the_shard_until_the_stretch_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = a_harness_with_an_entry_every_minute(3)
    rewind = harness.positions.rewind

    def rewind_late(part: Part, to: str) -> None:
        assert harness.positions.take(part, "run", harness.clock.now(), harness.clock.now()) is None
        rewind(part, to)

    monkeypatch.setattr(harness.positions, "rewind", rewind_late)
    assert harness.redrive(START, START + HOUR) == []
    assert harness.sweep() == 3


def test_redrive_keeps_the_position_of_the_second_walk() -> None:
    harness = a_harness_with_an_entry_every_minute(3)
    late = harness.positions.places["sweep", "00"].split("|")[1]
    harness.redrive(START, START + HOUR)
    assert harness.positions.places["sweep", "00"].split("|")[1] == late


def test_redrive_leaves_the_entries_before_and_after_it_to_the_first_walk() -> None:
    """On the first positions a stretch moved the first walk, over what it had not reached."""
    harness = SweepHarness()
    harness.give(1)
    harness.clock.advance(6 * HOUR)
    harness.redrive(START + 2 * HOUR, START + 3 * HOUR)
    assert (harness.sweep(), harness.swept.repeated) == (1, 0)


def test_redrive_before_the_first_sweep_keeps_the_old_watermark() -> None:
    harness = SweepHarness()
    harness.journal.watermarks["sweep"] = START
    harness.give(1)
    harness.clock.advance(timedelta(days=40))
    harness.redrive(START + timedelta(days=39), START + timedelta(days=39))
    assert harness.sweep() == 1


def test_redrive_adds_to_an_unfinished_stretch() -> None:
    harness = a_harness_with_an_entry_every_minute(60)
    for first in (40, 10, 20):
        harness.redrive(START + first * MINUTE, START + (first + 4) * MINUTE)
    assert (harness.sweep(), harness.sweep()) == (37, 0)


@pytest.mark.parametrize(("first", "last"), [(MINUTE, HOUR), (-HOUR, -2 * HOUR)])
def test_redrive_refuses_a_stretch_of_the_future_or_without_an_hour(first: timedelta, last: timedelta) -> None:
    harness = SweepHarness()
    with pytest.raises(ValueError, match="A stretch ends after it begins, and does not begin in the future"):
        harness.redrive(START + first, START + last)
    assert harness.positions.places == {}
    assert harness.redrive(START, START) == [], "it begins now"


@pytest.mark.parametrize("failing", [2, 60])
def test_redrive_with_rejected_entries_publishes_only_these_later(failing: int) -> None:
    harness = a_harness_with_an_entry_every_minute(150)
    harness.publisher.busy = set(events(*range(3, 2 * failing, 2)))
    harness.redrive(START, START + 3 * HOUR)
    runs = [(harness.sweep(after=after), harness.swept.parked) for after in (timedelta(0), timedelta(0), PAUSES[0])]
    assert runs[:2] == [(150 - len(harness.publisher.busy), len(harness.publisher.busy)), (0, 0)]
    harness.publisher.busy = set()
    harness.sweep(after=PAUSES[1])
    assert sorted(harness.published()) == sorted(events(*range(150)))


def test_redrive_keeps_its_place_while_nothing_can_be_published() -> None:
    harness = a_harness_with_an_entry_every_minute(30)
    harness.publisher.busy = set(events(*range(30)))
    harness.redrive(START, START + HOUR)
    assert [harness.sweep(after=HOUR), harness.swept.undecided, harness.swept.parked] == [0, 20, 0]
    harness.publisher.busy = set()
    assert harness.sweep() == 30


def test_redrive_sets_poison_entries_aside() -> None:
    harness = a_harness_with_an_entry_every_minute(10)
    harness.ledger.receiving["event-4"] = ValueError("unexpected")
    harness.redrive(START, START + HOUR)
    assert harness.sweep() == 10
    assert harness.aside() == ["gift-4"]
    assert len(harness.published()) == 9
