"""Keys of the single table. No module outside this adapter knows their format."""

import zlib
from datetime import UTC, datetime
from typing import Final

from chalicelib.domain.ids import iso, uuid7_time
from chalicelib.domain.journal import JOURNAL_SHARDS

WALLET: Final = "WALLET"
"""Sort key of a wallet."""
SHARD: Final = "LANE"
"""Sort key of the total of a creator's shard."""
ENTRIES: Final = "ENTRY#"
"""Prefix of the sort keys of a wallet's entries."""
CUSTOMER: Final = "CUSTOMER"
"""Sort key of a fan's customer at the payment provider."""
OPEN: Final = "OPEN#"
"""Prefix of the sort keys of a fan's open checkouts, and of memberships without a subscription."""
MEMBERSHIPS: Final = "MEMBERSHIP#"
"""Prefix of the sort keys of a fan's memberships."""
EVER_LIVE: Final = "MEMBERSHIPS"
"""Sort key of the list of a fan's memberships that were ever live. It follows those of the memberships."""
RECEIVED: Final = "GIFT#"
"""Prefix of the sort keys of the entries that a creator's shard has received."""
REVIEWS: Final = "REVIEW#"
"""Prefix of the partition keys of reviews."""
REVIEWED: Final = "payment"
"""Sort key of the review of a payment."""
MOVED: Final = "moved#"
"""Prefix of the sort keys of the reviews of money that moved."""
OPEN_REVIEWS: Final = "REVIEWS#OPEN"
"""Journal partition of the open reviews. Sweep and audit ask for hours and never see it."""
RELAY_RUN: Final = "RELAYED"
"""Sort key of the mark of a run of the relay."""
LOOKED: Final = "LOOKED"
"""Sort key of the last read of an object of the payment provider."""
WATERMARK: Final = "WATERMARK"
"""Sort key of a background worker's position."""
SUM: Final = "SUM"
"""Sort key of a checked sum of a wallet or a creator's shard."""


def key(*parts: str) -> str:
    """Join parts into a table key. Parts hold no `#`, so distinct parts never make the same key.

    Raises:
        ValueError: a part is empty or contains the separator.
    """
    if not all(parts) or any("#" in part for part in parts):
        raise ValueError("a part of a key is empty or holds a #")
    return "#".join(parts)


def wallet_key(user_id: str) -> str:
    """Return the partition key of a fan: wallet and entries."""
    return key(WALLET, user_id)


def entry_key(entry_id: str) -> str:
    """Return the sort key of an entry. Entry ids are UUIDv7, so entries sort by time."""
    return ENTRIES + key(entry_id)


def open_key(purchase_id: str) -> str:
    """Return the sort key of an open checkout."""
    return OPEN + key(purchase_id)


def open_membership_key(membership_id: str) -> str:
    """Return the sort key of an open membership. A checkout may have the same id."""
    return OPEN + key(membership_id, "membership")


def opened_id_of(sort_key: str) -> str:
    """Return the purchase or membership id in the sort key of an open checkout."""
    return sort_key.split("#")[1]


def membership_key(membership_id: str) -> str:
    """Return the sort key of a membership. Ids are UUIDv7, so memberships sort by time."""
    return MEMBERSHIPS + key(membership_id)


def membership_keys_since(at: datetime) -> tuple[str, str]:
    """Return the first and last possible sort key of memberships whose ids are of that time or later."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return f"{MEMBERSHIPS}{milliseconds[:8]}-{milliseconds[8:]}", f"{MEMBERSHIPS}~"


def received_key(event_id: str) -> str:
    """Return the sort key of an entry that a creator's shard has received."""
    return RECEIVED + key(event_id)


def review_keys(payment_id: str, moved: str | None) -> tuple[str, str]:
    """Return the primary key of a review: of a payment, or of a state of its refunds and disputes."""
    return REVIEWS + key(payment_id), REVIEWED if moved is None else f"{MOVED}{key(moved)}"


def old_reviews(month: str) -> str:
    """Return the partition key of the first release's reviews of payments of a month, by payment."""
    return REVIEWS + key(month)


