from datetime import timedelta

import pytest

from chalicelib.errors import TryAgain
from tests.fakes import START
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import SweepHarness

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def a_yard_with_an_entry_every_minute(minutes: int) -> SweepHarness:
    yard = SweepHarness()
    for number in range(minutes):
        (yard.buy if number % 2 else yard.give)(number)
        yard.clock.advance(MINUTE)
    return yard


@pytest.mark.parametrize(
    ("first", "last", "told"),
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
def test_the_stretch_is_told_with_a_minute_on_either_side(first: int, last: int, told: range) -> None:
    yard = a_yard_with_an_entry_every_minute(120)
    assert yard.redrive(START + first * MINUTE, START + last * MINUTE) == len(told)
    assert sorted(yard.published()) == sorted(events(*told))


def test_what_was_told_is_told_again_under_the_same_id_and_sequence() -> None:
    yard = a_yard_with_an_entry_every_minute(60)
    for _ in range(3):
        assert yard.redrive(START, START + HOUR) == 60
    contents = {message.id: message for message in yard.publisher.published}
    assert len(contents) == 60
    assert all(contents[message.id] == message for message in yard.publisher.published)
    assert yard.forgotten() == []


def test_when_some_could_not_be_told_all_of_it_comes_again() -> None:
    yard = a_yard_with_an_entry_every_minute(150)
    yard.publisher.busy = {"event-3", "event-120"}
    with pytest.raises(TryAgain, match=r"^2 entries"):
        yard.redrive(START, START + 3 * HOUR)
    assert len(yard.published()) == 148
    yard.publisher.busy = set()
    assert yard.redrive(START, START + 3 * HOUR) == 150
    assert yard.forgotten() == []


def test_poison_does_not_come_again() -> None:
    yard = a_yard_with_an_entry_every_minute(10)
    yard.ledger.receiving["event-4"] = ValueError("nobody foresaw it")
    assert yard.redrive(START, START + HOUR) == 10
    assert yard.aside() == ["gift-4"]
    assert len(yard.published()) == 9


def test_redriving_moves_no_watermark() -> None:
    yard = a_yard_with_an_entry_every_minute(10)
    yard.redrive(START, START + HOUR)
    assert yard.journal.watermarks == {}
