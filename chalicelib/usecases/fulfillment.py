"""Fulfillment: credit the coins of a paid checkout session or invoice, once."""

from msgspec.structs import replace

from chalicelib.domain.membership_months import (
    awaits_payment,
    invoice_review_reason,
    month_of,
    repeated_month_review_reason,
    unmatched_month_review_reason,
)
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import CheckoutSession, Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import purchase_review_reason, review_of, session_review_reason
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.errors import NotFound, TryAgain
from chalicelib.ports.billing import PaymentGateway
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import AlreadyExists, Posted


def fulfill_checkout(session: CheckoutSession, *, gateway: PaymentGateway, ledger: Ledger, clock: Clock) -> Outcome:
    """Credit the coins of a paid checkout session, once.

    One transaction without a read before it: its condition compares the stored quote with the payment. The purchase
    that a failed condition returns distinguishes a repeat from a payment that needs a review. Before a review the
    session is read again: Stripe renders a webhook in the API version of its endpoint, which may differ from ours
    (docs.stripe.com/webhooks/versioning).

    Args:
        session: paid, and with a ref.

    Returns:
        credited, repeated, in_review or reviewed.

    Raises:
        TryAgain: the outcome is unknown; Stripe sends the event again.
    """
    result = _post_checkout(session, ledger, clock)
    if isinstance(result, Outcome):
        return result
    present: CheckoutSession | None = gateway.read_session(session.session_id)
    if present and present.is_paid:
        session = replace(present, ref=session.require_ref())
        result = _post_checkout(session, ledger, clock)
        if isinstance(result, Outcome):
            return result
    return file_review(review_of(session, session.require_ref(), result, clock.now()), ledger=ledger)


def _post_checkout(session: CheckoutSession, ledger: Ledger, clock: Clock) -> Outcome | ReviewReason:
    """Post the purchase of a paid session. Returns the reason for a review, credited or repeated."""
    reason = session_review_reason(session)
    if reason is None:
        try:
            result = ledger.post_purchase(session, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        except NotFound:
            reason = ReviewReason.NO_SUCH_PURCHASE
        else:
            match result:
                case Posted():
                    return Outcome.CREDITED
                case unchanged:
                    reason = purchase_review_reason(unchanged.purchase, session)
    return Outcome.REPEATED if reason is None else reason


def fulfill_invoice(invoice: Invoice, *, ledger: Ledger, memberships: Memberships, clock: Clock) -> Outcome:
    """Credit the coins of a membership's paid month, once.

    One transaction without a read before it, as in fulfill_checkout. The purchase id derives from the invoice id, so
    that an invoice is credited once.

    Args:
        invoice: paid, and with a ref.

    Returns:
        credited, repeated, in_review or reviewed; unchanged if nothing was charged.

    Raises:
        TryAgain: the outcome is unknown, or the payment is not attached yet; Stripe sends the event again.
    """
    if invoice.is_free:
        return Outcome.UNCHANGED
    if awaits_payment(invoice, clock.now()):
        raise TryAgain("The payment of the invoice is not attached yet.")
    reason = invoice_review_reason(invoice)
    if reason is None:
        month = month_of(invoice, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        match memberships.post_month(month, invoice.subscription_id, invoice.customer_id):
            case Posted():
                return Outcome.CREDITED
            case AlreadyExists(entry=known):
                reason = repeated_month_review_reason(known, invoice)
            case unmatched:
                reason = unmatched_month_review_reason(unmatched.membership, month)
    if reason is None:
        return Outcome.REPEATED
    return file_review(review_of(invoice, invoice.require_ref(), reason, clock.now()), ledger=ledger)


def file_review(review: Review, *, ledger: Ledger) -> Outcome:
    """File a review, once for each payment id. Returns in_review or reviewed."""
    match ledger.file_review(review):
        case Posted():
            return Outcome.IN_REVIEW
        case _:
            return Outcome.REVIEWED