def settled_reviews(month: str) -> str:
    """Return the journal partition of the settled reviews that were opened in a month, yyyy-mm."""
    return key("REVIEWS", month)


def opened_key(opened_at: datetime, payment_id: str, moved: str | None) -> str:
    """Return the journal sort key of a review."""
    return "#".join((iso(opened_at), payment_id, review_keys(payment_id, moved)[1]))


def audit_key(act_id: str) -> str:
    """Return the partition key of an act, filed under the month of its id: a repeat in the next month finds it."""
    return key("AUDIT", f"{uuid7_time(act_id):%Y-%m}")


def look_key(object_id: str) -> str:
    """Return the partition key of the last read of an object, as reconcile names it."""
    return f"{LOOKED}#{object_id}"


def object_id_of(partition: str) -> str:
    """Return the object id in the partition key of a look."""
    return partition.removeprefix(f"{LOOKED}#")


def watermark_key(worker: str) -> str:
    """Return the partition key of a background worker's position."""
    return key(WATERMARK, worker)


def relay_run_key(run_id: str) -> str:
    """Return the partition key of the mark that a run of the relay has published all that it received."""
    return key(RELAY_RUN, run_id)


def worker_key(worker: str) -> str:
    """Return the partition key of the positions of a background worker, one for each part of its work."""
    return key("WORKER", worker)


def parked_key(worker: str, part: str) -> str:
    """Return the partition key of the items that a background worker has set aside from a part of its work."""
    return key("PARKED", worker, part)


def shard_key(creator_id: str, shard: int) -> str:
    """Return the partition key of a creator's shard."""
    return key("CREATOR", creator_id, str(shard))


def wallet_sum_key(user_id: str) -> str:
    """Return the partition key of a wallet's checked sum. It is not the wallet's, which the audit may not write."""
    return key(SUM, user_id)


def shard_sum_key(creator_id: str, shard: int) -> str:
    """Return the partition key of the checked sum of a creator's shard."""
    return key(SUM, creator_id, str(shard))


def streak_key(user_id: str, streak_id: str) -> str:
    """Return the sort key of a streak's totals in a creator's shard."""
    return key("STREAK", user_id, streak_id)


def journal_hour(posted_at: datetime, user_id: str) -> str:
    """Return an entry's journal partition: its hour, spread over 16 shards by fan.

    All new entries of a wallet are in one shard, so that a worker of that shard can add them up. A wallet takes at most
    some 250 entries a second, and a partition of the index 1,000. The first release spread entries by event id.
    """
    return hour_key(posted_at, zlib.crc32(user_id.encode()) % JOURNAL_SHARDS)


def hour_key(hour: datetime, shard: int) -> str:
    """Return one of the 16 partitions of an hour (UTC)."""
    return key(hour.astimezone(UTC).strftime("%Y-%m-%dT%H"), f"{shard:02d}")


def journal_at(posted_at: datetime, entry_id: str) -> str:
    """Return the journal sort key of an entry."""
    return key(iso(posted_at), entry_id)


def opened_at_of(sort_key: str) -> datetime:
    """Return the time of filing in the journal sort key of a review."""
    return datetime.fromisoformat(sort_key.partition("#")[0])


def item_keys(user_id: str, entry_id: str | None = None) -> dict[str, str]:
    """Return the primary key of an entry, or of the wallet, as the stream delivers it.

    The ids come from the table, also those of unreadable rows, so they are not checked again.
    """
    return {"PK": f"{WALLET}#{user_id}", "SK": WALLET if entry_id is None else f"{ENTRIES}{entry_id}"}


def user_id_of(partition: str) -> str:
    """Return the user id in the partition key of a wallet."""
    return partition.removeprefix(f"{WALLET}#")


def payment_id_of(partition: str) -> str:
    """Return the payment id in the partition key of a review."""
    return partition.removeprefix(REVIEWS)


def entry_id_of(sort_key: str) -> str:
    """Return the entry id in the sort key of an entry."""
    return sort_key.removeprefix(ENTRIES)


def creator_id_of(partition: str) -> str:
    """Return the creator id in the partition key of a shard."""
    return partition.split("#")[1]
