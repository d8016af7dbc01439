"""Records of the table's stream become entries."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.adapters.rows import to_entry
from chalicelib.adapters.tables import EntryRow
from chalicelib.domain.ledger import PostedRecord, Status

log = logging.getLogger(__name__)


def posted_records(records: Sequence[Mapping[str, Any]]) -> list[PostedRecord]:
    """The records in which an entry became posted.

    The stream's filter lets no others through; but a filter is a setting, and a stamp on an entry that was posted long
    ago must not be told again, so they are sorted out here, too.

    Args:
        records: `Records` of a DynamoDB stream event, with new and old images.
    """
    return list(_posted(records))


def _posted(records: Sequence[Mapping[str, Any]]) -> Iterator[PostedRecord]:
    for record in records:
        change = record["dynamodb"]
        keys = {name: value.get("S", "") for name, value in change["Keys"].items()}
        new, old = change.get("NewImage", {}), change.get("OldImage", {})
        if not keys.get("SK", "").startswith("ENTRY#") or not _is_posted(new) or _is_posted(old):
            continue
        try:
            entry = to_entry(EntryRow.from_raw_data(new))
        except Exception:
            # Whatever is wrong with it, it is this record's trouble and not that of the rest of the batch.
            log.exception("record cannot be read", extra={"keys": keys})
            entry = None
        yield PostedRecord(record_id=change["SequenceNumber"], keys=keys, entry=entry)


def _is_posted(image: Mapping[str, Any]) -> bool:
    return bool(image.get("status") == {"S": Status.POSTED.value})
