"""Creators' shards: received entries and their sequence."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Final

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.keys import SHARD, received_key, shard_key, streak_key
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, ShardRow
from chalicelib.adapters.dynamodb.transactions import MAX_ATTEMPTS, Conflict, Refused, Transactions, transient_errors
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.entries import ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.shards import MAX_SHARDS, ShardPosition, streak_of
from chalicelib.errors import TryAgain

MAX_RECEIVE_ATTEMPTS: Final = 2 * MAX_ATTEMPTS
"""Attempts to take the next sequences, each after a read, while other batches take them."""


def receive_gifts(
    transactions: Transactions, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None
) -> Mapping[str, ShardPosition]:
    """Post entries to a shard. Cost: 2 write units per entry, 2 for the shard and 2 per streak."""
    received: dict[str, ShardPosition] = {}
    for _ in range(MAX_RECEIVE_ATTEMPTS):
        missing = [gift for gift in gifts if gift.event_id not in received]
        if not missing:
            return received
        position = _Receiving(shard_key(creator_id, shard), missing, run_id)
        try:
            transactions.write(position.write, attempts=1)
        except Conflict:
            continue  # the other batch takes these sequences, so they are read again
        except Refused as refused:
            # An earlier delivery of the record received the gift, which keeps its sequence.
            for gift, old_item in zip(missing, refused.old_items, strict=False):
                if old_item:
                    received[gift.event_id] = _to_receipt(CreatorEntryRow.from_raw_data(old_item))
            if any(refused.failed[len(missing) :]):
                transactions.wait()  # another batch took these sequences first
        else:
            return received | position.batches_by_shard
    raise TryAgain("The creator's shard is busy.")


def creator_coins(creator_id: str) -> int:
    """Sum the coins of all shards, including those of earlier settings. Cost: 1 read."""
    shards = [(shard_key(creator_id, shard), SHARD) for shard in range(MAX_SHARDS)]
    with transient_errors():
        return sum(row.coins for row in ShardRow.batch_get(shards, consistent_read=True))


class _Receiving:
    """One attempt to append the missing entries after the sequence that was read."""

    def __init__(self, shard: str, gifts: Sequence[ShardEntry], run_id: str | None) -> None:
        self._shard, self._gifts, self._run_id = shard, gifts, run_id
        streaks = dict.fromkeys(streak_key(*streak) for gift in gifts if (streak := streak_of(gift)))
        found = {row.sk: row for row in _read(shard, streaks)}
        self._seen, self._coins = (found[SHARD].sequence, found[SHARD].coins) if SHARD in found else (0, 0)
        self._streaks = {name: found.get(name, ShardRow(shard, name)) for name in streaks}
        self.batches_by_shard = dict(self._places())

    def write(self, transaction: TransactWrite) -> None:
        """Add the writes, conditional on the shard's unchanged sequence."""
        totals = accumulate((gift.creator_coins for gift in self._gifts), initial=self._coins)
        for gift, total in zip(self._gifts, islice(totals, 1, None), strict=True):
            row = _creator_row(self._shard, gift, self.batches_by_shard[gift.event_id], total)
            transaction.save(row, CreatorEntryRow.pk.does_not_exist(), return_values="ALL_OLD")
        transaction.update(
            ShardRow(self._shard, SHARD),
            [
                ShardRow.coins.add(sum(gift.creator_coins for gift in self._gifts)),
                ShardRow.gifts.add(sum(isinstance(gift, Gift) for gift in self._gifts)),
                ShardRow.sequence.set(self._seen + len(self._gifts)),
            ],
            ShardRow.sequence == self._seen if self._seen else ShardRow.sequence.does_not_exist(),
        )
        for name, seen in self._streaks.items():
            self._count(transaction, name, seen)

    def _count(self, transaction: TransactWrite, name: str, seen: ShardRow) -> None:
        taps = [gift for gift in self._gifts if (streak := streak_of(gift)) and streak_key(*streak) == name]
        transaction.update(
            ShardRow(self._shard, name),
            [ShardRow.coins.add(sum(tap.creator_coins for tap in taps)), ShardRow.gifts.add(len(taps))],
            # Shard and streak are separate reads, so each has its own condition.
            ShardRow.gifts == seen.gifts if seen.gifts else ShardRow.gifts.does_not_exist(),
        )

    def _places(self) -> Iterator[tuple[str, ShardPosition]]:
        totals = {name: (row.gifts, row.coins) for name, row in self._streaks.items()}
        for sequence, gift in enumerate(self._gifts, start=self._seen + 1):
            count, coins = 0, 0
            if streak := streak_of(gift):
                before, spent = totals[streak_key(*streak)]
                count, coins = totals[streak_key(*streak)] = before + 1, spent + gift.creator_coins
            yield (
                gift.event_id,
                ShardPosition(sequence=sequence, streak_count=count, streak_coins=coins, received_by=self._run_id),
            )


def _read(shard: str, streaks: Collection[str]) -> Sequence[ShardRow]:
    """Read the shard and its streak rows. Cost: 1 read."""
    with transient_errors():
        if streaks:
            return list(ShardRow.batch_get([(shard, name) for name in (SHARD, *streaks)], consistent_read=True))
        try:
            return [ShardRow.get(shard, SHARD, consistent_read=True)]
        except DoesNotExist:
            return []


def _creator_row(shard: str, gift: ShardEntry, position: ShardPosition, total: int) -> CreatorEntryRow:
    return CreatorEntryRow(
        pk=shard,
        sk=received_key(gift.event_id),
        coins=gift.creator_coins,
        total=total,
        sequence=position.sequence,
        sender_id=gift.user_id,
        # A reversal refers to its gift, a notification to itself.
        gift_id=gift.about if isinstance(gift, Adjustment) else gift.entry_id,
        item_id=gift.item_id or None if isinstance(gift, Gift) else None,
        quantity=gift.quantity if isinstance(gift, Gift) else None,
        streak_count=position.streak_count or None,
        streak_coins=position.streak_coins or None,
        posted_at=gift.posted_at,
        received_by=position.received_by,
    )


def _to_receipt(row: CreatorEntryRow) -> ShardPosition:
    return ShardPosition(
        sequence=row.sequence,
        streak_count=row.streak_count or 0,
        streak_coins=row.streak_coins or 0,
        received_by=row.received_by,
        is_published=row.published_at is not None,
    )
