"""A second run with a clock an hour ahead takes a worker's lease, at each call of the first run."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import TryAgain
from tests.extent import whole_or
from tests.faults.audit_scenarios import AUDITS
from tests.faults.failpoints import Schedule, heal
from tests.faults.fault_plan import FaultPlan
from tests.faults.intercepted_ports import Call
from tests.faults.invariants import breaches
from tests.faults.scenario import Scenario
from tests.faults.scenarios import WORKERS
from tests.faults.simulated_system import SimulatedSystem

pytestmark = pytest.mark.usefixtures("quiet")

AHEAD = timedelta(hours=1)
LEAST = 4
"""Calls of a run that gets no lease."""
MOST = 3
"""Messages of one entry: of the run that was killed before, of the first run and of the second."""


class Rival:
    """The second run: the interceptor that starts it before call `at` of the first, and counts the calls of that."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.calls = 0
        self.calls_beside = 0
        self.at: int | None = None
        self._is_on = self._is_beside = False
        self.system = SimulatedSystem(self)
        scenario.arrange(self.system)

    def __call__(self, call: Call) -> Any:
        if self._is_on:
            self.calls += 1
            if self.calls - 1 == self.at:
                self._run_beside()
        self.calls_beside += self._is_beside
        return call.invoke()

    def run(self, at: int | None) -> None:
        self.at, self._is_on = at, True
        with suppress(TryAgain):
            self.scenario.act(self.system)
        self._is_on = False

    def _run_beside(self) -> None:
        self._is_on, self._is_beside = False, True
        self.system.clock.advance(AHEAD)
        with suppress(TryAgain):
            self.scenario.act(self.system)
        self.system.clock.advance(-AHEAD)
        self._is_on, self._is_beside = True, False


@pytest.mark.parametrize(
    "scenario", [each for each in [*WORKERS, *AUDITS] if each.is_repair], ids=lambda scenario: scenario.name
)
def test_worker_that_loses_its_lease_at_any_call_loses_and_doubles_no_coins(scenario: Scenario) -> None:
    alone = Rival(scenario)
    alone.run(at=None)
    assert alone.calls > LEAST
    for at in range(0, alone.calls, whole_or(1, 4)):
        rival = Rival(scenario)
        rival.run(at)
        assert rival.calls_beside > LEAST, f"the second run had no lease at call {at}"
        heal(rival.system, Schedule.AT_ONCE, FaultPlan({}))
        assert breaches(rival.system) == [], f"at call {at}"
        assert max(Counter(message.id for message in rival.system.publisher.published).values()) <= MOST, f"at {at}"
