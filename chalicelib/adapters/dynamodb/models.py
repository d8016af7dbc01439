"""The rows of the one table: PynamoDB models, and keys."""

import zlib
from datetime import UTC, datetime
from typing import Final

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamodb.attributes import EpochAttribute, InstantAttribute, IntegerAttribute
from chalicelib.domain.ids import iso

JOURNAL_SHARDS: Final = 16


def key(*parts: str) -> str:
    """A key of the table, out of parts that hold no `#`: distinct parts never make the same key.

    Raises:
        ValueError: a part is empty or holds the separator.
    """
    if not all(parts) or any("#" in part for part in parts):
        raise ValueError("a part of a key is empty or holds a #")
    return "#".join(parts)


def wallet_key(user_id: str) -> str:
    """The partition of a fan: the wallet and its entries."""
    return key("WALLET", user_id)


def entry_key(entry_id: str) -> str:
    """The sort key of an entry. Entry ids are UUIDv7, so entries sort by time."""
    return key("ENTRY", entry_id)


def membership_key(membership_id: str) -> str:
    """The sort key of a membership. Their ids are UUIDv7, so memberships sort by time."""
    return key("MEMBERSHIP", membership_id)


def shard_key(creator_id: str, shard: int) -> str:
    """The partition of one shard of a creator."""
    return key("CREATOR", creator_id, str(shard))


def journal_hour(posted_at: datetime, event_id: str) -> str:
    """The partition of the journal that an entry is in: its hour, spread over sixteen so that no hour is hot."""
    return hour_key(posted_at, zlib.crc32(event_id.encode()) % JOURNAL_SHARDS)


def hour_key(hour: datetime, shard: int) -> str:
    """One of the sixteen partitions of an hour, UTC."""
    return key(hour.astimezone(UTC).strftime("%Y-%m-%dT%H"), f"{shard:02d}")


def journal_at(posted_at: datetime, entry_id: str) -> str:
    """Where in its hour an entry stands in the journal."""
    return key(iso(posted_at), entry_id)


