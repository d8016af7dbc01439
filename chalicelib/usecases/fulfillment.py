"""Fulfillment: credit the coins of a paid checkout session or invoice, once."""

from enum import StrEnum

from chalicelib.domain.memberships import (
    invoice_review_reason,
    month_of,
    repeated_month_review_reason,
    unmatched_month_review_reason,
)
from chalicelib.domain.payments import CheckoutSession, Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import purchase_review_reason, review_of, session_review_reason
from chalicelib.errors import NotFound
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import AlreadyExists, Posted


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
            result = ledger.post_purchase(session, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        except NotFound:
            reason = "no_such_purchase"
        else:
            match result:
                case Posted():
                    return Fulfillment.CREDITED
                case unchanged:
                    reason = purchase_review_reason(unchanged.purchase, session)
    return Fulfillment.REPEATED if reason is None else _review(session, reason, ledger)


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
        match memberships.post_month(month, invoice.subscription_id, invoice.customer_id):
            case Posted():
                return Fulfillment.CREDITED
            case AlreadyExists(entry=known):
                reason = repeated_month_review_reason(known, month)
            case unmatched:
                reason = unmatched_month_review_reason(unmatched.membership, month)
    return Fulfillment.REPEATED if reason is None else _review(invoice, reason, ledger)


def _review(paid: CheckoutSession | Invoice, reason: str, ledger: Ledger) -> Fulfillment:
    match ledger.file_review(review_of(paid, paid.require_ref(), reason)):
        case Posted():
            return Fulfillment.IN_REVIEW
        case _:
            return Fulfillment.REVIEWED
