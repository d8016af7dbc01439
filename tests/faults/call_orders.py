"""Concurrent handlers of one small simulated system: all orders of their calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from tests.faults.failpoints import Schedule, heal, settle
from tests.faults.fault_plan import FaultPlan
from tests.faults.invariants import Breach, breaches
from tests.faults.scheduler import Scheduler, orders


class SystemUnderTest(Protocol):
    """The simulated system that the handlers share."""

    scheduler: Scheduler


Harness = TypeVar("Harness", bound=SystemUnderTest)


def all_orders(
    build: Callable[[Sequence[str]], Harness], handlers: Mapping[str, Callable[[Harness], object]], names: Sequence[str]
) -> Iterator[list[Breach]]:
    """Find the breaches of each order, after delivery and again after recovery.

    `build` is called with the names of the handlers. A state reached by two orders is continued only once.
    """
    seen: set[int] = set()
    built: list[Harness] = []

    def run(choices: Sequence[int]) -> Sequence[int]:
        harness = build(names)
        built.append(harness)
        return harness.scheduler.run([partial(handlers[name], harness) for name in names], choices, seen)

    for _ in orders(run):
        harness = built.pop()
        if harness.scheduler.is_over:
            harness.scheduler.retry()
            found = settle(harness.scheduler.system, FaultPlan({}))
            heal(harness.scheduler.system, Schedule.AT_ONCE, FaultPlan({}))
            yield found + breaches(harness.scheduler.system)
