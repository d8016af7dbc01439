"""Latencies and limits of the simulation, each with its source.

`assumed`: the vendor publishes no figure. `measured`: `python -m tests.bench.capacity --calibrate` measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure, its unit and its source."""

    value: float
    unit: str
    source: str


_DYNAMODB: Final = "docs.aws.amazon.com/amazondynamodb/latest/developerguide"
_LAMBDA: Final = "docs.aws.amazon.com/lambda/latest/dg"
_SINGLE_DIGIT: Final = f"{_DYNAMODB}/Introduction.html: single-digit milliseconds; assumed"
_CPU: Final = "measured on one core at 2.5 GHz, CPython 3.11"

LIMITS: Final[Mapping[str, Limit]] = {
    # --- DynamoDB
    "partition_write_units": Limit(1_000, "WRU/s", f"{_DYNAMODB}/bp-partition-key-design.html"),
    "partition_read_units": Limit(3_000, "RRU/s", f"{_DYNAMODB}/bp-partition-key-design.html"),
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
    "topic_messages": Limit(
        9_000, "messages/s", "docs.aws.amazon.com/general/latest/gr/sns.html: 30,000 in us-east-1, 300 in the smallest"
    ),
    "stripe_request": Limit(200.0, "ms", "assumed"),
    "stripe_requests": Limit(100, "requests/s", "docs.stripe.com/rate-limits: live mode"),
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
"""Values in the place of these, while the simulation is calibrated."""


def value(name: str) -> float:
    """Return a limit's value. One that is not listed, such as the latency of each item, is 0."""
    if name in OTHER:
        return OTHER[name]
    return LIMITS[name].value if name in LIMITS else 0.0


def seconds(name: str) -> float:
    """Return a time in seconds."""
    return value(name) / 1_000
