"""Stripe's event and checkout objects, decoded into domain values without the SDK."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from chalicelib.adapters.stripe.subscription_schema import (
    InvoiceEventObject,
    SignedAmount,
    SubscriptionEventObject,
    hint_of,
    membership_ref_from_metadata,
)
from chalicelib.domain.ids import is_party_id, is_uuid7
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import Booking, CheckoutSession, Dispute, PurchaseRef, Refund, StripeEvent
from chalicelib.errors import NotAuthentic

Amount = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]


class _Data(Struct):
    object: msgspec.Raw


class _Event(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=255)]
    object: str
    type: Annotated[str, Meta(min_length=1, max_length=255)]
    created: Seconds
    livemode: bool
    data: _Data
    account: str | None = None


class _Session(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=255)]
    mode: str
    payment_status: str
    created: Seconds
    amount_subtotal: Amount | None = None
    amount_total: Amount | None = None
    currency: str | None = None
    payment_intent: str | None = None
    subscription: str | None = None
    metadata: dict[str, str] | None = None
    url: str | None = None
    status: str | None = None


class _Hint(Struct):
    payment_intent: str | None = None


class _Refund(Struct):
    id: str
    amount: Amount
    currency: str
    status: str | None = None


class _BalanceTransaction(Struct):
    id: str
    amount: SignedAmount
    currency: str
    type: str
    exchange_rate: Decimal | None = None


class _Card(Struct):
    case_type: str


class _MethodDetails(Struct):
    card: _Card | None = None


class _Dispute(Struct):
    amount: Amount
    currency: str
    balance_transactions: list[_BalanceTransaction]
    status: str | None = None
    payment_method_details: _MethodDetails | None = None


DECODERS: Final = [msgspec.json.Decoder(each) for each in (_Event, _Session, _Hint, _Refund, _Dispute)]
"""Built at import, by one thread: msgspec 0.22 crashes when two threads describe a type at the same time."""


def decode_event(payload: bytes) -> StripeEvent:
    """Decode an authentic webhook body.

    Raises:
        NotAuthentic: not a snapshot event, or unreadable.
    """
    try:
        event = msgspec.json.decode(payload, type=_Event)
        return _event(event)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise NotAuthentic("The body is not a usable event.") from error


def event_of(values: dict[str, Any]) -> StripeEvent:
    """Convert the SDK's event. Raises NotAuthentic as decode_event."""
    return decode_event(msgspec.json.encode(values))


def session_of(values: dict[str, Any]) -> CheckoutSession:
    """Convert the SDK's checkout session. Raises msgspec.ValidationError for an undocumented form."""
    session = _session(msgspec.convert(values, _Session))
    if session is None:
        raise msgspec.ValidationError("a checkout session without a currency")
    return session


def refund_of(values: dict[str, Any]) -> Refund:
    """Convert the SDK's refund. Raises msgspec.ValidationError for an undocumented form."""
    refund = msgspec.convert(values, _Refund)
    return Refund(refund_id=refund.id, amount_minor=refund.amount, currency=refund.currency, status=refund.status)


def dispute_of(values: dict[str, Any]) -> Dispute:
    """Convert the SDK's dispute. Raises as refund_of.

    An `amount` of a balance transaction excludes its fees. A transaction that is a fee itself is not the buyer's money.
    """
    dispute = msgspec.convert(values, _Dispute)
    card = dispute.payment_method_details.card if dispute.payment_method_details else None
    return Dispute(
        amount_minor=dispute.amount,
        currency=dispute.currency,
        status=dispute.status,
        case_type=card.case_type if card else None,
        bookings=[_booking(each) for each in dispute.balance_transactions if not each.type.endswith("_fee")],
    )


def _booking(transaction: _BalanceTransaction) -> Booking:
    return Booking(
        booking_id=transaction.id,
        amount_minor=transaction.amount,
        currency=transaction.currency,
        rate=Fraction(transaction.exchange_rate) if transaction.exchange_rate else None,
    )


def purchase_ref_from_metadata(metadata: dict[str, str]) -> PurchaseRef | None:
    """Parse our metadata of a session or payment. Returns None for an unrelated one."""
    purchase_id, user_id, coins = (metadata.get(name, "") for name in ("purchase_id", "user_id", "coins"))
    is_ours = is_uuid7(purchase_id) and is_party_id(user_id) and re.fullmatch(r"[1-9][0-9]{0,15}", coins)
    if not is_ours or int(coins) > MAX_AMOUNT:
        return None
    return PurchaseRef(purchase_id=purchase_id, user_id=user_id, coins=int(coins))


def instant(seconds: int) -> datetime:
    """Convert Stripe's time: whole seconds since 1970, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _event(event: _Event) -> StripeEvent:
    if event.object != "event":
        raise NotAuthentic("Only snapshot events are understood.")
    session, payment_intent, invoice_id, membership = None, None, None, None
    if event.type.startswith("checkout.session."):
        opened = msgspec.json.decode(event.data.object, type=_Session)
        session, membership = _session(opened), hint_of(opened.subscription, opened.metadata)
    elif event.type.startswith("invoice.") and event.type != "invoice.upcoming":  # a preview without an id
        invoice_id = msgspec.json.decode(event.data.object, type=InvoiceEventObject).id
    elif event.type.startswith("customer.subscription."):
        subscription = msgspec.json.decode(event.data.object, type=SubscriptionEventObject)
        membership = hint_of(subscription.id, subscription.metadata)
    elif event.type.startswith(("charge.", "refund.", "radar.early_fraud_warning.")):
        payment_intent = msgspec.json.decode(event.data.object, type=_Hint).payment_intent
    return StripeEvent(
        stripe_event_id=event.id,
        type=event.type,
        livemode=event.livemode,
        account=event.account,
        created_at=instant(event.created),
        session=session,
        payment_intent=payment_intent,
        invoice_id=invoice_id,
        membership=membership,
    )


def _session(session: _Session) -> CheckoutSession | None:
    """Convert a session. Returns None for one of mode `setup`, which has no currency and takes no money."""
    if session.currency is None:
        return None
    return CheckoutSession(
        session_id=session.id,
        mode=session.mode,
        payment_status=session.payment_status,
        payment_intent=session.payment_intent,
        subtotal_minor=session.amount_subtotal or 0,
        total_minor=session.amount_total or 0,
        currency=session.currency,
        created_at=instant(session.created),
        ref=purchase_ref_from_metadata(session.metadata or {}),
        url=session.url,
        status=session.status,
        membership=membership_ref_from_metadata(session.metadata or {}),
    )
