"""The journal in DynamoDB, with the reads of sweep and audit. Writes only watermarks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pynamodb.exceptions import DoesNotExist

from chalicelib.adapters.dynamodb.keys import (
    ENTRIES,
    JOURNAL_SHARDS,
    RECEIVED,
    SHARD,
    WALLET,
    WATERMARK,
    entry_key,
    hour_key,
    received_key,
    shard_key,
    user_id_of,
    wallet_key,
    watermark_key,
)
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, EntryRow, ShardRow, WalletRow, WatermarkRow, bind
from chalicelib.adapters.dynamodb.transactions import transient_errors
from chalicelib.domain.journal import JournalLine, Mismatch
from chalicelib.domain.purchases import Status

_MAX_ATTEMPTS: Final = 3


class DynamoJournal:
    """The Journal port over PynamoDB.

    Args:
        table_name: the table.
    """

    def __init__(self, table_name: str) -> None:
        bind(table_name)

    def read_hour(self, hour: datetime) -> Sequence[JournalLine]:
        """Cost: 16 queries."""
        with transient_errors():
            return [
                _line(row) for shard in range(JOURNAL_SHARDS) for row in EntryRow.journal.query(hour_key(hour, shard))
            ]

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        """Cost: one read per hundred lines."""
        gifts = {
            (shard_key(line.creator_id, line.shard), received_key(line.event_id)): line
            for line in lines
            if line.creator_id is not None
        }
        others = {
            (wallet_key(line.user_id), entry_key(line.entry_id)): line for line in lines if line.creator_id is None
        }
        with transient_errors():
            received = {(row.pk, row.sk) for row in CreatorEntryRow.batch_get(gifts, consistent_read=True)}
            published = {
                (row.pk, row.sk)
                for row in EntryRow.batch_get(others, consistent_read=True)
                if row.published_at is not None  # type: ignore[redundant-expr]  # the attribute may be null
            }
        left = gifts.keys() - received | others.keys() - published
        return [line for found in (gifts, others) for its_key, line in found.items() if its_key in left]

    def wallet_mismatch(self, user_id: str) -> Mismatch | None:
        for _ in range(_MAX_ATTEMPTS):
            with transient_errors():
                before = _wallet_coins(user_id)
                rows = EntryRow.query(wallet_key(user_id), EntryRow.sk.startswith(ENTRIES), consistent_read=True)
                added_up = sum(row.coins for row in rows if row.status == Status.POSTED)
                if added_up == before:
                    return None
                # Entries and total are separate reads: the comparison is valid only if the total did not change.
                if _wallet_coins(user_id) == before:
                    return Mismatch(what=f"wallet/{user_id}", stored=before, added_up=added_up)
        return None

    def shard_mismatch(self, creator_id: str, shard: int) -> Mismatch | None:
        for _ in range(_MAX_ATTEMPTS):
            with transient_errors():
                before = _shard(creator_id, shard)
                rows = list(
                    CreatorEntryRow.query(
                        shard_key(creator_id, shard), CreatorEntryRow.sk.startswith(RECEIVED), consistent_read=True
                    )
                )
                after = _shard(creator_id, shard)
            if before == after:
                return _shard_fault(f"creator/{creator_id}/{shard}", before, rows)
        return None

    def read_watermark(self, name: str) -> datetime | None:
        with transient_errors():
            try:
                return WatermarkRow.get(watermark_key(name), WATERMARK, consistent_read=True).at
            except DoesNotExist:
                return None

    def move_watermark(self, name: str, to: datetime) -> None:
        with transient_errors():
            WatermarkRow(watermark_key(name), WATERMARK).update([WatermarkRow.at.set(to)])


def _line(row: EntryRow) -> JournalLine:
    posted_at, entry_id = (row.journal_at or "").split("#")
    return JournalLine(
        user_id=user_id_of(row.pk),
        entry_id=entry_id,
        event_id=row.event_id or "",
        kind=row.kind,
        coins=row.coins,
        posted_at=datetime.fromisoformat(posted_at),
        creator_id=row.creator_id,
        shard=row.shard or 0,
    )


def _wallet_coins(user_id: str) -> int:
    try:
        return WalletRow.get(wallet_key(user_id), WALLET, consistent_read=True).coins
    except DoesNotExist:
        return 0


def _shard_fault(what: str, total: tuple[int, int], rows: Sequence[CreatorEntryRow]) -> Mismatch | None:
    coins, sequence = total
    if (added_up := sum(row.coins for row in rows)) != coins:
        return Mismatch(what=what, stored=coins, added_up=added_up)
    # With as many entries as places, each place must be taken once.
    taken = len({row.sequence for row in rows} & set(range(1, sequence + 1)))
    found = len(rows) if len(rows) != sequence else taken
    return None if found == sequence else Mismatch(what=f"{what}/sequence", stored=sequence, added_up=found)


def _shard(creator_id: str, shard: int) -> tuple[int, int]:
    try:
        row = ShardRow.get(shard_key(creator_id, shard), SHARD, consistent_read=True)
    except DoesNotExist:
        return 0, 0
    return row.coins, row.sequence
