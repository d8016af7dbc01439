"""Costs of calls: round trips, and the capacity units that the store reports.

A rejected write reports no units, although DynamoDB bills them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.stores import DynamoStore


@dataclass(frozen=True)
class Cost:
    trips: int
    wru: float = 0
    rru: float = 0


def measured(store: DynamoStore, act: Callable[[], object]) -> Cost:
    _, tally = store.recorder.record(act)
    return Cost(tally.requests.total(), wru=tally.write_units, rru=tally.read_units)


def reported(store: DynamoStore, cost: Cost) -> Cost:
    """Drop the write units if the store reports them wrongly for transactions."""
    # DynamoDB Local reports 12 units for 2 actions, and 4 for 10.
    return replace(cost, wru=0) if store.is_misreporting_transactions else cost
