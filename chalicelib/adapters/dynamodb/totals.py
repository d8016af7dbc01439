"""Totals, their entries, and checked sums in DynamoDB. Writes checked sums only."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pynamodb.exceptions import DoesNotExist

from chalicelib.adapters.dynamodb.keys import (
    ENTRIES,
    RECEIVED,
    SHARD,
    SUM,
    WALLET,
    entry_id_of,
    received_key,
    shard_key,
    shard_sum_key,
    wallet_key,
    wallet_sum_key,
)
from chalicelib.adapters.dynamodb.membership_rows import assign
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, EntryRow, ShardRow, SumRow, WalletRow, bind
from chalicelib.adapters.dynamodb.transactions import is_done, transient_errors
from chalicelib.domain.purchases import Status
from chalicelib.domain.totals import PostedCoins, ReceivedCoins, ShardSum, ShardTotal, WalletSum, WalletTotal

_PAGE: Final = 1_000
_LAST: Final = "~"
"""Sorts after every id."""
_NEXT: Final = "!"
"""Sorts, after an id or the beginning of one, before the next id."""


class DynamoTotals:
    """The Totals port over PynamoDB.

    Args:
        table_name: the table.
    """

    def __init__(self, table_name: str) -> None:
        bind(table_name)

    def read_wallets(self, user_ids: Collection[str]) -> Mapping[str, WalletTotal]:
        """Cost: 2 read units for each wallet, and 1 request for a hundred rows."""
        with transient_errors():
            wallets = WalletRow.batch_get([(wallet_key(each), WALLET) for each in user_ids], consistent_read=True)
            coins = {row.pk: row.coins for row in wallets}
            rows = SumRow.batch_get([(wallet_sum_key(each), SUM) for each in user_ids], consistent_read=True)
            sums = {row.pk: _wallet_sum(row) for row in rows}
        return {
            each: WalletTotal(coins=coins.get(wallet_key(each), 0), checked=sums.get(wallet_sum_key(each)))
            for each in user_ids
        }

    def list_posted(self, user_id: str, after: str) -> Iterator[PostedCoins]:
        """Cost: 1 query for a thousand entries."""
        with transient_errors():
            for row in EntryRow.query(
                wallet_key(user_id),
                EntryRow.sk.between(ENTRIES + after + _NEXT, ENTRIES + _LAST),
                consistent_read=True,
                page_size=_PAGE,
            ):
                if row.status == Status.POSTED:
                    yield PostedCoins(entry_id=entry_id_of(row.sk), coins=row.coins, posted_at=row.posted_at)

    def keep_wallet(self, user_id: str, checked: WalletSum) -> None:
        """Cost: 1 write unit."""
        row = SumRow(wallet_sum_key(user_id), SUM)
        with transient_errors():
            row.update(
                [
                    SumRow.coins.set(checked.coins),
                    SumRow.at.set(checked.at),
                    assign(SumRow.is_parked, checked.is_parked or None),
                    assign(SumRow.after, checked.after),
                ]
            )

    def read_shard(self, creator_id: str, shard: int) -> ShardTotal:
        """Cost: 2 read units. The checked sum is read first, so that another run cannot store a later one meanwhile."""
        with transient_errors():
            try:
                checked = _shard_sum(SumRow.get(shard_sum_key(creator_id, shard), SUM, consistent_read=True))
            except DoesNotExist:
                checked = ShardSum()
            try:
                row = ShardRow.get(shard_key(creator_id, shard), SHARD, consistent_read=True)
                coins, sequence = row.coins, row.sequence
            except DoesNotExist:
                coins, sequence = 0, 0
        return ShardTotal(coins=coins, sequence=sequence, checked=checked)

    def find_place(self, creator_id: str, shard: int, event_id: str) -> int | None:
        """Cost: 1 read unit."""
        with transient_errors():
            try:
                row = CreatorEntryRow.get(shard_key(creator_id, shard), received_key(event_id), consistent_read=True)
            except DoesNotExist:
                return None
            return row.sequence

    def find_checked(self, entries: Collection[tuple[str, int, str]]) -> Collection[str]:
        """Cost: 3 read units for each entry, and 1 request for a hundred rows. Checked sums first, as above."""
        with transient_errors():
            names = {(creator_id, shard) for creator_id, shard, _ in entries}
            sums = SumRow.batch_get([(shard_sum_key(*each), SUM) for each in names], consistent_read=True)
            checked = {row.pk: _shard_sum(row) for row in sums}
            rows = ShardRow.batch_get([(shard_key(*each), SHARD) for each in names], consistent_read=True)
            shards = {row.pk: (row.coins, row.sequence) for row in rows}
            keys = {(shard_key(each[0], each[1]), received_key(each[2])): each for each in entries}
            received = list(CreatorEntryRow.batch_get(keys, consistent_read=True))
        totals = {}
        for each in names:
            coins, sequence = shards.get(shard_key(*each), (0, 0))
            known = checked.get(shard_sum_key(*each), ShardSum())
            totals[shard_key(*each)] = ShardTotal(coins=coins, sequence=sequence, checked=known)
        return {keys[row.pk, row.sk][2] for row in received if totals[row.pk].has_checked(row.sequence)}

    def list_received(self, creator_id: str, shard: int, after: str) -> Iterator[ReceivedCoins]:
        """Cost: 1 query for a thousand entries. Ids of events are made at posting, so the entries sort by time."""
        with transient_errors():
            for row in CreatorEntryRow.query(
                shard_key(creator_id, shard),
                CreatorEntryRow.sk.between(RECEIVED + after + _NEXT, RECEIVED + _LAST),
                consistent_read=True,
                page_size=_PAGE,
            ):
                yield ReceivedCoins(
                    event_id=row.sk.removeprefix(RECEIVED),
                    sequence=row.sequence,
                    coins=row.coins,
                    total=row.total,
                )

    def keep_shard(self, creator_id: str, shard: int, seen: ShardSum, checked: ShardSum) -> bool:
        """Cost: 1 write unit."""
        row = SumRow(shard_sum_key(creator_id, shard), SUM)
        actions = [
            SumRow.coins.set(checked.coins),
            SumRow.sequence.set(checked.sequence),
            SumRow.at.set(checked.at),
            assign(SumRow.is_parked, checked.is_parked or None),
        ]
        is_as_seen = SumRow.sequence == seen.sequence
        if seen.sequence == 0:
            is_as_seen |= SumRow.pk.does_not_exist()
        return is_done(lambda: row.update(actions, is_as_seen))


def _wallet_sum(row: SumRow) -> WalletSum:
    return WalletSum(coins=row.coins, at=row.at, is_parked=bool(row.is_parked), after=row.after)


def _shard_sum(row: SumRow) -> ShardSum:
    return ShardSum(sequence=row.sequence or 0, coins=row.coins, at=row.at, is_parked=bool(row.is_parked))
