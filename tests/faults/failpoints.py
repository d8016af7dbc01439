"""Every call of every scenario fails in every way, alone and in pairs, under three retry schedules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from itertools import product
from typing import Final

from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from tests.faults.audit_scenarios import AUDITS
from tests.faults.budget_scenarios import BUDGETS
from tests.faults.fault_plan import PAIRED, UNPAIRED, Fault, FaultPlan, Faults, Killed, is_workers_own, paired_faults
from tests.faults.invariants import Breach, breaches, count_reviews
from tests.faults.scenario import Scenario, Step
from tests.faults.scenarios import SCENARIOS as COINS
from tests.faults.scenarios import given
from tests.faults.simulated_system import SimulatedSystem
from tests.faults.snapshots import Snapshot
from tests.faults.streak_scenarios import STREAKS

SCENARIOS: Final = [*COINS, *STREAKS, *BUDGETS, *AUDITS]
MAX_ATTEMPTS: Final = 6
ROUNDS: Final = 24
"""Rounds of 20 minutes: an item that failed three times is tried again after six hours."""
REPAIRS: Final[Sequence[Step]] = (
    SimulatedSystem.reconcile,
    SimulatedSystem.sweep,
    SimulatedSystem.stream,
    SimulatedSystem.audit,
)


class Schedule(StrEnum):
    """A retry schedule: the parties that retry, and the delay."""

    AT_ONCE = "the caller, at once"
    LATER = "the caller, after others"
    NEVER = "nobody but the workers"


@dataclass(frozen=True)
class Run:
    """One run of a scenario under a fault plan, with its breaches.

    `hit`: number and name of each failed call. `acted`: the number of calls of the act, or None if its first attempt
    failed.
    """

    scenario: Scenario
    faults: Faults
    schedule: Schedule
    calls: tuple[str, ...]
    hit: dict[int, str]
    breaches: tuple[Breach, ...]
    acted: int | None

    @property
    def seed(self) -> str:
        """The seed that replays the run."""
        faults = ",".join(f"{number}:{fault.name}" for number, fault in self.faults.items())
        return f"{self.scenario.name}/{self.schedule.name}/{faults}"


class Stage:
    """A simulated system in which a scenario is arranged once. A snapshot sets it back for each run."""

    def __init__(self, scenario: Scenario) -> None:
        self.fault_plan = FaultPlan()
        self.system = SimulatedSystem(self.fault_plan)
        scenario.arrange(self.system)
        self._arranged = Snapshot(self.system)

    def begin(self, faults: Faults) -> tuple[SimulatedSystem, FaultPlan]:
        """Set the system back, and start to count its calls."""
        self._arranged.restore()
        self.fault_plan.start(faults)
        return self.system, self.fault_plan


@cache
def _stage(scenario: Scenario) -> Stage:
    return Stage(scenario)


def replay(seed: str) -> Run:
    """Parse the run that a failure printed."""
    name, schedule, faults = seed.split("/")
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == name]
    pairs = [fault.split(":") for fault in faults.split(",") if fault]
    return run(scenario, {int(number): Fault[fault] for number, fault in pairs}, Schedule[schedule])


def run(scenario: Scenario, faults: Faults, schedule: Schedule) -> Run:
    """Run the scenario: without faults before the act, then with faults until recovery is complete."""
    system, fault_plan = _stage(scenario).begin(faults)
    found: tuple[Breach, ...] = ()
    acted: int | None = None
    try:
        acted = _act(system, scenario.act, schedule, fault_plan)
        found = () if schedule is Schedule.NEVER or scenario.is_repair else tuple(settle(system, fault_plan))
        heal(system, schedule, fault_plan)
        found += tuple(breaches(system))
    except Exception as error:  # noqa: BLE001  # any exception that escapes is a finding
        found = (Breach("unhandled", f"{type(error).__name__}: {error}"),)
    return Run(scenario, faults, schedule, tuple(fault_plan.calls), fault_plan.hit, found, acted)


def settle(system: SimulatedSystem, fault_plan: FaultPlan) -> list[Breach]:
    """Find breaches that remain after client, provider and stream retries alone, without repair workers.

    Before the second fault of a pair, nothing differs from the run with the first alone.
    """
    _in_rounds(system, Schedule.AT_ONCE, fault_plan, ())
    if fault_plan.is_between:
        count_reviews(system)
        return []
    return breaches(system)


def heal(system: SimulatedSystem, schedule: Schedule, fault_plan: FaultPlan) -> None:
    """Run everything automatic, repair workers included, until nothing is left. Raises when it never ends."""
    _in_rounds(system, schedule, fault_plan, REPAIRS)


def _in_rounds(system: SimulatedSystem, schedule: Schedule, fault_plan: FaultPlan, repairs: Sequence[Step]) -> None:
    fault_plan.finish_delayed()
    for _ in range(ROUNDS):
        system.read_stream()
        system.advance(20)
        injected = fault_plan.injected
        is_well = [_try(system, partial(_deliver, event=event)) for event in system.webhooks]
        if schedule is Schedule.NEVER:
            system.webhooks = []
        is_well += [_try(system, step) for step in (SimulatedSystem.end_streaks, SimulatedSystem.stream)]
        if schedule is Schedule.NEVER and (system.records or system.spent):
            system.lose_the_stream()
        is_well += [_try(system, step) for step in repairs]
        fault_plan.finish_delayed()
        # A failing worker may not report it: only a round without faults shows that nothing is left.
        is_well.append(fault_plan.injected == injected)
        system.read_stream()  # includes the reminders written in this round
        waiting = (
            system.records
            or system.spent
            or system.webhooks
            or system.streak_timer.pending
            or any(system.fake_positions.parked.values())
        )
        if all(is_well) and not waiting:
            return
    raise AssertionError("It never heals.")


def singles(scenarios: Iterable[Scenario] = SCENARIOS) -> Iterator[Run]:
    """Run each call of each scenario with each fault, under each schedule."""
    for scenario, schedule in product(scenarios, Schedule):
        for number, fault in product(range(points_of(scenario, schedule)), Fault):
            yield run(scenario, {number: fault}, schedule)


def singles_in_turn(scenarios: Iterable[Scenario] = SCENARIOS) -> Iterator[Run]:
    """Fail each call of each scenario with each paired fault and one of the others, each under one schedule.

    The schedule is the next one that has such a call. The calls by which workers find their work and keep what they
    have done are the same in all scenarios: after the act, each of these gets one fault, the next one.
    """
    for scenario in scenarios:
        clean = {schedule: run(scenario, {}, schedule) for schedule in Schedule}
        acted = clean[Schedule.AT_ONCE].acted or 0
        for number in range(max(len(each.calls) for each in clean.values())):
            able = [schedule for schedule, each in clean.items() if number < len(each.calls)]
            faults: Sequence[Fault] = (*PAIRED, UNPAIRED[number % len(UNPAIRED)])
            if number >= acted and all(is_workers_own(clean[schedule].calls[number]) for schedule in able):
                faults = [[*Fault][(number + len(scenario.name)) % len(Fault)]]
            for turn, fault in enumerate(faults, number):
                yield run(scenario, {number: fault}, able[turn % len(able)])


def pairs(scenarios: Iterable[Scenario] = SCENARIOS) -> Iterator[Run]:
    """Add each later fault to a single one. The first fault decides how many calls follow.

    Pairs that repeat another one are left out: faults with the same effect at a call, and the caller's later retry
    where the act is done at its first attempt.
    """
    for scenario, schedule in product(scenarios, Schedule):
        calls = run(scenario, {}, schedule).calls
        for number, fault in _paired(calls, 0):
            first = run(scenario, {number: fault}, schedule)
            for later, another in _paired(first.calls, number + 1):
                if schedule is Schedule.LATER and first.acted is not None and later >= first.acted:
                    break
                yield run(scenario, {number: fault, later: another}, schedule)


def _paired(calls: Sequence[str], start: int) -> Iterator[tuple[int, Fault]]:
    """Generate the paired faults of the calls from a number on."""
    for number in range(start, len(calls)):
        yield from ((number, fault) for fault in paired_faults(calls[number]))


def points_of(scenario: Scenario, schedule: Schedule = Schedule.AT_ONCE) -> int:
    """Count the calls of a run without faults."""
    return len(run(scenario, {}, schedule).calls)


@dataclass
class Tally:
    """The totals of many runs."""

    runs: int = 0
    points: set[tuple[str, int]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    unmet: list[str] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)
    seeds: list[str] = field(default_factory=list)

    def add(self, run: Run) -> None:
        self.runs += 1
        self.points |= {(run.scenario.name, number) for number in run.hit}
        self.names |= set(run.hit.values())
        if run.hit.keys() != run.faults.keys():
            self.unmet.append(run.seed)
        self.by_kind.update(breach.kind for breach in run.breaches)
        self.seeds += [f"{run.seed}: {breach.what}" for breach in run.breaches[:1]]


def _act(system: SimulatedSystem, act: Step, schedule: Schedule, fault_plan: FaultPlan) -> int | None:
    """Act until it is done. Returns the number of its calls if that was at the first attempt, else None."""
    for attempt in range(1 if schedule is Schedule.NEVER else MAX_ATTEMPTS):
        if _try(system, act):
            return None if attempt else len(fault_plan.calls)
        if schedule is Schedule.LATER:
            system.advance(5)
            _try(system, _others)
        fault_plan.finish_delayed()
    return None


def _deliver(system: SimulatedSystem, event: StripeEvent) -> None:
    system.deliver(event)


def _others(system: SimulatedSystem) -> None:
    """Spend the fan's coins between attempts: an act that was done must not be refused at its repeat.

    Also ends any active streak.
    """
    system.end_streaks()
    given(system)
    given(system)


def _try(system: SimulatedSystem, step: Step) -> bool:
    try:
        step(system)
    except (TryAgain, Killed):
        return False
    return True
