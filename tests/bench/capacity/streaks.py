"""The streaks' worker: checks of streaks that end, and of active ones."""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from chalicelib.adapters.dynamodb.keys import WALLET, wallet_key
from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.domain.streaks import Delivery, ScheduledCheck
from chalicelib.usecases.streaks import check_streaks
from tests.bench.capacity import measures
from tests.bench.capacity.functions import STREAK_PAUSE, SimulatedCloud, simulated_cloud
from tests.bench.capacity.limits import seconds
from tests.bench.capacity.measures import FUNCTIONS, RATES, Capacity, Run, limit_of, measure, minutes_after_outage
from tests.bench.capacity.rows import fans, item_of
from tests.fakes import START
from tests.table_expressions import Item

BATCH: Final = 10
"""Messages of an invocation (chalicelib/workers.py)."""


def streaks_capacity(batches: int) -> Capacity:
    """Measure functions whose checks all end a streak, which costs the most: each entry began one."""
    ending, active = streaks_run(FUNCTIONS, batches, is_active=False), streaks_run(FUNCTIONS, batches, is_active=True)
    per_second = ending.items / ending.seconds
    limits = [limit_of(lambda each=each: streaks_run(1, 1, is_active=each)) for each in (False, True)]  # type: ignore[misc]
    return Capacity(
        worker="streaks",
        unit="ends/s",
        per_second=per_second,
        at_measured_cpu=measures.at_measured_cpu(lambda: streaks_run(FUNCTIONS, batches, is_active=False)),
        limit=f"{limits[0]}; active ones {active.items / active.seconds:,.0f}/s: {limits[1]}",
        recovery=[minutes_after_outage(rate, per_second) for rate in RATES],
        messages=ending.messages / ending.items,
    )


def streaks_run(functions: int, batches: int, *, is_active: bool) -> Run:
    """Check streaks by functions at the same time."""
    with simulated_cloud() as cloud:
        checks = functions * batches * BATCH
        people = list(islice(fans(), checks))
        at = START + timedelta(hours=is_active)
        for fan in people:
            cloud.table.put(_wallet(fan, at))
        cloud.simulation.seconds = (STREAK_PAUSE / 2 + timedelta(hours=1)).total_seconds()
        deliveries = [_delivery(fan) for fan in people]
        size = batches * BATCH
        own = [deliveries[start : start + size] for start in range(0, checks, size)]
        run = measure(cloud, checks, [lambda mine=mine: _check(cloud, mine) for mine in own])  # type: ignore[misc]
        ended = sum("streak_id" not in cloud.table.items[wallet_key(fan), WALLET] for fan in people)
        assert ended == (0 if is_active else checks), f"{ended} of {checks} streaks ended"
        return run


def _check(cloud: SimulatedCloud, deliveries: list[Delivery]) -> None:
    for start in range(0, len(deliveries), BATCH):
        check_streaks(deliveries[start : start + BATCH], cloud)
        cloud.simulation.sleep(seconds("lambda_invocation"))


def _wallet(fan: str, at: datetime) -> Item:
    row = WalletRow(wallet_key(fan), WALLET, coins=100, streak_id=f"streak-of-{fan}", streak_creator="creator-1")
    row.streak_item, row.streak_anonymous, row.streak_shard = "rose", False, 0
    row.streak_count, row.streak_coins, row.streak_at = 3, 21, at
    return item_of(row)


def _delivery(fan: str) -> Delivery:
    return Delivery(
        message_id=fan,
        receipt=fan,
        message="",
        check=ScheduledCheck(user_id=fan, streak_id=f"streak-of-{fan}", failures=0),
        received=1,
        sent_at=START,
    )
