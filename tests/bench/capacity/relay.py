"""The relay: batches of the stream, each gift to another creator's shard."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from chalicelib.adapters.dynamodb import stream_records
from chalicelib.usecases.relay import relay_records
from tests.bench.capacity import measures
from tests.bench.capacity.functions import SimulatedCloud, simulated_cloud
from tests.bench.capacity.limits import seconds
from tests.bench.capacity.measures import FUNCTIONS, RATES, Capacity, Run, limit_of, measure, minutes_after_outage
from tests.bench.capacity.rows import fans, gift_at, posted

BATCH: Final = 100
"""Records of an invocation (infra/resources.yaml)."""
STREAM_SHARDS: Final = 4
"""Shards of a small table's stream. Assumed: one for each partition, of 1,000 write units, of a new table's 4,000."""


def relay_capacity(batches: int) -> Capacity:
    """Measure functions that relay what has waited. An outage leaves all entries in the stream, which delivers them."""
    run = relay_run(FUNCTIONS, batches)
    per_second = 1 / run.each
    return Capacity(
        worker="relay",
        unit="entries/s",
        per_second=per_second,
        at_measured_cpu=measures.at_measured_cpu(lambda: relay_run(FUNCTIONS, 1)),
        limit=limit_of(lambda: relay_run(2, 1)),
        recovery=[minutes_after_outage(rate, per_second) for rate in RATES],
        messages=run.messages / run.items,
    )


def relay_by_default() -> float:
    """Return the entries a second of one function for each shard of a small table's stream."""
    return 1 / relay_run(STREAM_SHARDS, batches=2).each


def relay_run(functions: int, batches: int) -> Run:
    """Relay gifts that each go to a creator's shard of their own, which costs the most."""
    with simulated_cloud() as cloud:
        entries = functions * batches * BATCH
        for number, fan in enumerate(islice(fans(), entries)):
            cloud.table.put(posted(gift_at(cloud.clock.now(), number, fan, f"creator-{number}", 0)))
        records = list(cloud.table.records)
        size = batches * BATCH
        own = [records[start : start + size] for start in range(0, entries, size)]
        run = measure(cloud, entries, [lambda mine=mine: relay(cloud, mine) for mine in own])  # type: ignore[misc]
        assert run.messages == entries, f"{run.messages} of {entries} entries published"
        return run


def relay(cloud: SimulatedCloud, records: Sequence[Mapping[str, Any]]) -> None:
    """Relay the records of a shard of the stream, one batch after the other. What fails is delivered again."""
    left = list(records)
    while left:
        batch = left[:BATCH]
        failed = relay_records(stream_records.posted_records(batch), stream_records.budget_records(batch), cloud)
        again = set(failed)
        first = next((place for place, each in enumerate(batch) if _id(each) in again), len(batch))
        del left[:first]  # Lambda delivers again from the first failure on
        cloud.simulation.sleep(seconds("lambda_invocation"))


def _id(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
