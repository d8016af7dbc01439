"""Round trips, write units and messages of each flow: integers, the same at every run."""

from collections.abc import Iterator
from math import ceil

from uuid_utils import uuid7

from infra.recorder import Counts
from tests.bench.calls import gifts_to, stream_records
from tests.bench.children import BenchError, require
from tests.bench.flows import BUNDLE, Flows
from tests.bench.report import Row, count
from tests.bench.world import World

BATCHES = (1, 10, 99)
"""Gifts in a batch of the relay, all of one creator's shard. One transaction takes no more than 99."""

MESSAGES_PER_REQUEST = 10
"""Of SNS."""


def rows(world: World, flows: Flows) -> list[Row]:
    """Count everything. The fan is rich afterwards."""
    return [*_buying(flows), *_giving(flows), *_giving_otherwise(flows), *_relaying(world, flows)]


def relay_write_units(gifts: int) -> int:
    """What is promised: two for each gift, and two for the shard."""
    return 2 * gifts + 2


def relay_messages(gifts: int) -> int:
    """What is promised: as few requests to SNS as it allows."""
    return ceil(gifts / MESSAGES_PER_REQUEST)


def _buying(flows: Flows) -> Iterator[Row]:
    before = flows.stripe_requests()
    opened, tally = flows.recorder.record(lambda: flows.api(flows.fan.checkout(BUNDLE)))
    yield from _ledger("checkout", tally, 1, 4)
    yield count("checkout: Stripe", flows.stripe_requests() - before, "requests", 1)
    payload = flows.pay(opened)
    before = flows.stripe_requests()
    answer, tally = flows.recorder.record(lambda: flows.api(flows.webhook(payload)))
    require(answer, 200, outcome="credited")
    yield from _ledger("credited webhook", tally, 1, 5)
    answer, tally = flows.recorder.record(lambda: flows.api(flows.webhook(payload)))
    require(answer, 200, outcome="repeated")
    yield count("the same webhook again: DynamoDB", tally.requests["dynamodb"], "requests", 1)
    yield count("both webhooks: Stripe", flows.stripe_requests() - before, "requests", 0)


def _giving(flows: Flows) -> Iterator[Row]:
    gift = flows.fan.gift("creator")
    answer, tally = flows.recorder.record(lambda: flows.api(gift))
    require(answer, 201)
    yield from _ledger("gift", tally, 1, 5)
    answer, tally = flows.recorder.record(lambda: flows.api(gift))
    require(answer, 200)
    yield count("the same gift again: DynamoDB", tally.requests["dynamodb"], "requests", 1)


def _giving_otherwise(flows: Flows) -> Iterator[Row]:
    """All kinds, a streak, and within a budget: one round trip, and what a gift costs."""
    first = str(uuid7())
    ways = [
        ("cheer", flows.fan.coins("cheer", "creator", 5, "hello")),
        ("super chat of 80 characters", flows.fan.coins("super_chat", "creator", 50, "x" * 80)),
        ("first gift of a streak", flows.fan.gift("creator", key=first, streak_id=first)),
        ("second gift of a streak", flows.fan.gift("creator", streak_id=first)),
    ]
    for what, call in ways:
        answer, tally = flows.recorder.record(lambda call=call: flows.api(call))  # type: ignore[misc]
        require(answer, 201)
        yield from _ledger(what, tally, 1, 5)
    require(flows.api(flows.fan.budget(day=100_000, week=200_000, month=300_000)), 200)
    answer, tally = flows.recorder.record(lambda: flows.api(flows.fan.gift("creator")))
    require(answer, 201)
    yield from _ledger("gift within a budget", tally, 1, 5)


def _relaying(world: World, flows: Flows) -> Iterator[Row]:
    for gifts in BATCHES:
        for _ in range(gifts):
            require(flows.api(flows.fan.gift(f"creator-of-{gifts}")), 201)
    records = stream_records(world)
    for gifts in BATCHES:
        batch = gifts_to(f"creator-of-{gifts}", records)
        if len(batch["Records"]) != gifts:
            raise BenchError(f"the stream tells of {len(batch['Records'])} gifts, and {gifts} were sent")
        answer, tally = flows.recorder.record(lambda batch=batch: flows.relay(batch))  # type: ignore[misc]
        if answer != {"batchItemFailures": []}:
            raise BenchError(f"the relay answered {answer}")
        what = f"relay of {gifts} gift{'s' * (gifts > 1)}"
        yield from _ledger(what, tally, 2, relay_write_units(gifts))
        yield count(f"{what}: read units", tally.read_units, "RRU")
        yield count(f"{what}: SNS", tally.requests["sns"], "requests", relay_messages(gifts))


def _ledger(what: str, tally: Counts, requests: int, write_units: int) -> Iterator[Row]:
    yield count(f"{what}: DynamoDB", tally.requests["dynamodb"], "requests", requests)
    yield count(f"{what}: write units", tally.write_units, "WRU", write_units)
