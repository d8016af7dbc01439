"""Latencies and limits of the simulation, each with its source.

`assumed`: no figure is published, or measured. `python -m tests.bench.capacity --calibrate` prints the client's CPU
beside the assumed one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from chalicelib.services import RECONCILE_PER_SECOND


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure, its unit and its source."""

    value: float
    unit: str
    source: str


_DYNAMODB: Final = "docs.aws.amazon.com/amazondynamodb/latest/developerguide"
_LAMBDA: Final = "docs.aws.amazon.com/lambda/latest/dg"
_WARM: Final = f"{_DYNAMODB}/warm-throughput-scenarios.html: limits of each partition"
_SINGLE_DIGIT: Final = f"{_DYNAMODB}/Introduction.html: single-digit milliseconds; assumed"
_CPU: Final = "assumed"

LIMITS: Final[Mapping[str, Limit]] = {
    # --- DynamoDB
    "partition_write_units": Limit(1_000, "WRU/s", _WARM),
    "partition_read_units": Limit(3_000, "RRU/s", _WARM),
    "GetItem": Limit(5.0, "ms", _SINGLE_DIGIT),
    "Query": Limit(6.0, "ms", _SINGLE_DIGIT),
    "Query each": Limit(0.02, "ms/item", "assumed: 1 MB a request in 100 ms"),
    "BatchGetItem": Limit(6.0, "ms", _SINGLE_DIGIT),
    "BatchGetItem each": Limit(0.1, "ms/item", "assumed: the slowest of many reads answers last"),
    "PutItem": Limit(7.0, "ms", _SINGLE_DIGIT),
    "UpdateItem": Limit(7.0, "ms", _SINGLE_DIGIT),
    "TransactWriteItems": Limit(15.0, "ms", "assumed: two rounds of writes (transaction-apis.html: prepare, commit)"),
    "TransactWriteItems each": Limit(0.3, "ms/item", "assumed"),
    "retry_pause": Limit(1_000.0, "ms", "botocore, retry mode `standard`: at most 1 s before the second attempt"),
    # --- SNS, SQS, Stripe
    "PublishBatch": Limit(20.0, "ms", "assumed"),
    "PublishBatch each": Limit(0.5, "ms/message", "assumed"),
    "SendMessage": Limit(10.0, "ms", "assumed"),
    "ChangeMessageVisibilityBatch": Limit(10.0, "ms", "assumed"),
    "topic_messages": Limit(9_000, "messages/s", "assumed: the quota differs by region"),
    "stripe_request": Limit(200.0, "ms", "assumed"),
    "stripe_pace": Limit(
        RECONCILE_PER_SECOND, "requests/s", "RECONCILE_PER_SECOND; docs.stripe.com/rate-limits: 25 for each endpoint"
    ),
    # --- Lambda
    "lambda_memory": Limit(1_024, "MB", ".chalice/config.json"),
    "lambda_memory_of_a_core": Limit(1_769, "MB", f"{_LAMBDA}/configuration-memory.html: one vCPU"),
    "lambda_invocation": Limit(10.0, "ms", "assumed: from the end of an invocation to the next one of its mapping"),
    # --- CPU of our functions, on a whole core
    "cpu_request": Limit(1.0, "ms", _CPU),
    "cpu_read": Limit(0.08, "ms/item", _CPU),
    "cpu_write": Limit(0.15, "ms/item", _CPU),
    "cpu_stripe": Limit(2.0, "ms", _CPU),
    "cpu_message": Limit(0.15, "ms/message", _CPU),
}

OTHER: Final[dict[str, float]] = {}
"""Values in the place of these, while the simulation is calibrated, or a cost is scaled."""
CPU: Final = "CPU"
MEASURED_CPU: Final = 3
"""Times the assumed CPU that `--calibrate` measured at most: relay and repair. It was 1.2 for certain entries."""


def value(name: str) -> float:
    """Return a limit's value. Only the latency of each item need not be listed: it is 0."""
    if name in OTHER:
        return OTHER[name]
    if name.endswith(" each") and name not in LIMITS:
        return 0.0
    return LIMITS[name].value


def seconds(name: str) -> float:
    """Return a time in seconds."""
    return value(name) / 1_000


@contextmanager
def scaled(cost: str, factor: float) -> Iterator[None]:
    """Multiply the times of a cost, such as an operation or CPU, or divide its rate."""
    before = dict(OTHER)
    for name, limit in LIMITS.items():
        if cost == (CPU if name.startswith("cpu_") else name.removesuffix(" each")):
            OTHER[name] = value(name) * (1 / factor if limit.unit.endswith("/s") else factor)
    try:
        yield
    finally:
        OTHER.clear()
        OTHER.update(before)
