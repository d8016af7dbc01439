"""The journal in DynamoDB, with the reads of sweep and audit. Writes nothing."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Self

from pynamodb.exceptions import DoesNotExist, PynamoDBException

from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.keys import (
    RELAY_RUN,
    WATERMARK,
    entry_key,
    hour_key,
    received_key,
    relay_run_key,
    shard_key,
    user_id_of,
    wallet_key,
    watermark_key,
)
from chalicelib.adapters.dynamodb.mapping import to_entry
from chalicelib.adapters.dynamodb.models import (
    CreatorEntryRow,
    EntryRow,
    RelayRunRow,
    WatermarkRow,
    bind,
)
from chalicelib.adapters.dynamodb.transactions import RawItem, transient_errors
from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.journal import JournalLine, PostedRecord, hour_of
from chalicelib.errors import TryAgain

log = logging.getLogger(__name__)

_UNREADABLE: Final = (TypeError, ValueError)
"""Errors of an attribute of another type or form. Errors of requests are none of these."""
_KEYS: Final = ("PK", "SK", "journal_hour", "journal_at")


class _LineRow(EntryRow):
    """An entry in the journal, or its keys alone if another attribute cannot be read."""

    @classmethod
    def from_raw_data(cls, data: RawItem) -> Self:
        try:
            row = super().from_raw_data(data)
            require(row.coins)
        except _UNREADABLE:
            row = super().from_raw_data({name: value for name, value in data.items() if name in _KEYS})
        return row


class DynamoJournal:
    """The Journal port over PynamoDB.

    Args:
        table_name: the table.
    """

    def __init__(self, table_name: str) -> None:
        bind(table_name)

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        """Cost: 1 query."""
        with transient_errors():
            rows = _LineRow.journal.query(hour_key(hour_of(after), shard), _LineRow.journal_at > after, limit=limit)
            return [_line(row) for row in rows]

    def read_records(self, refs: Sequence[EntryRef]) -> Sequence[PostedRecord]:
        """Cost: one read; one for each entry if one of them cannot be read."""
        keys = [(wallet_key(ref.user_id), entry_key(ref.entry_id)) for ref in refs]
        try:
            with transient_errors():
                return [_record(to_entry(row)) for row in EntryRow.batch_get(keys, consistent_read=True)]
        except (TryAgain, PynamoDBException):  # of the request, which says nothing about an entry
            raise
        except Exception:  # any other failure concerns one entry only
            if len(refs) > 1:
                return [record for ref in refs for record in self.read_records([ref])]
            log.exception("entry_unreadable", extra={"entry_id": refs[0].entry_id})
            return [PostedRecord(record_id=refs[0].name, ref=refs[0], entry=None)]

    def not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        """Cost: half a read unit per line, one trip per hundred lines, and one for the runs of a hundred gifts.

        Reads are not consistent: marks are only added, so an old state of a row only costs a look at its entry.
        If a row cannot be read each line is read by itself, and the unreadable ones are not certain.
        """
        try:
            return self._not_relayed(lines)
        except _UNREADABLE:
            if len(lines) > 1:
                return [found for line in lines for found in self.not_relayed([line])]
            return lines

    def _not_relayed(self, lines: Sequence[JournalLine]) -> Sequence[JournalLine]:
        gifts = {
            (shard_key(line.creator_id, line.shard), received_key(line.event_id)): line
            for line in lines
            if line.creator_id is not None
        }
        others = {
            (wallet_key(line.user_id), entry_key(line.entry_id)): line for line in lines if line.creator_id is None
        }
        with transient_errors():
            received = _published_gifts(list(CreatorEntryRow.batch_get(gifts)))
            published = {
                (row.pk, row.sk)
                for row in EntryRow.batch_get(others)
                if row.published_at is not None  # type: ignore[redundant-expr]  # the attribute may be null
            }
        left = gifts.keys() - received | others.keys() - published
        return [line for found in (gifts, others) for its_key, line in found.items() if its_key in left]

    def read_watermark(self, name: str) -> datetime | None:
        with transient_errors():
            try:
                return WatermarkRow.get(watermark_key(name), WATERMARK, consistent_read=True).at
            except DoesNotExist:
                return None


def _published_gifts(rows: Sequence[CreatorEntryRow]) -> set[tuple[str, str]]:
    """Select the keys of the gifts that were certainly published."""
    runs = {row.received_by for row in rows if row.received_by}
    marks = RelayRunRow.batch_get([(relay_run_key(run_id), RELAY_RUN) for run_id in runs])
    finished = {row.pk for row in marks}
    return {(row.pk, row.sk) for row in rows if _is_published(row, finished)}


def _is_published(row: CreatorEntryRow, finished: Collection[str]) -> bool:
    is_noted = row.published_at is not None
    return is_noted or not row.received_by or relay_run_key(row.received_by) in finished


def _record(entry: Entry) -> PostedRecord:
    ref = EntryRef(user_id=entry.user_id, entry_id=entry.entry_id)
    return PostedRecord(record_id=ref.name, ref=ref, entry=entry)


def _line(row: EntryRow) -> JournalLine:
    posted_at, entry_id = (row.journal_at or "").split("#")
    return JournalLine(
        user_id=user_id_of(row.pk),
        entry_id=entry_id,
        event_id=row.event_id or "",
        kind=row.kind or "",
        coins=row.coins or 0,
        posted_at=datetime.fromisoformat(posted_at),
        creator_id=row.creator_id,
        shard=row.shard or 0,
    )
