"""What calls cost, as the stores themselves report it.

A refused write reports nothing: DynamoDB bills it, and its error does not tell how much.
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
    """The cost of a transaction, as far as the store tells the truth about it."""
    # DynamoDB Local counts twelve units for two actions, and four for ten.
    return replace(cost, wru=0) if store.is_misreporting_transactions else cost
