"""PynamoDB models of the single table."""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.connection import Connection
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from chalicelib.adapters.aws_session import MAX_CONNECTIONS, shared_session
from chalicelib.adapters.dynamodb.attributes import EpochAttribute, InstantAttribute, IntegerAttribute


class JournalIndex(GlobalSecondaryIndex["EntryRow"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it so
    """Index of posted entries by hour. Sparse: unposted entries have no hour."""

    class Meta:
        """Attributes that the index projects in addition to its keys."""

        index_name = "journal"
        projection = IncludeProjection(["kind", "coins", "lane", "creator_id", "event_id"])

    journal_hour = UnicodeAttribute(hash_key=True)
    journal_at = UnicodeAttribute(range_key=True)


class Row(Model):
    """Base of all rows, which share its connection and therefore one client."""

    class Meta:
        """Timeouts and retries fit a request into the function's 20 seconds."""

        table_name = "unbound"
        region: str | None = None
        connect_timeout_seconds = 1
        read_timeout_seconds = 2
        max_retry_attempts = 1
        max_pool_connections = MAX_CONNECTIONS

    journal = JournalIndex()

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")


class WalletRow(Row):
    """A fan's coins, active streak and budget counters (see `budget_expressions`)."""

    coins = IntegerAttribute(default=0)
    frozen_at = InstantAttribute(null=True)
    disputes = IntegerAttribute(null=True, attr_name="d")
    paid_disputes = IntegerAttribute(null=True, attr_name="p")
    created_at = InstantAttribute(null=True)

    streak_id = UnicodeAttribute(null=True)
    streak_creator = UnicodeAttribute(null=True)
    streak_item = UnicodeAttribute(null=True)
    streak_anonymous = BooleanAttribute(null=True)
    streak_shard = IntegerAttribute(null=True, attr_name="streak_lane")
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
    checkouts_until = EpochAttribute(null=True, attr_name="o_until")
    checkouts = IntegerAttribute(null=True, attr_name="o_n")
    memberships_until = EpochAttribute(null=True, attr_name="o_mu")
    memberships = IntegerAttribute(null=True, attr_name="o_m")


class EntryRow(Row):
    """A ledger entry. `coins` is signed; attributes of other kinds and statuses are null."""

    kind = UnicodeAttribute()
    status = UnicodeAttribute()
    coins = IntegerAttribute()
    version = IntegerAttribute(default=1)
    created_at = InstantAttribute(null=True)
    posted_at = InstantAttribute(null=True)
    event_id = UnicodeAttribute(null=True)
    journal_hour = UnicodeAttribute(null=True)
    journal_at = UnicodeAttribute(null=True)
    published_at = InstantAttribute(null=True, attr_name="announced_at")
    ttl = IntegerAttribute(null=True)

    bundle_id = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(null=True)
    amount_minor = IntegerAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    payment_intent = UnicodeAttribute(null=True)
    kept_minor = IntegerAttribute(null=True)
    hold = UnicodeAttribute(null=True)
    returned: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    is_released = BooleanAttribute(null=True, attr_name="given_back")
    membership_id = UnicodeAttribute(null=True)
    is_renewal = BooleanAttribute(null=True)
    paid_until = InstantAttribute(null=True)
    request_hash = UnicodeAttribute(null=True)
    quoted_minor = IntegerAttribute(null=True)
    granted_for = UnicodeAttribute(null=True)
    key_form = IntegerAttribute(null=True)

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
    coins_spent = IntegerAttribute(null=True)
    payload = JSONAttribute(null=True, attr_name="facts")


class OpenRow(Row):
    """A checkout that may still be paid: the facts of its session that its purchase does not hold.

    Unpaid purchases are ended from these rows. A posted purchase may have one, too. The TTL tidies.
    """

    kind = UnicodeAttribute(default="purchase")
    amount_minor = IntegerAttribute()
    currency = UnicodeAttribute()
    until = EpochAttribute()
    return_url = UnicodeAttribute(null=True)
    asked_at = EpochAttribute(null=True)
    ttl = IntegerAttribute()


class CustomerRow(Row):
    """A fan's customer at the payment provider, or the id of the one that was deleted there."""

    customer_id = UnicodeAttribute(null=True)
    gone_id = UnicodeAttribute(null=True)


class MembershipRow(Row):
    """A membership and its status. It has a `ttl` while it has no subscription, and once that ended unpaid.

    `counted`: the price of the first month counts in the budget. Its posting, or the release of the price, removes it.
    The row EVER_LIVE has `ever_live` alone, the ids of memberships.
    """

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
    served_until = InstantAttribute(null=True)
    request_hash = UnicodeAttribute(null=True)
    key_form = IntegerAttribute(null=True)
    is_counted = BooleanAttribute(null=True, attr_name="counted")
    ever_live = UnicodeSetAttribute(null=True)
    ttl = IntegerAttribute(null=True)


class ShardRow(Row):
    """Total of one shard of a creator, or of one streak in it."""

    coins = IntegerAttribute(default=0)
    gifts = IntegerAttribute(default=0)
    sequence = IntegerAttribute(default=0)


class CreatorEntryRow(Row):
    """An entry received by a creator's shard. `total`: the shard's coins after it; the first release kept none.

    `by` is the run of the relay that received it. That run's RelayRunRow, or `told`, says that it was published; the
    first release kept neither.
    """

    coins = IntegerAttribute()
    total = IntegerAttribute(null=True)
    received_by = UnicodeAttribute(null=True, attr_name="by")
    published_at = InstantAttribute(null=True, attr_name="told")
    sequence = IntegerAttribute()
    sender_id = UnicodeAttribute()
    gift_id = UnicodeAttribute()
    item_id = UnicodeAttribute(null=True)
    quantity = IntegerAttribute(null=True)
    streak_count = IntegerAttribute(null=True)
    streak_coins = IntegerAttribute(null=True)
    posted_at = InstantAttribute()


class RelayRunRow(Row):
    """The mark of a run of the relay that published all gifts that it received. The sweep looks for it within days."""

    ttl = IntegerAttribute()


class ReviewRow(Row):
    """A payment for manual review, and its settlement.

    Rows of the first release are filed under the month of their payment, and have no place in the journal index. A
    `copied` one has a row of the present form beside it.
    """

    reason = UnicodeAttribute()
    session_id = UnicodeAttribute()
    purchase_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    coins = IntegerAttribute()
    amount_minor = IntegerAttribute()
    currency = UnicodeAttribute()
    paid_at = InstantAttribute()
    gone_minor = IntegerAttribute(null=True)
    journal_hour = UnicodeAttribute(null=True)
    journal_at = UnicodeAttribute(null=True)
    is_copied = BooleanAttribute(null=True, attr_name="copied")

    settled_key = UnicodeAttribute(null=True)
    decision = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    actor = UnicodeAttribute(null=True)
    settled_at = InstantAttribute(null=True)


class AuditRow(Row):
    """An operator's act under its key, so that one key is one act."""

    act = UnicodeAttribute()
    user_id = UnicodeAttribute()
    reason = UnicodeAttribute()
    actor = UnicodeAttribute()
    at = InstantAttribute()


class LookRow(Row):
    """Time of the last read of an object of the payment provider. The TTL tidies."""

    at = InstantAttribute()
    ttl = IntegerAttribute()


class SumRow(Row):
    """A checked sum of a wallet, or of a creator's shard, which has a sequence. An unfinished one has `after`."""

    coins = IntegerAttribute(default=0)
    at = InstantAttribute()
    sequence = IntegerAttribute(null=True)
    is_parked = BooleanAttribute(null=True, attr_name="parked")
    after = UnicodeAttribute(null=True)


class WatermarkRow(Row):
    """Position of a background worker."""

    at = InstantAttribute()


class WorkRow(Row):
    """Position in one part of a background worker's work, and its lease."""

    at = UnicodeAttribute(null=True)
    owner = UnicodeAttribute(null=True)
    lease_until = InstantAttribute(null=True)
    since = InstantAttribute(null=True)


class ParkedRow(Row):
    """An item that a background worker has set aside. One that was handled since has no `due_at`."""

    tries = IntegerAttribute()
    parked_at = InstantAttribute()
    due_at = InstantAttribute(null=True)
    reason = UnicodeAttribute()
    ttl = IntegerAttribute(null=True)


def bind(table_name: str) -> Connection:
    """Set the rows' table. Returns their shared connection; the SDK resolves its endpoint."""
    if Row.Meta.table_name != table_name:
        Row.Meta.table_name = table_name
        Row._connection = None  # belongs to another table
    connection = Row._get_connection().connection  # PynamoDB has no public accessor
    connection._local.session = shared_session()  # else PynamoDB makes another one for its client
    return connection
