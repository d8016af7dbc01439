"""Conversion between table rows and domain values."""

from typing import Final

from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.budget_expressions import to_budget
from chalicelib.adapters.dynamodb.freeze_expressions import open_and_lost
from chalicelib.adapters.dynamodb.keys import (
    entry_id_of,
    entry_key,
    journal_at,
    journal_hour,
    user_id_of,
    wallet_key,
)
from chalicelib.adapters.dynamodb.models import EntryRow, WalletRow
from chalicelib.adapters.dynamodb.window_expressions import open_checkouts, open_memberships
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.purchases import FORMER_KEY_FORM, PENDING_LIFE, DisputeHold, Purchase, Status
from chalicelib.domain.wallets import Streak, Wallet

_GIFTS: Final = frozenset(kind.value for kind in GiftKind)
_NOTIFICATIONS: Final = frozenset(kind.value for kind in NotificationKind)


def to_wallet(user_id: str, row: WalletRow) -> Wallet:
    """Convert a wallet row."""
    open_disputes, lost_disputes = open_and_lost(row)
    return Wallet(
        user_id=user_id,
        coins=row.coins,
        is_frozen_by_operator=row.frozen_at is not None,
        open_disputes=open_disputes,
        lost_disputes=lost_disputes,
        paid_disputes=row.paid_disputes or 0,
        streak=_streak(row),
        budget=to_budget(row),
        excluded_until=row.excluded_until,
        open_checkouts=open_checkouts(row),
        open_memberships=open_memberships(row),
    )


def _streak(row: WalletRow) -> Streak | None:
    if row.streak_id is None:
        return None  # type: ignore[unreachable]  # the attribute may be null
    return Streak(
        streak_id=row.streak_id,
        creator_id=require(row.streak_creator),
        item_id=require(row.streak_item),
        is_anonymous=require(row.streak_anonymous),
        shard=require(row.streak_shard),
        count=require(row.streak_count),
        coins=require(row.streak_coins),
        last_at=require(row.streak_at),
    )


def to_entry(row: EntryRow) -> Entry:
    """Convert an entry row. Raises ValueError for a row of another form."""
    user_id, entry_id = user_id_of(row.pk), entry_id_of(row.sk)
    if row.status == Status.POSTED.value and None in (row.posted_at, row.event_id):
        raise ValueError("a posted entry does not say when, or under which id")
    if row.kind == "purchase":
        return _purchase(user_id, entry_id, row)
    if row.kind in _GIFTS:
        return _gift(user_id, entry_id, row)
    if row.kind in _NOTIFICATIONS:
        return _notification(user_id, entry_id, row)
    return _adjustment(user_id, entry_id, row)


def _purchase(user_id: str, entry_id: str, row: EntryRow) -> Purchase:
    return Purchase(
        purchase_id=entry_id,
        user_id=user_id,
        bundle_id=require(row.bundle_id),
        channel=require(row.channel),
        coins=require(row.coins),
        amount_minor=require(row.amount_minor),
        currency=require(row.currency),
        created_at=require(row.created_at),
        status=Status(row.status),
        posted_at=row.posted_at,
        event_id=row.event_id,
        payment_intent=row.payment_intent,
        kept_minor=row.kept_minor,
        hold=DisputeHold(row.hold) if row.hold else None,
        returned_payments=frozenset(row.returned or ()),
        version=row.version,
        is_released=bool(row.is_released),
        membership_id=row.membership_id,
        is_renewal=bool(row.is_renewal),
        paid_until=row.paid_until,
        request_hash=row.request_hash,
        quoted_minor=row.quoted_minor,
        actor=row.actor,
        key_form=row.key_form or FORMER_KEY_FORM,
        failure_reason=row.reason,
    )


def _gift(user_id: str, entry_id: str, row: EntryRow) -> Gift:
    return Gift(
        gift_id=entry_id,
        user_id=user_id,
        event_id=require(row.event_id),
        creator_id=require(row.creator_id),
        shard=require(row.shard),
        item_id=require(row.item_id) if row.kind == GiftKind.GIFT.value else None,
        quantity=require(row.quantity),
        price_coins=-require(row.coins),
        posted_at=require(row.posted_at),
        kind=GiftKind(row.kind),
        message=row.message or "",
        anonymous=bool(row.anonymous),
        sender_name=row.sender_name,
        stream_id=row.stream_id,
        streak_id=row.streak_id,
        color=row.color,
        pin_seconds=row.pin_seconds or 0,
    )


