"""Walks of the sweep: their first places, their ends, and their time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.entries import EntryRef
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JournalLine, PostedRecord
from chalicelib.domain.work import RUN_TIME, Part
from chalicelib.usecases.recovery import sweep
from tests.domain.builders import CREATOR, FAN, a_gift
from tests.fakes import START
from tests.usecases.relay_harness import events
from tests.usecases.sweep_harness import HOUR, MINUTE, SETTLE_DELAY, SweepHarness


@pytest.fixture
def harness() -> SweepHarness:
    return SweepHarness()


@pytest.mark.parametrize(
    ("age", "swept"),
    [(timedelta(0), 0), (SETTLE_DELAY - timedelta(seconds=1), 0), (SETTLE_DELAY, 1), (SETTLE_DELAY + HOUR, 1)],
)
def test_sweep_leaves_ten_minutes_to_the_stream(harness: SweepHarness, age: timedelta, swept: int) -> None:
    harness.give(1)
    assert harness.sweep(after=age) == swept


@pytest.mark.parametrize(("ago", "swept"), [(timedelta(hours=49), 1), (timedelta(hours=50), 0)])
def test_sweep_first_run_looks_two_days_back(harness: SweepHarness, ago: timedelta, swept: int) -> None:
    harness.give(1)
    assert harness.sweep(after=ago) == swept


def test_sweep_publishes_the_hour_that_the_first_release_did_not_finish(harness: SweepHarness) -> None:
    """Gifts that its sweep received there and could not publish count as certain."""
    for number in range(3):
        harness.give(number)
        harness.clock.advance(HOUR)
    for gift in harness.ledger.entries[FAN].values():
        harness.ledger.receive_gifts(CREATOR, 0, [gift])  # type: ignore[list-item]  # all are gifts
    harness.journal.watermarks |= {"sweep": START + 2 * HOUR, "sweep_unsure": START + HOUR}
    assert (harness.sweep(after=HOUR), harness.published()) == (1, events(1))
    assert harness.sweep() == 0


def test_sweep_requests_nothing_after_a_finished_sweep_of_the_first_release(harness: SweepHarness) -> None:
    harness.give(1)
    harness.relay(*harness.ledger.entries[FAN].values())
    harness.journal.watermarks |= {"sweep": START, "sweep_unsure": datetime(1970, 1, 1, tzinfo=UTC)}
    read_page, places = harness.journal.read_page, list[str]()

    def read(shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        places.append(after)
        return read_page(shard, after, limit)

    harness.journal.read_page = read  # type: ignore[method-assign]  # records the places
    assert harness.sweep(after=HOUR) == 0
    assert min(places) == iso(START - 25 * HOUR), "the place of the second walk"


def test_sweep_continues_from_an_old_watermark(harness: SweepHarness) -> None:
    harness.journal.watermarks["sweep"] = START
    harness.give(1)
    assert harness.sweep(after=timedelta(days=40)) == 1
    assert harness.place() == iso(START + timedelta(days=40) - HOUR)
    assert harness.journal.watermarks == {"sweep": START}


def test_sweep_after_days_publishes_a_gift_whose_mark_has_expired_only_once_more(harness: SweepHarness) -> None:
    """Nothing else reads the marks, and the second walk comes after 26 hours: four days suffice."""
    harness.sweep(after=HOUR)
    assert harness.relay(a_gift(gift_id="gift-1", event_id="event-1", posted_at=harness.clock.now())) == []
    assert (harness.sweep(after=HOUR), harness.sweep(after=27 * HOUR)) == (0, 0)
    assert harness.relay(a_gift(gift_id="gift-2", event_id="event-2", posted_at=harness.clock.now())) == []
    harness.ledger.published_runs.clear()  # the time to live of all marks is over
    assert [harness.sweep(after=100 * HOUR), harness.sweep(), harness.sweep(after=27 * HOUR)] == [1, 0, 0]
    assert harness.published() == ["event-1", "event-2", "event-2"]


def test_sweep_leaves_a_shard_to_the_run_that_has_it(harness: SweepHarness) -> None:
    harness.give(1)
    harness.clock.advance(SETTLE_DELAY)
    now = harness.clock.now()
    harness.positions.take(Part(worker="sweep", name="00"), "other", now, now + 4 * MINUTE)
    assert [harness.sweep(), harness.sweep(after=5 * MINUTE)] == [0, 1]


def test_sweep_leaves_the_time_of_an_idle_shard_to_the_next_one(harness: SweepHarness) -> None:
    for number in range(60):
        harness.buy(number)
    clock, read_records = harness.clock, harness.journal.read_records

    def read_slowly(refs: Sequence[EntryRef]) -> Sequence[PostedRecord]:
        clock.advance(RUN_TIME / 3)
        return read_records(refs)

    harness.journal.read_records = read_slowly  # type: ignore[method-assign]  # a slow table
    clock.advance(HOUR)
    swept = sweep(harness.services(), (1, 0))
    assert (swept.relayed, swept.behind) == (60, HOUR - SETTLE_DELAY), "the time is over before the end of the walk"
