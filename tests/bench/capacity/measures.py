"""Figures of the capacity table, and how they follow from simulated runs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.domain.work import RUN_TIME
from tests.bench.capacity.functions import SimulatedCloud
from tests.bench.capacity.limits import CPU, MEASURED_CPU, scaled

FIGURES: Final = Path(__file__).with_name("figures.json")
FUNCTIONS: Final = 16
"""Functions of one worker that run at the same time."""
RATES: Final = (1, 10, 100, 1_000)
"""Entries a second while something is away for an hour."""
OUTAGE: Final = 3_600
PERIOD: Final = 300
"""Seconds between two runs of the sweep and the audit on a part (infra/resources.yaml)."""
RUN: Final = RUN_TIME.total_seconds()
_FOREVER: Final = 100_000
_OF_EACH_RUN: Final = frozenset({CPU, "lambda_invocation"})
_IF_THROTTLED: Final = frozenset({"partition_write_units", "partition_read_units", "topic_messages", "retry_pause"})


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """A worker's row: what it holds, what limits it, and the minutes until an hour's outage is made up for, by rate.

    `messages`: those that the worker itself publishes for an item.
    """

    worker: str
    unit: str
    per_second: float
    at_measured_cpu: float
    limit: str
    recovery: Sequence[float | None]
    messages: float

    def cells(self) -> list[str]:
        """Format the row."""
        ends = [f"{minutes:,.0f} min" if minutes is not None else "never" for minutes in self.recovery]
        held = f"{self.per_second:,.0f} {self.unit}", f"{self.at_measured_cpu:,.0f}"
        return [self.worker, *held, self.limit, *ends, f"{self.messages:.2f}"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Simulated invocations: the seconds from the first one's begin to the last one's end, and the costs they have."""

    items: int
    seconds: float
    messages: int
    costs: frozenset[str]

    @property
    def each(self) -> float:
        """Seconds per item."""
        return self.seconds / self.items


def measure(cloud: SimulatedCloud, items: int, calls: Sequence[Callable[[], Any]]) -> Run:
    """Run the calls at the same time, each in a function of its own."""
    began, published = cloud.simulation.seconds, cloud.messaging.published
    calls_before, throttled = cloud.costs.calls.copy(), cloud.costs.throttled
    ends: list[float] = []

    def timed(call: Callable[[], Any]) -> None:
        call()
        ends.append(cloud.simulation.seconds)

    tasks = [cloud.invoke(lambda call=call: timed(call)) for call in calls]  # type: ignore[misc]
    cloud.simulation.run()
    for task in tasks:
        if task.error:
            raise task.error
    is_throttled = cloud.costs.throttled > throttled
    return Run(
        items=items,
        seconds=max(ends) - began,
        messages=cloud.messaging.published - published,
        costs=_OF_EACH_RUN.union(cloud.costs.calls - calls_before, _IF_THROTTLED if is_throttled else ()),
    )


def limit_of(simulate: Callable[[], Run]) -> str:
    """Name the cost whose half raises the rate most, and by how much. Each cost is halved in a run of its own."""
    run = simulate()
    gains: dict[str, float] = {}
    for cost in sorted(run.costs):
        with scaled(cost, 0.5):
            gains[cost] = run.each / simulate().each - 1
    most = max(gains, key=lambda cost: gains[cost])
    return f"{most if most == CPU else f'`{most}`'} (+{gains[most]:.0%})"


def at_measured_cpu(simulate: Callable[[], Run]) -> float:
    """Return the items a second with the CPU time that the calibration measured."""
    with scaled(CPU, MEASURED_CPU):
        return 1 / simulate().each


def minutes_after_outage(rate: float, capacity: float) -> float | None:
    """Return the minutes in which a worker that holds `capacity` makes up for an hour. None: never."""
    return OUTAGE * rate / (capacity - rate) / 60 if capacity > rate else None


def minutes_of_runs(rate: float, repair: float, passing: float, delay: float) -> float | None:
    """Return the minutes in which runs of a scheduled worker relay the entries of an hour.

    Args:
        rate: entries a second, in all parts.
        repair: seconds for an entry of the outage.
        passing: seconds for a later entry, which needs nothing.
        delay: seconds that an entry waits before a run reads it.
    """
    own = rate / JOURNAL_SHARDS
    done, posted = 0.0, own * OUTAGE
    for run in range(_FOREVER):
        now = OUTAGE + run * PERIOD
        left = RUN - passing * own * PERIOD
        due = min(posted, own * (now - delay)) - done
        if left <= 0:
            return None
        repaired = min(due, left / repair)
        done += repaired
        if done > posted - 1e-6:
            return (run * PERIOD + repaired * repair) / 60
    return None


def read() -> Any:
    """Read the figures of the last run that was stored."""
    return json.loads(FIGURES.read_text())


def to_json(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]
