"""Figures of the capacity table, and how they follow from simulated runs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.domain.work import RUN_TIME
from tests.bench.capacity.cloud import Costs
from tests.bench.capacity.functions import SimulatedCloud
from tests.bench.capacity.simulation import Processor, Task

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


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """A worker's row: what it holds, what limits it, and the minutes until an hour's outage is made up for, by rate."""

    worker: str
    unit: str
    per_second: float
    limit: str
    recovery: Sequence[float | None]
    messages: float

    def cells(self) -> list[str]:
        """Format the row."""
        ends = [f"{minutes:,.0f} min" if minutes is not None else "never" for minutes in self.recovery]
        return [self.worker, f"{self.per_second:,.0f} {self.unit}", self.limit, *ends, f"{self.messages:.2f}"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Simulated invocations, measured: the seconds from the first one's begin to the last one's end."""

    items: int
    seconds: float
    messages: int
    limit: str
    longest: float

    @property
    def each(self) -> float:
        """Seconds per item."""
        return self.seconds / self.items


def measure(cloud: SimulatedCloud, items: int, calls: Sequence[Callable[[], Any]]) -> Run:
    """Run the calls at the same time, each in a function of its own."""
    began, published, before = cloud.simulation.seconds, cloud.messaging.published, dict(cloud.costs.waited)
    ends: list[float] = []

    def timed(call: Callable[[], Any]) -> None:
        call()
        ends.append(cloud.simulation.seconds)

    tasks = [cloud.invoke(lambda call=call: timed(call)) for call in calls]  # type: ignore[misc]
    cloud.simulation.run()
    elapsed = max(ends) - began
    return Run(
        items=items,
        seconds=elapsed,
        messages=cloud.messaging.published - published,
        limit=_limit(cloud.costs, before, [task.processor for task in _failed_first(tasks)]),
        longest=elapsed,
    )


def _failed_first(tasks: Sequence[Task]) -> Sequence[Task]:
    for task in tasks:
        if task.error:
            raise task.error
    return tasks


def _limit(costs: Costs, before: dict[str, float], processors: Sequence[Processor]) -> str:
    """Name what takes most of the time."""
    spent = {f"`{name}`": seconds - before.get(name, 0.0) for name, seconds in costs.waited.items()}
    spent["CPU"] = sum(each.busy for each in processors)
    return max(spent, key=lambda name: spent[name])


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


def write(figures: Any) -> None:
    """Store the figures of a run."""
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


def read() -> Any:
    """Read the figures of the last run that was stored."""
    return json.loads(FIGURES.read_text())


def to_json(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def batches_of(items: int, size: int) -> int:
    return ceil(items / size)
