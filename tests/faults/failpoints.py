"""Every call of every play fails in every way, alone and in pairs, under three retry schedules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import product
from typing import Final

from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from tests.faults.budget_plays import BUDGETS
from tests.faults.play import Play, Step
from tests.faults.plays import PLAYS as COINS
from tests.faults.plays import given
from tests.faults.streak_plays import STREAKS
from tests.faults.town import Town
from tests.faults.trouble import PAIRED, Fault, Killed, Plan, Trouble
from tests.faults.verdict import Wrong, wrongs

PLAYS: Final = [*COINS, *STREAKS, *BUDGETS]
MAX_ATTEMPTS: Final = 6
ROUNDS: Final = 12
MENDERS: Final[Sequence[Step]] = (Town.redrive, Town.reconcile, Town.sweep, Town.stream, Town.audit)


class Schedule(StrEnum):
    """A retry schedule: the parties that retry, and the delay."""

    AT_ONCE = "the caller, at once"
    LATER = "the caller, after others"
    NEVER = "nobody but the workers"


@dataclass(frozen=True)
class Run:
    """One run of a play under a plan, with its breaches. `met`: the number and name of each call that was struck."""

    play: Play
    plan: Plan
    schedule: Schedule
    calls: tuple[str, ...]
    met: dict[int, str]
    wrongs: tuple[Wrong, ...]

    @property
    def seed(self) -> str:
        """The seed that replays the run."""
        faults = ",".join(f"{number}:{fault.name}" for number, fault in self.plan.items())
        return f"{self.play.name}/{self.schedule.name}/{faults}"


def replay(seed: str) -> Run:
    """Parse the run that a failure printed."""
    name, schedule, faults = seed.split("/")
    [play] = [play for play in PLAYS if play.name == name]
    pairs = [fault.split(":") for fault in faults.split(",") if fault]
    return run(play, {int(number): Fault[fault] for number, fault in pairs}, Schedule[schedule])


def run(play: Play, plan: Plan, schedule: Schedule) -> Run:
    """Run the play: without faults before the act, then with faults until recovery is complete."""
    trouble = Trouble(plan)
    town = Town(trouble)
    play.arrange(town)
    trouble.begin()
    found: tuple[Wrong, ...] = ()
    try:
        _act(town, play.act, schedule, trouble)
        found = () if schedule is Schedule.NEVER or play.is_mending else tuple(settle(town, trouble))
        heal(town, schedule, trouble)
        found += tuple(wrongs(town))
    except Exception as error:  # noqa: BLE001  # any exception that escapes is a finding
        found = (Wrong("unhandled", f"{type(error).__name__}: {error}"),)
    return Run(play, plan, schedule, tuple(trouble.calls), trouble.met, found)


def settle(town: Town, trouble: Trouble) -> list[Wrong]:
    """Find breaches that remain after client, provider and stream retries alone, without repair workers."""
    _in_rounds(town, Schedule.AT_ONCE, trouble, ())
    return wrongs(town)


def heal(town: Town, schedule: Schedule, trouble: Trouble) -> None:
    """Run everything automatic, repair workers included, until nothing is left. Raises when it never ends."""
    _in_rounds(town, schedule, trouble, MENDERS)


def _in_rounds(town: Town, schedule: Schedule, trouble: Trouble, menders: Sequence[Step]) -> None:
    trouble.land()
    for _ in range(ROUNDS):
        town.look()
        town.advance(20)
        strikes = trouble.strikes
        is_well = [_try(town, partial(_deliver, event=event)) for event in town.webhooks]
        if schedule is Schedule.NEVER:
            town.webhooks = []
        is_well += [_try(town, step) for step in (Town.end_streaks, Town.stream)]
        if schedule is Schedule.NEVER and (town.records or town.spent):
            town.give_up_on_the_stream()
        is_well += [_try(town, step) for step in menders]
        trouble.land()
        # A failing worker may not report it: only a round without faults shows that nothing is left.
        is_well.append(trouble.strikes == strikes)
        town.look()  # includes the reminders written in this round
        waiting = town.records or town.spent or town.webhooks or town.alarms.waiting or (town.given_up and menders)
        if all(is_well) and not waiting:
            return
    raise AssertionError("It never heals.")


def singles(plays: Iterable[Play] = PLAYS) -> Iterator[Run]:
    """Run each call of each play with each fault, under each schedule."""
    for play, schedule in product(plays, Schedule):
        for number, fault in product(range(points_of(play, schedule)), Fault):
            yield run(play, {number: fault}, schedule)


def singles_in_turn(plays: Iterable[Play] = PLAYS) -> Iterator[Run]:
    """Fail each call of each play with each fault, under one schedule each: the next one that has such a call."""
    for play in plays:
        points = {schedule: points_of(play, schedule) for schedule in Schedule}
        for number in range(max(points.values())):
            able = [schedule for schedule in Schedule if number < points[schedule]]
            for turn, fault in enumerate(Fault, number):
                yield run(play, {number: fault}, able[turn % len(able)])


def pairs(plays: Iterable[Play] = PLAYS) -> Iterator[Run]:
    """Add each later fault to a single-fault plan. The first fault decides how many calls follow."""
    for play, schedule in product(plays, Schedule):
        for number, fault in product(range(points_of(play, schedule)), PAIRED):
            calls = len(run(play, {number: fault}, schedule).calls)
            for later, another in product(range(number + 1, calls), PAIRED):
                yield run(play, {number: fault, later: another}, schedule)


def points_of(play: Play, schedule: Schedule = Schedule.AT_ONCE) -> int:
    """Count the calls of a run without faults."""
    return len(run(play, {}, schedule).calls)


@dataclass
class Tally:
    """The totals of many runs."""

    runs: int = 0
    points: set[tuple[str, int]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    unmet: list[str] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    seeds: list[str] = field(default_factory=list)

    def add(self, run: Run) -> None:
        self.runs += 1
        self.points |= {(run.play.name, number) for number in run.met}
        self.names |= set(run.met.values())
        if run.met.keys() != run.plan.keys():
            self.unmet.append(run.seed)
        self.wrong.update(wrong.kind for wrong in run.wrongs)
        self.seeds += [f"{run.seed}: {wrong.what}" for wrong in run.wrongs[:1]]


def _act(town: Town, act: Step, schedule: Schedule, trouble: Trouble) -> None:
    for _ in range(1 if schedule is Schedule.NEVER else MAX_ATTEMPTS):
        if _try(town, act):
            return
        if schedule is Schedule.LATER:
            town.advance(5)
            _try(town, _others)
        trouble.land()


def _deliver(town: Town, event: StripeEvent) -> None:
    town.hear(event)


def _others(town: Town) -> None:
    """Spend the fan's coins between attempts: an act that was done must not be refused at its repeat.

    Also ends any active streak.
    """
    town.end_streaks()
    given(town)
    given(town)


def _try(town: Town, step: Step) -> bool:
    try:
        step(town)
    except (TryAgain, Killed):
        return False
    return True
