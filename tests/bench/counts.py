"""Requests, write units and messages of each flow: integers that are the same in every run."""

from collections.abc import Iterator
from math import ceil

from uuid_utils import uuid7

from infra.recorder import Counts
from tests.bench.calls import gifts_to, stream_records
from tests.bench.children import BenchError, require, require_relayed
from tests.bench.flows import BUNDLE, Flows
from tests.bench.report import Row, count
from tests.bench.stack import Stack

BATCHES = (1, 10, 99)
"""Gifts in a batch of the relay, all in one shard. One transaction holds at most 99."""

MESSAGES_PER_REQUEST = 10
"""The most that SNS accepts."""


def rows(stack: Stack, flows: Flows) -> list[Row]:
    """Count everything. The user has the coins of a large bundle afterwards."""
    return [*_buying(flows), *_giving(flows), *_other_gifts(flows), *_relaying(stack, flows)]


def relay_write_units(gifts: int) -> int:
    """Return the limit: two units per gift, two for the shard, and one for the mark of the invocation."""
    return 2 * gifts + 3


def relay_messages(gifts: int) -> int:
    """Return the limit: as few requests as SNS allows."""
    return ceil(gifts / MESSAGES_PER_REQUEST)


def _buying(flows: Flows) -> Iterator[Row]:
    before = flows.stripe_requests()
    opened, counted = flows.recorder.record(lambda: flows.api(flows.fan.checkout(BUNDLE)))
    yield from _ledger("checkout", counted, 1, 6)
    yield count("checkout: Stripe", flows.stripe_requests() - before, "requests", 1)
    payload = flows.pay(opened)
    before = flows.stripe_requests()
    response, counted = flows.recorder.record(lambda: flows.api(flows.webhook(payload)))
    require(response, 200, outcome="credited")
    yield from _ledger("credited webhook", counted, 1, 5)
    response, counted = flows.recorder.record(lambda: flows.api(flows.webhook(payload)))
    require(response, 200, outcome="repeated")
    yield count("repeated webhook: DynamoDB", counted.requests["dynamodb"], "requests", 1)
    yield count("both webhooks: Stripe", flows.stripe_requests() - before, "requests", 0)


def _giving(flows: Flows) -> Iterator[Row]:
    gift = flows.fan.gift("creator")
    response, counted = flows.recorder.record(lambda: flows.api(gift))
    require(response, 201)
    yield from _ledger("gift", counted, 1, 5)
    response, counted = flows.recorder.record(lambda: flows.api(gift))
    require(response, 200)
    yield count("repeated gift: DynamoDB", counted.requests["dynamodb"], "requests", 1)


def _other_gifts(flows: Flows) -> Iterator[Row]:
    """Count each kind of gift, a streak, and a gift within a budget. Each costs the same as a plain gift."""
    first = str(uuid7())
    kinds = [
        ("cheer", flows.fan.coins("cheer", "creator", 5, "hello")),
        ("super chat of 80 characters", flows.fan.coins("super_chat", "creator", 50, "x" * 80)),
        ("first gift of a streak", flows.fan.gift("creator", key=first, streak_id=first)),
        ("second gift of a streak", flows.fan.gift("creator", streak_id=first)),
    ]
    for kind, call in kinds:
        response, counted = flows.recorder.record(lambda call=call: flows.api(call))  # type: ignore[misc]
        require(response, 201)
        yield from _ledger(kind, counted, 1, 5)
    require(flows.api(flows.fan.budget(day=100_000, week=200_000, month=300_000)), 200)
    response, counted = flows.recorder.record(lambda: flows.api(flows.fan.gift("creator")))
    require(response, 201)
    yield from _ledger("gift within a budget", counted, 1, 5)


def _relaying(stack: Stack, flows: Flows) -> Iterator[Row]:
    for gifts in BATCHES:
        for _ in range(gifts):
            require(flows.api(flows.fan.gift(f"creator-of-{gifts}")), 201)
    records = stream_records(stack)
    for gifts in BATCHES:
        batch = gifts_to(f"creator-of-{gifts}", records)
        if len(batch["Records"]) != gifts:
            raise BenchError(f"the stream has {len(batch['Records'])} of {gifts} gifts")
        response, counted = flows.recorder.record(lambda batch=batch: flows.relay(batch))  # type: ignore[misc]
        require_relayed(response)
        name = f"relay of {gifts} gift{'s' * (gifts > 1)}"
        yield from _ledger(name, counted, 3, relay_write_units(gifts))
        yield count(f"{name}: read units", counted.read_units, "RRU")
        yield count(f"{name}: SNS", counted.requests["sns"], "requests", relay_messages(gifts))


def _ledger(name: str, counted: Counts, requests: int, write_units: int) -> Iterator[Row]:
    yield count(f"{name}: DynamoDB", counted.requests["dynamodb"], "requests", requests)
    yield count(f"{name}: write units", counted.write_units, "WRU", write_units)
