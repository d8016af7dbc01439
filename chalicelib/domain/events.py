"""Events of posted entries, as CloudEvents 1.0 in JSON."""

from typing import Final

from msgspec import Struct

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.posting import NotPosted
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.shards import ShardPosition

GIFT_SENT: Final = "coinpurse.gift.sent.v1"
GIFT_REVERSED: Final = "coinpurse.gift.reversed.v1"
GIFT_STREAK_ENDED: Final = "coinpurse.gift.streak_ended.v1"
COINS_CREDITED: Final = "coinpurse.coins.credited.v1"
COINS_CLAWED_BACK: Final = "coinpurse.coins.clawed_back.v1"
COINS_RESTORED: Final = "coinpurse.coins.restored.v1"
COINS_GRANTED: Final = "coinpurse.coins.granted.v1"
BUDGET_REACHED: Final = "coinpurse.budget.reached.v1"
MEMBERSHIP_STARTED: Final = "coinpurse.membership.started.v1"
MEMBERSHIP_RENEWED: Final = "coinpurse.membership.renewed.v1"
MEMBERSHIP_ENDED: Final = "coinpurse.membership.ended.v1"
MEMBERSHIP_RESUMED: Final = "coinpurse.membership.resumed.v1"

_ADJUSTED: Final = {
    Kind.CLAWBACK: COINS_CLAWED_BACK,
    Kind.RESTORE: COINS_RESTORED,
    Kind.GRANT: COINS_GRANTED,
    Kind.GIFT_REVERSAL: GIFT_REVERSED,
}
_NOTIFIED: Final = {
    NotificationKind.STREAK_END: GIFT_STREAK_ENDED,
    NotificationKind.BUDGET_REMINDER: BUDGET_REACHED,
    NotificationKind.MEMBERSHIP_END: MEMBERSHIP_ENDED,
    NotificationKind.MEMBERSHIP_RESUME: MEMBERSHIP_RESUMED,
}


class Message(Struct, frozen=True, kw_only=True):
    """One message for the topic.

    `envelope` is the CloudEvent, JSON values only; `attributes` are for subscribers' filters. Money and coins are
    ints. Publishing again keeps the `id`.
    """

    id: str
    envelope: dict[str, object]
    attributes: dict[str, str | int]


class Publication(Struct, frozen=True, kw_only=True):
    """Ids of a batch that were not published: `busy` can be retried, `refused` cannot."""

    busy: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def message_for(entry: Entry, position: ShardPosition | None, *, source: str, livemode: bool) -> Message:
    """Build the message of a posted entry. `position` is its place in its creator's shard, if it has one."""
    sequence = position.sequence if position else None
    if isinstance(entry, Purchase) and entry.membership_id:
        return message_for_month(entry, source=source, livemode=livemode)
    if isinstance(entry, Purchase):
        return message_for_credit(entry, source=source, livemode=livemode)
    if isinstance(entry, Adjustment):
        return message_for_adjustment(entry, sequence, source=source, livemode=livemode)
    if isinstance(entry, NotificationEntry):
        return message_for_notification(entry, sequence, source=source, livemode=livemode)
    if position is None:
        raise NotPosted(entry.gift_id)
    return message_for_gift(entry, position, source=source, livemode=livemode)


def message_for_gift(gift: Gift, position: ShardPosition, *, source: str, livemode: bool) -> Message:
    """Build the message of a gift that its creator's shard has received."""
    sequence = position.sequence
    data = {
        "gift_id": gift.gift_id,
        "kind": gift.kind.value,
        "creator_id": gift.creator_id,
        "sender_id": None if gift.anonymous else gift.user_id,
        "sender_name": None if gift.anonymous else gift.sender_name,
        "anonymous": gift.anonymous,
        "item_id": gift.item_id,
        "quantity": gift.quantity,
        "coins": gift.price_coins,
        "message": gift.message,
        "stream_id": gift.stream_id,
        "streak": _streak(gift, position) if gift.streak_id else None,
        "super_chat": {"color": gift.color, "pin_seconds": gift.pin_seconds} if gift.color else None,
        "sequence": sequence,
    }
    return Message(
        id=gift.event_id,
        envelope=_envelope(gift, GIFT_SENT, f"creator/{gift.creator_id}", source)
        | _order(gift, sequence)
        | {"data": data},
        attributes=_attributes(GIFT_SENT, gift.kind.value, gift.price_coins, livemode=livemode)
        | {"creator_id": gift.creator_id},
    )


def _streak(gift: Gift, position: ShardPosition) -> dict[str, object]:
    """Return the streak's totals up to and including this gift."""
    return {"streak_id": gift.streak_id, "count": position.streak_count, "coins": position.streak_coins}


