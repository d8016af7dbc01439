"""A checkout session was paid: the coins land in the wallet, once."""

from enum import StrEnum

from chalicelib.domain.ledger import Posting
from chalicelib.domain.payments import CheckoutSession
from chalicelib.domain.purchases import review_of, why_not_ours, why_not_posted
from chalicelib.errors import NotFound
from chalicelib.ports import Clock, Ledger


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
        session: paid, and with a claim.

    Raises:
        TryAgain: the outcome is not known; the payment provider sends the event again.
    """
    reason = why_not_ours(session)
    if reason is None:
        try:
            purchase = ledger.post_purchase(session, Posting(posted_at=clock.now(), event_id=clock.new_id()))
        except NotFound:
            reason = "no_such_purchase"
        else:
            if purchase is None:
                return Fulfillment.CREDITED
            reason = why_not_posted(purchase, session)
    if reason is None:
        return Fulfillment.REPEATED
    assert session.claim is not None, "strangers' sessions are not ours to review"
    is_new = ledger.file_review(review_of(session, session.claim, reason))
    return Fulfillment.IN_REVIEW if is_new else Fulfillment.REVIEWED
