"""Five faults at every call of every use case, one at each call by which a worker finds its work; one schedule each.

`make faults` has every fault under each schedule, and the pairs.
"""

import pytest

from tests.faults.failpoints import SCENARIOS, Schedule, Stage, Tally, heal, points_of, replay, run, singles_in_turn
from tests.faults.fault_plan import Fault, is_read, is_repeatable
from tests.faults.intercepted_ports import Call, all_calls
from tests.faults.scenario import Scenario
from tests.faults.simulated_system import SimulatedSystem

pytestmark = pytest.mark.usefixtures("quiet")

FOR_ANSWERS_ONLY = {
    "Ledger.creator_coins",
    "OperatorLedger.list_reviews",
    "Subscriptions.open_portal",
}
"""Calls read only for the response."""
FOR_COMMANDS_ONLY = {"OperatorLedger.copy_old_reviews"}
"""Calls of commands that an operator runs."""
FOR_GONE_ONLY = {"PaymentGateway.has_event"}
"""Calls about a subscription that the provider no longer has."""
FOR_UNREADABLE_ONLY = {"WorkPositions.has_parked"}
"""A call about a row that cannot be read, which no scenario has."""
FOR_WORKERS_ONLY = {"StreakTimer.deliveries"}
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
    elsewhere = FOR_ANSWERS_ONLY | FOR_COMMANDS_ONLY | FOR_GONE_ONLY | FOR_UNREADABLE_ONLY | FOR_WORKERS_ONLY
    assert all_calls() - names == elsewhere


def test_reads_have_no_effect_and_a_repeat_of_a_repeatable_call_neither() -> None:
    """The pairs of faults leave out what this makes equal."""
    odd: set[str] = set()
    seen: set[str] = set()
    for scenario in SCENARIOS:
        seen |= _repeat_calls(scenario, odd)
    assert odd == set()
    elsewhere = {"OperatorLedger.list_reviews"} | FOR_GONE_ONLY | FOR_UNREADABLE_ONLY
    assert {name for name in all_calls() if is_repeatable(name)} - seen == elsewhere


def test_replay_of_a_seed_repeats_its_run() -> None:
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == "send a cake"]
    once = run(scenario, {0: Fault.AFTER, 3: Fault.LATE}, Schedule.LATER)
    assert replay(once.seed) == once


def test_stage_is_set_back_after_a_run() -> None:
    """A run leaves nothing behind for the next one of its scenario."""
    for scenario in SCENARIOS:
        system, _ = Stage(scenario).begin({})
        stage = Stage(scenario)
        arranged = _state(stage.begin({})[0])
        assert arranged == _state(system)
        scenario.act(stage.system)
        heal(stage.system, Schedule.LATER, stage.fault_plan)
        assert _state(stage.begin({})[0]) == arranged


def _repeat_calls(scenario: Scenario, odd: set[str]) -> set[str]:
    """Repeat the repeatable calls of the act and of an audit.

    Adds reads with an effect, and repeats with another one, to `odd`.
    """
    seen: set[str] = set()

    def make(call: Call) -> object:
        if not (is_acting and is_repeatable(call.name)):
            return call.invoke()
        seen.add(call.name)
        before, response, after = _state(system), call.invoke(), _state(system)
        if (is_read(call.name) and before != after) or call.invoke() != response or _state(system) != after:
            odd.add(call.name)
        return response

    is_acting, system = False, SimulatedSystem(make)
    scenario.arrange(system)
    is_acting = True
    scenario.act(system)
    system.advance(20)
    system.audit()
    return seen


def _state(system: SimulatedSystem) -> str:
    """Write out everything that a request or a worker may change."""
    clock, kept = (system.clock.at, system.clock.minted), (system.responses, system.facts, system.budgets)
    return repr([system.state(), system.provider.sessions, system.provider.events, clock, kept])
