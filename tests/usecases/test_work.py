"""One run of a background worker: its lease, position, deadline, and the items that it sets aside."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.work import LEASE_MARGIN, PAUSES, RUN_TIME, Part
from chalicelib.errors import TryAgain
from chalicelib.usecases.work import Turn, deadline_of, work_on
from tests.fake_work import FakeWorkPositions
from tests.fakes import START, FakeClock

PART = Part(worker="sweep", name="07")
MINUTE = timedelta(minutes=1)


class WorkHarness:
    """Positions and a clock."""

    def __init__(self) -> None:
        self.positions = FakeWorkPositions()
        self.clock = FakeClock()

    def work(self, step: Callable[[Turn], None], deadline: datetime | None = None) -> Turn | None:
        return work_on(PART, step, self, deadline=deadline or deadline_of(self))


@pytest.fixture
def harness() -> WorkHarness:
    return WorkHarness()


def test_work_on_continues_from_the_position_of_the_last_run(harness: WorkHarness) -> None:
    seen: list[str | None] = []

    def step(turn: Turn) -> None:
        seen.append(turn.at)
        turn.move(f"{turn.at}+")
        turn.move(f"{turn.at}+")

    harness.work(step)
    harness.work(step)
    assert seen == [None, "None++"]
    assert harness.positions.places == {("sweep", "07"): "None++++"}


def test_work_on_is_over_at_the_deadline(harness: WorkHarness) -> None:
    def step(turn: Turn) -> None:
        harness.clock.advance(RUN_TIME - MINUTE)
        assert not turn.is_over()
        harness.clock.advance(MINUTE)
        assert turn.is_over()

    assert harness.work(step)


def test_work_on_skips_a_part_that_another_run_has(harness: WorkHarness) -> None:
    def step(_turn: Turn) -> None:
        harness.clock.advance(RUN_TIME + LEASE_MARGIN)
        assert harness.work(lambda _turn: pytest.fail("two runs of one part")) is None

    assert harness.work(step)
    assert harness.positions.leases == {}


@pytest.mark.parametrize(("after", "is_taken"), [(RUN_TIME + LEASE_MARGIN, False), (RUN_TIME + 2 * MINUTE, True)])
def test_work_on_takes_the_part_of_a_killed_run_after_its_lease(
    harness: WorkHarness, after: timedelta, is_taken: bool
) -> None:
    harness.positions.take(PART, "killed", START, START + RUN_TIME + LEASE_MARGIN)
    harness.clock.advance(after)
    assert (harness.work(lambda _turn: None) is not None) is is_taken


def test_work_on_ends_without_an_error_when_the_lease_is_lost(
    harness: WorkHarness, caplog: pytest.LogCaptureFixture
) -> None:
    def step(turn: Turn) -> None:
        turn.move("a")
        harness.positions.rewind(PART, "0")
        turn.move("b")
        pytest.fail("the run goes on")

    assert harness.work(step)
    assert harness.positions.places == {("sweep", "07"): "0"}
    assert [line.message for line in caplog.records] == ["lease_lost"]


def test_work_on_that_fails_keeps_the_position_and_ends_the_lease(harness: WorkHarness) -> None:
    def step(turn: Turn) -> None:
        turn.move("a")
        raise TryAgain

    with pytest.raises(TryAgain):
        harness.work(step)
    assert harness.work(lambda turn: turn.move(f"{turn.at}b"))
    assert harness.positions.places == {("sweep", "07"): "ab"}


def test_work_on_ends_no_lease_of_another_run(harness: WorkHarness) -> None:
    def step(turn: Turn) -> None:
        harness.clock.advance(RUN_TIME + LEASE_MARGIN + MINUTE)
        assert harness.positions.take(PART, "other", harness.clock.now(), harness.clock.now())
        turn.carry_over(3)

    turn = harness.work(step)
    assert turn
    assert turn.undecided == 3
    assert harness.positions.leases["sweep", "07"][0] == "other"


def test_turn_tries_a_parked_item_again_after_growing_pauses(
    harness: WorkHarness, caplog: pytest.LogCaptureFixture
) -> None:
    def retry(turn: Turn) -> None:
        for item in turn.due():
            turn.park_again(item, "still unreadable")

    harness.work(lambda turn: turn.park("evt_1", "unreadable"))
    tried = []
    for _ in range(8 * 60 // 5):
        harness.clock.advance(5 * MINUTE)
        if (turn := harness.work(retry)) and turn.parked:
            tried.append(harness.clock.now() - START)
    assert tried == [PAUSES[0], PAUSES[0] + PAUSES[1], sum(PAUSES, timedelta(0))]
    assert [vars(line)["tries"] for line in caplog.records] == [1, 2, 3, 4]


def test_turn_forgets_an_item_that_was_handled(harness: WorkHarness) -> None:
    harness.work(lambda turn: turn.park("evt_1", "unreadable"))
    harness.clock.advance(PAUSES[0])

    def step(turn: Turn) -> None:
        [item] = turn.due()
        turn.finish(item)

    harness.work(step)
    assert harness.positions.parked == {("sweep", "07"): {}}