class JournalIndex(GlobalSecondaryIndex["EntryRow"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it so
    """Posted entries by hour of posting, for the sweep, audits and exports. Sparse: unposted entries have no hour."""

    class Meta:
        """What the index projects besides its keys."""

        index_name = "journal"
        projection = IncludeProjection(["kind", "coins", "lane", "creator_id", "event_id"])

    journal_hour = UnicodeAttribute(hash_key=True)
    journal_at = UnicodeAttribute(range_key=True)


class Row(Model):
    """What every row has. All rows share this class's connection, and so one client."""

    class Meta:
        """The limits on the way out keep a fan's request, its retries included, inside the function's 20 seconds."""

        table_name = "unbound"
        region: str | None = None
        connect_timeout_seconds = 1
        read_timeout_seconds = 2
        max_retry_attempts = 1

    journal = JournalIndex()

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")


class WalletRow(Row):
    """A fan's coins, and what the fan's own budget has left of them: see `budget_expressions`."""

    coins = IntegerAttribute(default=0)
    frozen_at = InstantAttribute(null=True)
    created_at = InstantAttribute(null=True)

    streak_id = UnicodeAttribute(null=True)
    streak_creator = UnicodeAttribute(null=True)
    streak_item = UnicodeAttribute(null=True)
    streak_anonymous = BooleanAttribute(null=True)
    streak_lane = IntegerAttribute(null=True)
    streak_count = IntegerAttribute(null=True)
    streak_coins = IntegerAttribute(null=True)
    streak_at = InstantAttribute(null=True)
    coin_day = IntegerAttribute(null=True, attr_name="c_day")
    coin_week = IntegerAttribute(null=True, attr_name="c_week")
    coin_month = IntegerAttribute(null=True, attr_name="c_month")
    money_day = IntegerAttribute(null=True, attr_name="m_day")
    money_week = IntegerAttribute(null=True, attr_name="m_week")
    money_month = IntegerAttribute(null=True, attr_name="m_month")
    day_ends = EpochAttribute(null=True)
    money_currency = UnicodeAttribute(null=True, attr_name="m_currency")
    budget = UnicodeAttribute(null=True)
    budget_version = IntegerAttribute(null=True, attr_name="b_version")
    excluded_until = EpochAttribute(null=True)


class EntryRow(Row):
    """A fact about a wallet. `coins` is signed; what is null belongs to another kind or another status."""

    kind = UnicodeAttribute()
    status = UnicodeAttribute()
    coins = IntegerAttribute()
    version = IntegerAttribute(default=1)
    created_at = InstantAttribute(null=True)
    posted_at = InstantAttribute(null=True)
    event_id = UnicodeAttribute(null=True)
    journal_hour = UnicodeAttribute(null=True)
    journal_at = UnicodeAttribute(null=True)
    announced_at = InstantAttribute(null=True)
    ttl = IntegerAttribute(null=True)

    bundle_id = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(null=True)
    amount_minor = IntegerAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    payment_intent = UnicodeAttribute(null=True)
    kept_minor = IntegerAttribute(null=True)
    is_released = BooleanAttribute(null=True, attr_name="given_back")
    membership_id = UnicodeAttribute(null=True)
    is_renewal = BooleanAttribute(null=True)
    paid_until = InstantAttribute(null=True)

    creator_id = UnicodeAttribute(null=True)
    shard = IntegerAttribute(null=True, attr_name="lane")
    item_id = UnicodeAttribute(null=True)
    quantity = IntegerAttribute(null=True)
    message = UnicodeAttribute(null=True)
    anonymous = BooleanAttribute(null=True)
    sender_name = UnicodeAttribute(null=True)
    stream_id = UnicodeAttribute(null=True)
    streak_id = UnicodeAttribute(null=True)
    color = UnicodeAttribute(null=True)
    pin_seconds = IntegerAttribute(null=True)
    reversed_by = UnicodeAttribute(null=True)

    about = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    actor = UnicodeAttribute(null=True)
    payload = JSONAttribute(null=True, attr_name="facts")


class MembershipRow(Row):
    """A membership that a fan asked for, and how it stands. It has a `ttl` until something was paid."""

    plan_id = UnicodeAttribute()
    coins = IntegerAttribute()
    amount_minor = IntegerAttribute()
    currency = UnicodeAttribute()
    created_at = InstantAttribute()
    status = UnicodeAttribute()
    version = IntegerAttribute(default=1)
    subscription_id = UnicodeAttribute(null=True)
    customer_id = UnicodeAttribute(null=True)
    paid_until = InstantAttribute(null=True)
    renews = BooleanAttribute(null=True)
    ended_reason = UnicodeAttribute(null=True)
    ttl = IntegerAttribute(null=True)


class ShardRow(Row):
    """What one shard of a creator has received: in all, or of one streak."""

    coins = IntegerAttribute(default=0)
    gifts = IntegerAttribute(default=0)
    sequence = IntegerAttribute(default=0)


class CreatorEntryRow(Row):
    """A gift as its creator's shard holds it."""

    coins = IntegerAttribute()
    sequence = IntegerAttribute()
    sender_id = UnicodeAttribute()
    gift_id = UnicodeAttribute()
    item_id = UnicodeAttribute(null=True)
    quantity = IntegerAttribute(null=True)
    streak_count = IntegerAttribute(null=True)
    streak_coins = IntegerAttribute(null=True)
    posted_at = InstantAttribute()


class ReviewRow(Row):
    """A payment that a person must look at, and what the person decided."""

    reason = UnicodeAttribute()
    session_id = UnicodeAttribute()
    purchase_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    coins = IntegerAttribute()
    amount_minor = IntegerAttribute()
    currency = UnicodeAttribute()
    paid_at = InstantAttribute()

    settled_key = UnicodeAttribute(null=True)
    decision = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    actor = UnicodeAttribute(null=True)
    settled_at = InstantAttribute(null=True)


class AuditRow(Row):
    """An act of an operator that moved no coins."""

    act = UnicodeAttribute()
    user_id = UnicodeAttribute()
    reason = UnicodeAttribute()
    actor = UnicodeAttribute()
    at = InstantAttribute()


class WatermarkRow(Row):
    """How far a worker has come."""

    at = InstantAttribute()


def bind(table_name: str) -> Connection:
    """Say which table the rows are in. Returns the connection that they share; where it leads is the SDK's business."""
    if Row.Meta.table_name != table_name:
        Row.Meta.table_name = table_name
        Row._connection = None  # it was made for another table
    return Row._get_connection().connection  # PynamoDB shows its connection nowhere else
