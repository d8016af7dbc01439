"""Conversion of stream records into posted entries and changed budgets."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.adapters.dynamodb.budget_expressions import to_budget
from chalicelib.adapters.dynamodb.keys import ENTRIES, WALLET, entry_id_of, user_id_of
from chalicelib.adapters.dynamodb.mapping import to_entry
from chalicelib.adapters.dynamodb.models import EntryRow, WalletRow
from chalicelib.domain.budgets import Budget
from chalicelib.domain.entries import EntryRef
from chalicelib.domain.journal import PostedRecord
from chalicelib.domain.purchases import Status
from chalicelib.domain.reminders import BudgetRecord

log = logging.getLogger(__name__)


def posted_records(records: Sequence[Mapping[str, Any]]) -> list[PostedRecord]:
    """Select the records in which an entry became posted.

    The mapping's filter does the same, but it is configuration: a later stamp on an old entry must not publish again.

    Args:
        records: `Records` of a DynamoDB stream event, with new and old images.
    """
    return list(_posted(records))


def _posted(records: Sequence[Mapping[str, Any]]) -> Iterator[PostedRecord]:
    for record in records:
        change = record["dynamodb"]
        keys = {name: value.get("S", "") for name, value in change["Keys"].items()}
        new, old = change.get("NewImage", {}), change.get("OldImage", {})
        if not keys.get("SK", "").startswith(ENTRIES) or not _is_posted(new) or _is_posted(old):
            continue
        try:
            entry = to_entry(EntryRow.from_raw_data(new))
        except Exception:  # any failure concerns this record only
            # An unreadable record must not fail the rest of the batch.
            log.exception("record_unreadable", extra={"keys": keys})
            entry = None
        ref = EntryRef(user_id=user_id_of(keys["PK"]), entry_id=entry_id_of(keys["SK"]))
        yield PostedRecord(record_id=change["SequenceNumber"], ref=ref, entry=entry)


def budget_records(records: Sequence[Mapping[str, Any]]) -> list[BudgetRecord]:
    """Select the records in which a wallet with a budget changed.

    Args:
        records: as above.
    """
    changes = [(record["dynamodb"], record["dynamodb"].get("NewImage", {})) for record in records]
    return [
        _budget_record(change)
        for change, new in changes
        if change["Keys"].get("SK") == {"S": WALLET} and "budget" in new
    ]


def _budget_record(change: Mapping[str, Any]) -> BudgetRecord:
    keys = {name: value.get("S", "") for name, value in change["Keys"].items()}
    old: Budget | None = None
    new: Budget | None = None
    try:
        old, new = _budget(change.get("OldImage", {})), _budget(change["NewImage"])
    except Exception:  # any failure concerns this record only
        log.exception("record_unreadable", extra={"keys": keys})
    return BudgetRecord(
        record_id=change["SequenceNumber"],
        user_id=user_id_of(keys["PK"]),
        old=old,
        new=new,
    )


def _budget(image: Mapping[str, Any]) -> Budget | None:
    return to_budget(WalletRow.from_raw_data(dict(image))) if "budget" in image else None


def _is_posted(image: Mapping[str, Any]) -> bool:
    return bool(image.get("status") == {"S": Status.POSTED.value})


class _Batch(msgspec.Struct, rename="camel"):
    approximate_arrival_of_first_record: datetime
    approximate_arrival_of_last_record: datetime


class _Discarded(msgspec.Struct):
    DDBStreamBatchInfo: _Batch


def discarded_stretch(message: str) -> tuple[datetime, datetime]:
    """Parse the arrival times of the first and last record that the mapping discarded.

    Args:
        message: JSON with `DDBStreamBatchInfo`, as sent to the on-failure queue.

    Raises:
        msgspec.ValidationError: another message.
    """
    batch = msgspec.json.decode(message, type=_Discarded).DDBStreamBatchInfo
    return batch.approximate_arrival_of_first_record, batch.approximate_arrival_of_last_record
