"""Rows of the table become values of the domain, and back."""

from typing import TypeVar

from chalicelib.adapters.tables import EntryRow, WalletRow, entry_key, journal_at, journal_hour, wallet_key
from chalicelib.domain.ledger import PENDING_LIFE, Entry, Gift, Purchase, Status, Wallet

Present = TypeVar("Present")


def to_wallet(user_id: str, row: WalletRow) -> Wallet:
    """The wallet that the row holds."""
    return Wallet(user_id=user_id, coins=row.coins, is_frozen=row.frozen_at is not None)


def to_entry(row: EntryRow) -> Entry:
    """The entry that the row holds.

    Raises:
        ValueError: the row is not one of ours.
    """
    user_id, entry_id = row.pk.removeprefix("WALLET#"), row.sk.removeprefix("ENTRY#")
    if row.status == Status.POSTED.value and None in (row.posted_at, row.event_id):
        raise ValueError("a posted entry does not say when, or under which id")
    if row.kind == "purchase":
        return Purchase(
            purchase_id=entry_id,
            user_id=user_id,
            bundle_id=_there(row.bundle_id),
            channel=_there(row.channel),
            coins=_there(row.coins),
            amount_minor=_there(row.amount_minor),
            currency=_there(row.currency),
            created_at=_there(row.created_at),
            status=Status(row.status),
            posted_at=row.posted_at,
            event_id=row.event_id,
            payment_intent=row.payment_intent,
        )
    if row.kind == "gift":
        return Gift(
            gift_id=entry_id,
            user_id=user_id,
            event_id=_there(row.event_id),
            creator_id=_there(row.creator_id),
            lane=_there(row.lane),
            item_id=_there(row.item_id),
            quantity=_there(row.quantity),
            price_coins=-_there(row.coins),
            posted_at=_there(row.posted_at),
            message=row.message or "",
            anonymous=bool(row.anonymous),
            stream_id=row.stream_id or "",
        )
    raise ValueError(f"an entry of unknown kind {row.kind}")


def purchase_row(purchase: Purchase) -> EntryRow:
    """The row of a pending purchase. It goes away by itself when nothing becomes of it."""
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
        ttl=int((purchase.created_at + PENDING_LIFE).timestamp()),
    )


def gift_row(gift: Gift) -> EntryRow:
    """The row of a gift: posted, and in the journal, from the first moment."""
    return EntryRow(
        pk=wallet_key(gift.user_id),
        sk=entry_key(gift.gift_id),
        kind="gift",
        status=Status.POSTED.value,
        coins=-gift.price_coins,
        created_at=gift.posted_at,
        posted_at=gift.posted_at,
        event_id=gift.event_id,
        journal_hour=journal_hour(gift.posted_at, gift.event_id),
        journal_at=journal_at(gift.posted_at, gift.gift_id),
        creator_id=gift.creator_id,
        lane=gift.lane,
        item_id=gift.item_id,
        quantity=gift.quantity,
        message=gift.message or None,
        anonymous=gift.anonymous or None,
        stream_id=gift.stream_id or None,
    )


def _there(value: Present | None) -> Present:
    if value is None:
        raise ValueError("an attribute of the row is missing")
    return value
