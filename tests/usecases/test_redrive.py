from datetime import timedelta

import pytest

from chalicelib.errors import TryAgain
from tests.fakes import START
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import SweepHarness

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def a_harness_with_an_entry_every_minute(minutes: int) -> SweepHarness:
    harness = SweepHarness()
    for number in range(minutes):
        (harness.buy if number % 2 else harness.give)(number)
        harness.clock.advance(MINUTE)
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
    assert harness.redrive(START + first * MINUTE, START + last * MINUTE) == len(expected)
    assert sorted(harness.published()) == sorted(events(*expected))


def test_redrive_publishes_again_with_the_same_id_and_sequence() -> None:
    harness = a_harness_with_an_entry_every_minute(60)
    for _ in range(3):
        assert harness.redrive(START, START + HOUR) == 60
    contents = {message.id: message for message in harness.publisher.published}
    assert len(contents) == 60
    assert all(contents[message.id] == message for message in harness.publisher.published)
    assert harness.unrelayed() == []


def test_redrive_with_rejected_entries_raises_try_again() -> None:
    harness = a_harness_with_an_entry_every_minute(150)
    harness.publisher.busy = {"event-3", "event-120"}
    with pytest.raises(TryAgain, match=r"^2 entries"):
        harness.redrive(START, START + 3 * HOUR)
    assert len(harness.published()) == 148
    harness.publisher.busy = set()
    assert harness.redrive(START, START + 3 * HOUR) == 150
    assert harness.unrelayed() == []


def test_redrive_sets_poison_entries_aside() -> None:
    harness = a_harness_with_an_entry_every_minute(10)
    harness.ledger.receiving["event-4"] = ValueError("unexpected")
    assert harness.redrive(START, START + HOUR) == 10
    assert harness.aside() == ["gift-4"]
    assert len(harness.published()) == 9


def test_redrive_moves_no_watermark() -> None:
    harness = a_harness_with_an_entry_every_minute(10)
    harness.redrive(START, START + HOUR)
    assert harness.journal.watermarks == {}
