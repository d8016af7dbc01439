"""Stripe's subscriptions and invoices, decoded into domain values."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from chalicelib.domain.ids import is_party_id, is_tag, is_uuid7
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.payments import Invoice, MembershipHint, MembershipRef, Subscription

SignedAmount = Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
Id = Annotated[str, Meta(min_length=1, max_length=255)]


class _Details(Struct):
    subscription: Id
    metadata: dict[str, str] | None = None


class _Parent(Struct):
    subscription_details: _Details | None = None


class _Period(Struct):
    end: Seconds


class _Line(Struct):
    period: _Period


class _Lines(Struct):
    data: list[_Line]


class _Paid(Struct):
    type: str
    payment_intent: str | None = None


class _Payment(Struct):
    id: Id
    created: Seconds
    status: str
    payment: _Paid
    amount_paid: SignedAmount | None = None


class _Payments(Struct):
    data: list[_Payment]


class _Transitions(Struct):
    paid_at: Seconds | None = None


class _Invoice(Struct):
    id: Id
    created: Seconds
    currency: str
    subtotal: SignedAmount
    total: SignedAmount
    amount_paid: SignedAmount
    lines: _Lines
    status: str | None = None
    billing_reason: str | None = None
    customer: str | None = None
    parent: _Parent | None = None
    payments: _Payments | None = None
    status_transitions: _Transitions | None = None


class _Cancellation(Struct):
    reason: str | None = None


class _Item(Struct):
    current_period_end: Seconds


class _Items(Struct):
    data: list[_Item]


class _Subscription(Struct):
    id: Id
    status: str
    customer: str
    cancel_at_period_end: bool
    items: _Items
    cancel_at: Seconds | None = None
    cancellation_details: _Cancellation | None = None


class SubscriptionEventObject(Struct):
    """Fields read from a subscription event."""

    id: Id
    metadata: dict[str, str] | None = None


class InvoiceEventObject(Struct):
    """Fields read from an invoice event."""

    id: Id


DECODERS: Final = [
    msgspec.json.Decoder(each) for each in (_Invoice, _Subscription, SubscriptionEventObject, InvoiceEventObject)
]
"""Built at import, by one thread: msgspec 0.22 crashes when two threads describe a type at the same time."""


def hint_of(subscription_id: str | None, metadata: dict[str, str] | None) -> MembershipHint | None:
    """Return the membership that a subscription belongs to; None for an unrelated or missing one."""
    ref = membership_ref_from_metadata(metadata or {})
    if ref is None or subscription_id is None:
        return None
    return MembershipHint(subscription_id=subscription_id, ref=ref)


def membership_ref_from_metadata(metadata: dict[str, str]) -> MembershipRef | None:
    """Parse our metadata of a subscription. Returns None for an unrelated one."""
    names = ("membership_id", "plan_id", "user_id", "coins")
    membership_id, plan_id, user_id, coins = (metadata.get(name, "") for name in names)
    is_ours = is_uuid7(membership_id) and is_tag(plan_id) and is_party_id(user_id)
    if not is_ours or not re.fullmatch(r"[1-9][0-9]{0,15}", coins) or int(coins) > MAX_AMOUNT:
        return None
    return MembershipRef(membership_id=membership_id, plan_id=plan_id, user_id=user_id, coins=int(coins))


def invoice_of(values: dict[str, Any]) -> Invoice | None:
    """Convert the SDK's invoice with expanded payments. Returns None without a subscription.

    Raises:
        msgspec.ValidationError: undocumented form.
    """
    invoice = msgspec.convert(values, _Invoice)
    details = invoice.parent.subscription_details if invoice.parent else None
    if details is None:
        return None
    ends = [line.period.end for line in invoice.lines.data]
    attached = _paid_payments(invoice)
    intents = [each.payment.payment_intent for each in attached if each.payment.payment_intent]
    paid_at = invoice.status_transitions.paid_at if invoice.status_transitions else None
    return Invoice(
        invoice_id=invoice.id,
        status=invoice.status,
        billing_reason=invoice.billing_reason,
        subscription_id=details.subscription,
        customer_id=invoice.customer,
        payment_intent=intents[0] if intents else None,
        more_payment_intents=intents[1:],
        off_stripe_minor=sum(each.amount_paid or 0 for each in attached if not each.payment.payment_intent),
        subtotal_minor=invoice.subtotal,
        total_minor=invoice.total,
        paid_minor=invoice.amount_paid,
        currency=invoice.currency,
        created_at=_instant(invoice.created),
        paid_until=_instant(max(ends)) if ends else None,
        paid_at=None if paid_at is None else _instant(paid_at),
        membership=membership_ref_from_metadata(details.metadata or {}),
    )


def subscription_of(values: dict[str, Any], paid: Sequence[dict[str, Any]]) -> Subscription:
    """Convert the SDK's subscription and paid invoices. Raises as invoice_of."""
    subscription = msgspec.convert(values, _Subscription)
    cancellation = subscription.cancellation_details
    period_ends = [item.current_period_end for item in subscription.items.data]
    return Subscription(
        subscription_id=subscription.id,
        status=subscription.status,
        cancel_reason=cancellation.reason if cancellation else None,
        # The portal and newer subscriptions set a date instead of the flag.
        renews=not subscription.cancel_at_period_end and subscription.cancel_at is None,
        customer_id=subscription.customer,
        paid_invoices=[invoice for each in paid if (invoice := invoice_of(each))],
        period_ends_at=_instant(max(period_ends)) if period_ends else None,
    )


def _paid_payments(invoice: _Invoice) -> Sequence[_Payment]:
    """Return the payments of an invoice, oldest first; none while they come to less than what was paid."""
    paid = [each for each in (invoice.payments.data if invoice.payments else ()) if each.status == "paid"]
    if sum(each.amount_paid or 0 for each in paid) < invoice.amount_paid:
        return ()
    return sorted(paid, key=lambda each: (each.created, each.id))


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
