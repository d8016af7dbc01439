"""Concurrent handlers of one small simulated system: all orders of their calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from tests.faults.failpoints import Schedule, heal, settle
from tests.faults.fault_plan import FaultPlan
from tests.faults.invariants import Breach, breaches
from tests.faults.scheduler import Scheduler


class SystemUnderTest(Protocol):
    """The simulated system that the handlers share."""

    scheduler: Scheduler


Harness = TypeVar("Harness", bound=SystemUnderTest)


def all_orders(
    build: Callable[[Sequence[str]], Harness], handlers: Mapping[str, Callable[[Harness], object]], names: Sequence[str]
) -> Iterator[list[Breach]]:
    """Find the breaches of each order, after delivery and again after recovery.

    `build` is called with the names of the handlers. Two orders that reach one state continue, or recover, only once.
    """
    harness = build(names)
    scheduler, system = harness.scheduler, harness.scheduler.system
    by_name = {name: partial(handlers[name], harness) for name in names}
    ends: set[int] = set()
    for _ in scheduler.all_orders([by_name[name] for name in names]):
        if scheduler.is_new_end(ends):
            scheduler.retry()
            found = settle(system, FaultPlan({}))
            heal(system, Schedule.AT_ONCE, FaultPlan({}))
            yield found + breaches(system)
