"""Gifts to one creator: the relay by shards of the creator and of the table's stream, and a naive design beside it.

More gifts arrive than are held. All are simulated for a second, of which the first 0.4 do not count.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import stream_records
from chalicelib.adapters.dynamodb.keys import SHARD, WALLET, shard_key, wallet_key
from chalicelib.adapters.dynamodb.mapping import gift_row
from chalicelib.adapters.dynamodb.models import EntryRow, ShardRow, WalletRow
from chalicelib.adapters.dynamodb.transactions import Transactions
from chalicelib.domain.gifts import Gift
from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_records
from tests.bench.capacity.functions import SimulatedCloud, simulated_cloud
from tests.bench.capacity.limits import seconds, value
from tests.bench.capacity.relay import BATCH
from tests.bench.capacity.rows import PRICE, fans, gift_at, item_of, posted
from tests.table_expressions import Item

CREATOR: Final = "popular"
CREATOR_SHARDS: Final = (1, 4, 16, 64)
STREAM_SHARDS: Final = (4, 16, 64, 500)
MOST: Final = 2_500
"""Gifts a second that are simulated at most."""
_SECONDS: Final = 1.0
_WARM_UP: Final = 0.4


@dataclass(frozen=True, kw_only=True)
class Popular:
    """Gifts a second to one creator over its shards: by shards of the stream, and by the naive design.

    `refused` is the share of the naive design's gifts that the fan must send again.
    """

    creator_shards: int
    held: list[float]
    naive: float
    refused: float

    def cells(self) -> list[str]:
        """Format the row."""
        held = [f"{MOST:,} or more" if each > 0.97 * MOST else f"{each:,.0f}" for each in self.held]
        return [str(self.creator_shards), *held, f"{self.naive:,.0f}, {self.refused:.0%} refused"]


def popular_creators() -> list[Popular]:
    """Measure all numbers of shards."""
    return [_measured(shards) for shards in CREATOR_SHARDS]


def _measured(shards: int) -> Popular:
    # A received gift is a write of two units, and each batch has two for the shard.
    offered = min(MOST, int(shards * value("partition_write_units") / 2 * 1.4))
    naive, refused = naive_gifts(shards, min(MOST // 5, 100 * shards))
    return Popular(
        creator_shards=shards,
        held=[relayed_gifts(shards, stream_shards, offered) for stream_shards in STREAM_SHARDS],
        naive=naive,
        refused=refused,
    )


def relayed_gifts(creator_shards: int, stream_shards: int, per_second: int) -> float:
    """Return the gifts a second that the relay receives and publishes."""
    with simulated_cloud() as cloud:
        lanes: list[deque[tuple[float, Item]]] = [deque() for _ in range(stream_shards)]
        chance = random.Random(0)  # the same gifts in each run
        for number, (at, gift) in enumerate(_gifts(cloud, creator_shards, per_second)):
            cloud.table.put(posted(gift))
            lanes[chance.randrange(stream_shards)].append((at, cloud.table.records[number]))
        for lane in lanes:
            cloud.invoke(lambda lane=lane: _relay(cloud, lane))  # type: ignore[misc]
        cloud.simulation.run(until=_WARM_UP)
        before = cloud.messaging.published
        cloud.simulation.run(until=_SECONDS)
        return (cloud.messaging.published - before) / (_SECONDS - _WARM_UP)


def _relay(cloud: SimulatedCloud, lane: deque[tuple[float, Item]]) -> None:
    """Relay what has arrived in a shard of the stream, batch by batch. What fails is delivered again."""
    while lane:
        cloud.simulation.sleep(seconds("lambda_invocation"))
        now = cloud.simulation.seconds
        if lane[0][0] > now:
            cloud.simulation.sleep(lane[0][0] - now)
            continue
        batch = [record for at, record in (lane[place] for place in range(min(BATCH, len(lane)))) if at <= now]
        failed = set(relay_records(stream_records.posted_records(batch), stream_records.budget_records(batch), cloud))
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        done = next((place for place, number in enumerate(numbers) if number in failed), len(batch))
        for _ in range(done):
            lane.popleft()


def naive_gifts(creator_shards: int, per_second: int) -> tuple[float, float]:
    """Return the gifts a second that succeed, and the share that does not, if each gift writes the creator's total."""
    with simulated_cloud() as cloud:
        succeeded: list[float] = []
        refused: list[float] = []
        for at, gift in _gifts(cloud, creator_shards, per_second):
            cloud.table.put(item_of(WalletRow(wallet_key(gift.user_id), WALLET, coins=100)))
            cloud.invoke(lambda gift=gift: _give(cloud, gift, succeeded, refused), after=at)  # type: ignore[misc]
        cloud.simulation.run()
        return len(succeeded) / cloud.simulation.seconds, len(refused) / (len(refused) + len(succeeded))


def _give(cloud: SimulatedCloud, gift: Gift, succeeded: list[float], refused: list[float]) -> None:
    def write(transaction: TransactWrite) -> None:
        transaction.save(gift_row(gift), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
        wallet = WalletRow(wallet_key(gift.user_id), WALLET)
        transaction.update(wallet, [WalletRow.coins.add(-PRICE)], WalletRow.coins >= PRICE, return_values="ALL_OLD")
        transaction.update(ShardRow(shard_key(gift.creator_id, gift.shard), SHARD), [ShardRow.coins.add(PRICE)])

    try:
        Transactions(cloud.ledger._connection, cloud.simulation.sleep).write(write)
    except TryAgain:
        refused.append(cloud.simulation.seconds)
    else:
        succeeded.append(cloud.simulation.seconds)


def _gifts(cloud: SimulatedCloud, creator_shards: int, per_second: int) -> Iterator[tuple[float, Gift]]:
    """Generate gifts with the times of their arrival."""
    chance = random.Random(1)
    for number, fan in zip(range(int(per_second * _SECONDS)), fans(), strict=False):
        shard = chance.randrange(creator_shards)
        yield number / per_second, gift_at(cloud.clock.now(), number, fan, CREATOR, shard)
