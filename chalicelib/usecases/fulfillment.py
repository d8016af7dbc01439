"""Fulfillment: credit the coins of a paid checkout session or invoice, once."""

from enum import StrEnum

from chalicelib.domain.memberships import invoice_review_reason, month_of, month_review_reason
from chalicelib.domain.payments import CheckoutSession, Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import purchase_review_reason, review_of, session_review_reason
from chalicelib.errors import NotFound
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships


class Fulfillment(StrEnum):
    """What became of a paid session. `in_review` is a new review, `reviewed` one that was filed before."""

    CREDITED = "credited"
    REPEATED = "repeated"
    IN_REVIEW = "in_review"
    REVIEWED = "reviewed"


def fulfill_checkout(session: CheckoutSession, *, ledger: Ledger, clock: Clock) -> Fulfillment:
    """Credit the coins that a paid checkout session of ours was opened for.

    One transaction, and no read before it: the write itself holds the stored quote against what was paid. When it
    refuses, the purchase that comes back with the refusal tells a repeat from a payment that a person must look at.

    Args:
        session: paid, and with a ref.

    Raises:
        TryAgain: the outcome is not known; the payment provider sends the event again.
    """
    reason = session_review_reason(session)
    if reason is None:
        try:
            purchase = ledger.post_purchase(session, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        except NotFound:
            reason = "no_such_purchase"
        else:
            if purchase is None:
                return Fulfillment.CREDITED
            reason = purchase_review_reason(purchase, session)
    if reason is None:
        return Fulfillment.REPEATED
    assert session.ref is not None, "strangers' sessions are not ours to review"
    is_new = ledger.file_review(review_of(session, session.ref, reason))
    return Fulfillment.IN_REVIEW if is_new else Fulfillment.REVIEWED


def fulfill_invoice(invoice: Invoice, *, ledger: Ledger, memberships: Memberships, clock: Clock) -> Fulfillment:
    """Credit the coins of the month that a paid invoice of ours is for.

    One transaction, and no read before it, as with a checkout: the write itself holds the membership's stored quote
    against what was paid. The purchase that it posts has its id from the invoice, so an invoice is credited once.

    Args:
        invoice: paid, and with a ref.

    Raises:
        TryAgain: the outcome is not known; the payment provider sends the event again.
    """
    reason = invoice_review_reason(invoice)
    if reason is None:
        month = month_of(invoice, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        refused = memberships.post_month(month, invoice.subscription_id, invoice.customer_id)
        if refused is None:
            return Fulfillment.CREDITED
        reason = month_review_reason(refused, month)
    if reason is None:
        return Fulfillment.REPEATED
    assert invoice.ref is not None, "strangers' invoices are not ours to review"
    is_new = ledger.file_review(review_of(invoice, invoice.ref, reason))
    return Fulfillment.IN_REVIEW if is_new else Fulfillment.REVIEWED
