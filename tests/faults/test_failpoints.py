"""Every fault at every call of every use case, under one schedule; `make faults` has each schedule, and the pairs."""

import pytest

from tests.faults.failpoints import PLAYS, Schedule, Tally, points_of, replay, run, singles_in_turn
from tests.faults.play import Play
from tests.faults.taps import all_calls
from tests.faults.trouble import Fault

pytestmark = pytest.mark.usefixtures("quiet")

FOR_ANSWERS_ONLY = {
    "Ledger.creator_coins",
    "Ledger.list_entries",
    "OperatorLedger.list_reviews",
    "Subscriptions.open_portal",
}
"""Calls read only for the response."""
FOR_WORKERS_ONLY = {"StreakTimer.parse"}
"""Calls by which a worker decodes its message, before it calls a use case."""


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
@pytest.mark.parametrize("schedule", Schedule)
def test_in_peace_nothing_is_wrong(play: Play, schedule: Schedule) -> None:
    assert run(play, {}, schedule).wrongs == ()


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
def test_no_single_fault_loses_or_doubles_a_coin(play: Play) -> None:
    tally = Tally()
    for one in singles_in_turn([play]):
        tally.add(one)
    assert tally.seeds == []
    assert tally.unmet == []
    most = max(points_of(play, schedule) for schedule in Schedule)
    assert tally.points == {(play.name, number) for number in range(most)}


def test_every_call_that_a_use_case_makes_has_failed() -> None:
    names = {name for play in PLAYS for name in run(play, {}, Schedule.AT_ONCE).calls}
    assert all_calls() - names == FOR_ANSWERS_ONLY | FOR_WORKERS_ONLY


def test_a_seed_replays_its_run() -> None:
    [play] = [play for play in PLAYS if play.name == "send a cake"]
    once = run(play, {0: Fault.AFTER, 3: Fault.LATE}, Schedule.LATER)
    assert replay(once.seed) == once
