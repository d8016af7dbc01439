"""Paid months of a membership: from Stripe's invoice to coins and to membership.

The two are separate questions. A fan is a member for a month that is paid at Stripe, in any way; its coins are for
money. The table of all ways is in chalicelib/http/README.md.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.entries import Entry
from chalicelib.domain.memberships import Membership, PaidMonth
from chalicelib.domain.payments import Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reviews import ReviewReason

CHANNEL: Final = "membership"
"""Channel of purchases that are months of a membership."""

ATTACHING: Final = timedelta(minutes=10)
"""Time in which Stripe may report an invoice as paid before it shows the payment. Assumed; it takes seconds."""

_BILLED: Final[Mapping[str | None, bool]] = {"subscription_create": False, "subscription_cycle": True}
"""Billing reasons of invoices that grant a month, and whether each is a renewal. Others are made by hand.
Source: docs.stripe.com/api/invoices/object, `billing_reason`."""


def awaits_payment(invoice: Invoice, now: datetime) -> bool:
    """Return True while a paid invoice's payment is not attached yet, and probably will be."""
    is_unattached = invoice.paid_minor > 0 and not invoice.payment_intents and not invoice.off_stripe_minor
    return is_unattached and invoice.paid_at is not None and now - invoice.paid_at < ATTACHING


def invoice_review_reason(invoice: Invoice) -> ReviewReason | None:
    """Return the review reason of a paid invoice that cannot grant a month's coins, or None.

    Coins are for money: the whole quoted price, paid at Stripe, in one payment or several.
    """
    if invoice.billing_reason not in _BILLED:
        return ReviewReason.OTHER_BILLING_REASON
    if not invoice.paid_minor:
        return ReviewReason.NO_PAYMENT_REQUIRED
    if invoice.total_minor != invoice.subtotal_minor:
        return ReviewReason.DISCOUNTED
    if invoice.paid_minor != invoice.total_minor:
        return ReviewReason.OTHER_AMOUNT
    if invoice.off_stripe_minor:
        return ReviewReason.PAID_OUT_OF_BAND
    if invoice.payment_intent is None:
        return ReviewReason.NO_PAYMENT_YET
    if invoice.paid_until is None:
        return ReviewReason.NO_PERIOD
    return None


def is_renewal(invoice: Invoice) -> bool:
    """Return True for every invoice but the first of a subscription."""
    return _BILLED.get(invoice.billing_reason, True)


def month_of(invoice: Invoice, posting: Posting) -> Purchase:
    """Build the posted purchase of a paid invoice."""
    ref = invoice.require_membership()
    return Purchase(
        purchase_id=invoice.purchase_id,
        user_id=ref.user_id,
        bundle_id=ref.plan_id,
        channel=CHANNEL,
        coins=ref.coins,
        amount_minor=invoice.paid_minor,
        currency=invoice.currency,
        created_at=invoice.created_at,
        status=Status.POSTED,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payment_intent=invoice.payment_intent,
        membership_id=ref.membership_id,
        is_renewal=is_renewal(invoice),
        paid_until=invoice.paid_until,
    )


def repeated_month_review_reason(known: Entry, invoice: Invoice) -> ReviewReason | None:
    """Return the review reason of an invoice whose purchase id names an entry, or None when it is a repeat."""
    is_repeat = isinstance(known, Purchase) and known.payment_intent in invoice.payment_intents
    return None if is_repeat else ReviewReason.PAID_TWICE


def unmatched_month_review_reason(membership: Membership | None, month: Purchase) -> ReviewReason:
    """Return the review reason of a month that does not match its membership."""
    if membership is None:
        return ReviewReason.NO_SUCH_MEMBERSHIP
    if membership.currency != month.currency:
        return ReviewReason.OTHER_CURRENCY
    if membership.amount_minor != month.amount_minor:
        return ReviewReason.OTHER_AMOUNT
    if (membership.plan_id, membership.coins) != (month.bundle_id, month.coins):
        return ReviewReason.OTHER_COINS
    return ReviewReason.OTHER_SUBSCRIPTION


def paid_month(invoice: Invoice, membership: Membership, known: Entry | None) -> PaidMonth | None:
    """Return the month that an invoice pays for; None unless it is a month of this membership.

    A month at Stripe counts however it was paid: with a coupon, from the customer's balance, outside Stripe, or in a
    trial. Of other invoices those count that were posted, by an operator.

    Args:
        invoice: as it is now.
        membership: as it is stored.
        known: the entry of the invoice's purchase id, if there is one.
    """
    ref = invoice.membership
    if ref is None or (ref.user_id, ref.membership_id) != (membership.user_id, membership.membership_id):
        return None
    if isinstance(known, Purchase):
        if known.membership_id != membership.membership_id or known.paid_until is None:
            return None
        is_gone = known.amount_minor > 0 and known.kept_minor == 0
        return PaidMonth(paid_until=known.paid_until, is_kept=not is_gone)
    if invoice.billing_reason not in _BILLED or invoice.paid_until is None:
        return None
    return PaidMonth(paid_until=invoice.paid_until)
