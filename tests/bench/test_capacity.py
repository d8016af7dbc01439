"""The capacity simulation, small, and its table in infra/README.md."""

from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from chalicelib.services import RECONCILE_PER_SECOND
from tests.bench.capacity import limits, measures, report
from tests.bench.capacity.__main__ import missed, small
from tests.bench.capacity.audit import audit_run
from tests.bench.capacity.creators import naive_gifts, relayed_gifts
from tests.bench.capacity.functions import simulated_cloud
from tests.bench.capacity.limits import LIMITS, seconds
from tests.bench.capacity.reconcile import reconcile_run
from tests.bench.capacity.streaks import streaks_run
from tests.bench.capacity.sweep import passing_run, repair_run


def test_readme_has_the_table_of_the_stored_figures() -> None:
    assert report.section_of(report.README.read_text()) == report.rendered(measures.read())


def test_stored_figures_meet_the_requirements() -> None:
    assert missed(measures.read()) == []


def test_limits_have_a_source_each() -> None:
    assert [name for name, limit in LIMITS.items() if not limit.source or limit.value <= 0] == []
    assert limits.value("SendMessage each") == 0
    with pytest.raises(KeyError):
        limits.value("Scan")


def test_sweep_passes_certain_entries_faster_than_it_mends_lost_ones() -> None:
    passed, repaired = passing_run(20), repair_run(20)
    assert (passed.messages, repaired.messages) == (0, 20)
    assert 0 < passed.each < repaired.each


def test_small_runs_have_the_stored_figures() -> None:
    """A difference means that the table is older than the code: `python -m tests.bench.capacity --readme`."""
    found = small()
    assert measures.read()["small"] == {name: [pytest.approx(run[0]), *run[1:]] for name, run in found.items()}
    assert found["relay"][1] == 200, "each entry is published once"


def test_limit_is_the_cost_whose_half_raises_the_rate_most() -> None:
    """Ten updates at the same time take 7 ms. The message after them takes 10 ms."""

    def run() -> measures.Run:
        with simulated_cloud() as cloud:
            wait = partial(cloud.costs.wait, simulation=cloud.simulation)

            def call() -> None:
                cloud.threads.map(lambda operation: wait(operation, seconds(operation)), ["UpdateItem"] * 10)
                wait("SendMessage", seconds("SendMessage"))

            return measures.measure(cloud, 1, [call])

    assert measures.limit_of(run) == "`SendMessage` (+42%)"
    assert limits.OTHER == {}


def test_reconcile_is_as_fast_as_its_pace() -> None:
    """A refunded payment takes four requests, at 20 a second."""
    took = reconcile_run(20, ["refund.created"], share=1.0, over=timedelta(minutes=1)).seconds
    assert 20 * 4 / RECONCILE_PER_SECOND < took < 2 * 20 * 4 / RECONCILE_PER_SECOND


def test_audit_takes_the_same_time_and_reads_whatever_the_history_of_the_wallets() -> None:
    assert audit_run(20, history=0) == audit_run(20, history=10)


def test_gifts_to_one_creator_wait_for_no_other_creator_shard() -> None:
    """Few gifts are all received in time. In the naive design the same creator's gifts meet each other."""
    assert 20 <= relayed_gifts(4, 2, 30) <= 35
    assert naive_gifts(1, 80)[1] > 0


@pytest.mark.parametrize("is_active", [False, True])
def test_streaks_are_checked_side_by_side(is_active: bool) -> None:
    """Ten ends one after the other would take ten reads and ten transactions."""
    run = streaks_run(1, 1, is_active=is_active)
    assert run.seconds < 10 * (seconds("GetItem") + seconds("TransactWriteItems")) / 2


@pytest.mark.parametrize(("repair", "minutes"), [(0.001, 10.0), (0.1, 10.5), (1.0, 98.0)])
def test_runs_after_an_outage_end_with_the_work_that_waited(repair: float, minutes: float) -> None:
    """An hour at 16 a second leaves 3,600 entries in each part; a run has 180 s, every 300."""
    ends = measures.minutes_of_runs(16, repair, 0.0, 600)
    assert ends is not None
    assert round(ends, 1) == minutes


def test_runs_that_have_no_time_left_never_end() -> None:
    assert measures.minutes_of_runs(1_600, 0.01, 0.01, 600) is None
    assert measures.minutes_after_outage(10, 10) is None
    times = [measures.minutes_after_outage(10, capacity) for capacity in (11, 20, 70)]
    assert times == [600, 60, 10]
    assert all(earlier > later for earlier, later in pairwise(filter(None, times)))
