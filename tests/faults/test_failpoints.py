"""Five faults at every call of every use case, under one schedule each.

`make faults` has every fault under each schedule, and the pairs.
"""

import pytest

from tests.faults.failpoints import SCENARIOS, Schedule, Tally, points_of, replay, run, singles_in_turn
from tests.faults.fault_plan import Fault
from tests.faults.intercepted_ports import all_calls
from tests.faults.scenario import Scenario

pytestmark = pytest.mark.usefixtures("quiet")

FOR_ANSWERS_ONLY = {
    "Ledger.creator_coins",
    "OperatorLedger.list_reviews",
    "Subscriptions.open_portal",
}
"""Calls read only for the response."""
FOR_COMMANDS_ONLY = {"OperatorLedger.copy_old_reviews"}
"""Calls of commands that an operator runs."""
FOR_WORKERS_ONLY = {"StreakTimer.parse"}
"""Calls by which a worker decodes its message, before it calls a use case."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("schedule", Schedule)
def test_scenario_without_faults_breaks_no_invariant(scenario: Scenario, schedule: Schedule) -> None:
    assert run(scenario, {}, schedule).breaches == ()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_with_one_fault_loses_and_doubles_nothing(scenario: Scenario) -> None:
    tally = Tally()
    for one in singles_in_turn([scenario]):
        tally.add(one)
    assert tally.seeds == []
    assert tally.unmet == []
    most = max(points_of(scenario, schedule) for schedule in Schedule)
    assert tally.points == {(scenario.name, number) for number in range(most)}


def test_scenarios_cover_every_call_of_every_port() -> None:
    names = {name for scenario in SCENARIOS for name in run(scenario, {}, Schedule.AT_ONCE).calls}
    assert all_calls() - names == FOR_ANSWERS_ONLY | FOR_COMMANDS_ONLY | FOR_WORKERS_ONLY


def test_replay_of_a_seed_repeats_its_run() -> None:
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == "send a cake"]
    once = run(scenario, {0: Fault.AFTER, 3: Fault.LATE}, Schedule.LATER)
    assert replay(once.seed) == once
