"""An invoice of a membership was paid: the month's coins land in the wallet, once."""

from chalicelib.domain.ledger import Posting
from chalicelib.domain.memberships import month_of, why_no_month, why_no_purchase
from chalicelib.domain.payments import Invoice
from chalicelib.domain.purchases import review_of
from chalicelib.membership_ports import Memberships
from chalicelib.ports import Clock, Ledger
from chalicelib.usecases.fulfill_checkout import Fulfillment


def fulfill_invoice(invoice: Invoice, *, ledger: Ledger, memberships: Memberships, clock: Clock) -> Fulfillment:
    """Credit the coins of the month that a paid invoice of ours is for.

    One transaction, and no read before it, as with a checkout: the write itself holds the membership's stored quote
    against what was paid. The purchase that it posts has its id from the invoice, so an invoice is credited once.

    Args:
        invoice: paid, and with a claim.

    Raises:
        TryAgain: the outcome is not known; the payment provider sends the event again.
    """
    reason = why_no_month(invoice)
    if reason is None:
        month = month_of(invoice, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        refused = memberships.post_month(month, invoice.subscription_id, invoice.customer_id)
        if refused is None:
            return Fulfillment.CREDITED
        reason = why_no_purchase(refused, month)
    if reason is None:
        return Fulfillment.REPEATED
    assert invoice.claim is not None, "strangers' invoices are not ours to review"
    is_new = ledger.file_review(review_of(invoice, invoice.claim, reason))
    return Fulfillment.IN_REVIEW if is_new else Fulfillment.REVIEWED