def _adjustment(user_id: str, entry_id: str, row: EntryRow) -> Adjustment:
    kind = Kind(row.kind)
    has_creator = kind is Kind.GIFT_REVERSAL
    return Adjustment(
        entry_id=entry_id,
        user_id=user_id,
        kind=kind,
        coins=require(row.coins),
        posted_at=require(row.posted_at),
        event_id=require(row.event_id),
        about=row.about,
        reason=row.reason,
        actor=row.actor,
        coins_spent=row.coins_spent,
        creator_id=require(row.creator_id) if has_creator else None,
        shard=require(row.shard) if has_creator else 0,
    )


def _notification(user_id: str, entry_id: str, row: EntryRow) -> NotificationEntry:
    return NotificationEntry(
        entry_id=entry_id,
        user_id=user_id,
        kind=NotificationKind(row.kind),
        posted_at=require(row.posted_at),
        event_id=require(row.event_id),
        payload=require(row.payload),
        creator_id=row.creator_id,
        shard=row.shard or 0,
    )


def purchase_row(purchase: Purchase) -> EntryRow:
    """Build the row of a pending purchase. Its TTL deletes it unless it is paid."""
    return EntryRow(
        pk=wallet_key(purchase.user_id),
        sk=entry_key(purchase.purchase_id),
        kind="purchase",
        status=purchase.status.value,
        coins=purchase.coins,
        bundle_id=purchase.bundle_id,
        channel=purchase.channel,
        amount_minor=purchase.amount_minor,
        currency=purchase.currency,
        created_at=purchase.created_at,
        request_hash=purchase.request_hash,
        key_form=purchase.key_form,
        ttl=int((purchase.created_at + PENDING_LIFE).timestamp()),
    )


def posted_row(purchase: Purchase) -> EntryRow:
    """Build the row of a posted purchase that was never pending, such as a month, in the journal."""
    row = purchase_row(purchase)
    row.ttl = None
    row.posted_at, row.event_id = require(purchase.posted_at), require(purchase.event_id)
    row.journal_hour = journal_hour(row.posted_at, purchase.user_id)
    row.journal_at = journal_at(row.posted_at, purchase.purchase_id)
    row.payment_intent = purchase.payment_intent
    row.membership_id = purchase.membership_id
    row.is_renewal = purchase.is_renewal or None
    row.paid_until = purchase.paid_until
    row.quoted_minor, row.actor = purchase.quoted_minor, purchase.actor
    return row


def gift_row(gift: Gift) -> EntryRow:
    """Build the row of a gift, posted and in the journal."""
    return EntryRow(
        pk=wallet_key(gift.user_id),
        sk=entry_key(gift.gift_id),
        kind=gift.kind.value,
        status=Status.POSTED.value,
        coins=-gift.price_coins,
        posted_at=gift.posted_at,
        event_id=gift.event_id,
        journal_hour=journal_hour(gift.posted_at, gift.user_id),
        journal_at=journal_at(gift.posted_at, gift.gift_id),
        creator_id=gift.creator_id,
        shard=gift.shard,
        item_id=gift.item_id,
        quantity=gift.quantity,
        message=gift.message or None,
        anonymous=gift.anonymous or None,
        sender_name=gift.sender_name,
        stream_id=gift.stream_id,
        streak_id=gift.streak_id,
        color=gift.color,
        pin_seconds=gift.pin_seconds or None,
    )


def adjustment_row(adjustment: Adjustment) -> EntryRow:
    """Build the row of an adjustment, posted and in the journal."""
    return EntryRow(
        pk=wallet_key(adjustment.user_id),
        sk=entry_key(adjustment.entry_id),
        kind=adjustment.kind.value,
        status=Status.POSTED.value,
        coins=adjustment.coins,
        created_at=adjustment.posted_at,
        posted_at=adjustment.posted_at,
        event_id=adjustment.event_id,
        journal_hour=journal_hour(adjustment.posted_at, adjustment.user_id),
        journal_at=journal_at(adjustment.posted_at, adjustment.entry_id),
        about=adjustment.about,
        reason=adjustment.reason,
        actor=adjustment.actor,
        coins_spent=adjustment.coins_spent,
        creator_id=adjustment.creator_id,
        shard=adjustment.shard if adjustment.creator_id else None,
    )


def notification_row(notification: NotificationEntry) -> EntryRow:
    """Build the row of a notification, posted and in the journal."""
    return EntryRow(
        pk=wallet_key(notification.user_id),
        sk=entry_key(notification.entry_id),
        kind=notification.kind.value,
        status=Status.POSTED.value,
        coins=0,
        created_at=notification.posted_at,
        posted_at=notification.posted_at,
        event_id=notification.event_id,
        journal_hour=journal_hour(notification.posted_at, notification.user_id),
        journal_at=journal_at(notification.posted_at, notification.entry_id),
        creator_id=notification.creator_id,
        shard=notification.shard if notification.creator_id else None,
        payload=dict(notification.payload),
    )
