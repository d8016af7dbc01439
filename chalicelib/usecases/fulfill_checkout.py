"""A checkout session was paid: the coins land in the wallet, once."""

from enum import StrEnum

from chalicelib.domain.ledger import Posting, Review
from chalicelib.domain.payments import CheckoutSession
from chalicelib.domain.purchases import why_not_ours, why_not_posted
from chalicelib.errors import NotFound
from chalicelib.ports import Clock, Ledger


class Fulfilment(StrEnum):
    """What became of a paid session."""

    CREDITED = "credited"
    REPEATED = "repeated"
    IN_REVIEW = "in_review"


def fulfill_checkout(session: CheckoutSession, *, ledger: Ledger, clock: Clock) -> Fulfilment:
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
                return Fulfilment.CREDITED
            reason = why_not_posted(purchase, session)
    if reason is None:
        return Fulfilment.REPEATED
    ledger.file_review(_review(session, reason))
    return Fulfilment.IN_REVIEW


def _review(session: CheckoutSession, reason: str) -> Review:
    claim = session.claim
    assert claim is not None, "strangers' sessions are not ours to review"
    return Review(
        payment_id=session.payment_intent or session.session_id,
        reason=reason,
        session_id=session.session_id,
        purchase_id=claim.purchase_id,
        user_id=claim.user_id,
        coins=claim.coins,
        amount_minor=session.total_minor,
        currency=session.currency,
        paid_at=session.created_at,
    )