def message_for_credit(purchase: Purchase, *, source: str, livemode: bool) -> Message:
    """Build the message of a posted purchase."""
    data = {
        "purchase_id": purchase.purchase_id,
        "user_id": purchase.user_id,
        "bundle_id": purchase.bundle_id,
        "channel": purchase.channel,
        "coins": purchase.coins,
        "price": {"amount_minor": purchase.amount_minor, "currency": purchase.currency},
    }
    return Message(
        id=purchase.posting.event_id,
        envelope=_envelope(purchase, COINS_CREDITED, f"wallet/{purchase.user_id}", source) | {"data": data},
        attributes=_attributes(COINS_CREDITED, "purchase", purchase.coins, livemode=livemode),
    )


def message_for_month(purchase: Purchase, *, source: str, livemode: bool) -> Message:
    """Build the message of a posted month of a membership: started or renewed."""
    if purchase.paid_until is None:
        raise NotPosted(purchase.purchase_id)
    event_type = MEMBERSHIP_RENEWED if purchase.is_renewal else MEMBERSHIP_STARTED
    data = {
        "membership_id": purchase.membership_id,
        "purchase_id": purchase.purchase_id,
        "user_id": purchase.user_id,
        "plan_id": purchase.bundle_id,
        "coins": purchase.coins,
        "price": {"amount_minor": purchase.amount_minor, "currency": purchase.currency},
        "paid_until": iso(purchase.paid_until),
    }
    return Message(
        id=purchase.posting.event_id,
        envelope=_envelope(purchase, event_type, f"wallet/{purchase.user_id}", source) | {"data": data},
        attributes=_attributes(event_type, "purchase", purchase.coins, livemode=livemode),
    )


def message_for_adjustment(adjustment: Adjustment, sequence: int | None, *, source: str, livemode: bool) -> Message:
    """Build the message of an adjustment. A gift reversal has a `sequence` in its creator's shard."""
    event_type = _ADJUSTED[adjustment.kind]
    about = {Kind.GIFT_REVERSAL: "gift_id", Kind.GRANT: "payment_id"}.get(adjustment.kind, "purchase_id")
    data: dict[str, object] = {
        "entry_id": adjustment.entry_id,
        "user_id": adjustment.user_id,
        "coins": abs(adjustment.coins),
        about: adjustment.about,
    }
    if adjustment.kind is Kind.CLAWBACK:
        data["coins_spent"] = adjustment.coins_spent
    attributes = _attributes(event_type, adjustment.kind.value, abs(adjustment.coins), livemode=livemode)
    if sequence is None or adjustment.creator_id is None:
        envelope = _envelope(adjustment, event_type, f"wallet/{adjustment.user_id}", source)
        return Message(id=adjustment.event_id, envelope=envelope | {"data": data}, attributes=attributes)
    # The gift may have been anonymous, so the creator's message names the gift and not the fan.
    del data["user_id"]
    data |= {"creator_id": adjustment.creator_id, "sequence": sequence}
    envelope = _envelope(adjustment, event_type, f"creator/{adjustment.creator_id}", source)
    return Message(
        id=adjustment.event_id,
        envelope=envelope | _order(adjustment, sequence) | {"data": data},
        attributes=attributes | {"creator_id": adjustment.creator_id},
    )


def message_for_notification(
    notification: NotificationEntry, sequence: int | None, *, source: str, livemode: bool
) -> Message:
    """Build the message of a notification. One for a creator has a `sequence` in its shard."""
    event_type = _NOTIFIED[notification.kind]
    attributes = _attributes(event_type, notification.kind.value, 0, livemode=livemode)
    data: dict[str, object] = {"entry_id": notification.entry_id, **notification.payload}
    if sequence is None or notification.creator_id is None:
        envelope = _envelope(notification, event_type, f"wallet/{notification.user_id}", source)
        data["user_id"] = notification.user_id
        return Message(id=notification.event_id, envelope=envelope | {"data": data}, attributes=attributes)
    envelope = _envelope(notification, event_type, f"creator/{notification.creator_id}", source)
    data |= {"creator_id": notification.creator_id, "sequence": sequence}
    return Message(
        id=notification.event_id,
        envelope=envelope | _order(notification, sequence) | {"data": data},
        attributes=attributes | {"creator_id": notification.creator_id},
    )


def _order(entry: ShardEntry, sequence: int) -> dict[str, object]:
    """Return the attributes that order the event within its creator's shard."""
    return {"partitionkey": f"{entry.creator_id}/{entry.shard}", "sequence": f"{sequence:016d}"}


def _envelope(entry: Entry, kind: str, subject: str, source: str) -> dict[str, object]:
    posted_at = entry.posting.posted_at if isinstance(entry, Purchase) else entry.posted_at
    return {
        "specversion": "1.0",
        "id": entry.event_id,
        "type": kind,
        "source": source,
        "subject": subject,
        "time": iso(posted_at),
        "datacontenttype": "application/json",
        "dataschema": f"urn:{kind.replace('.', ':')}",
    }


def _attributes(event_type: str, kind: str, coins: int, *, livemode: bool) -> dict[str, str | int]:
    return {"event_type": event_type, "kind": kind, "coins": coins, "livemode": str(livemode).lower()}
