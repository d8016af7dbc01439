"""Payments in review: settled by an operator, or closed because the payment was credited meanwhile."""

import logging
from datetime import timedelta
from typing import Final, Protocol

from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.operators import Act, Decision
from chalicelib.domain.posting import Posting
from chalicelib.domain.reviews import SUPERSEDED, WITHOUT_CREDIT, Review, ReviewReason, ReviewRef, Settlement
from chalicelib.domain.settlements import (
    Credit,
    credit_of,
    has_credited,
    is_posted,
    is_superseded,
    month_credit_of,
    payment_entry_id,
)
from chalicelib.errors import IdempotencyConflict, InvalidField, NotFound, TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.operators import OperatorLedger
from chalicelib.ports.results import AlreadySettled, Conflict, Posted
from chalicelib.usecases.memberships import sync_membership
from chalicelib.usecases.refunds import RefundServices, sync_refunds

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5
PAGE: Final = 100
"""Reviews that the hourly count reads at a time."""


class SettlementServices(RefundServices, Protocol):
    """Services that settling a review needs."""

    @property
    def operators(self) -> OperatorLedger: ...


def settle_review(ref: ReviewRef, decision: Decision, act: Act, services: SettlementServices) -> Review:
    """Settle a review: credit the coins of its payment, or refuse them. Once for each review.

    A credit posts the payment's purchase at the amount paid. If another request has posted it, nothing moves, and the
    decision is `superseded`. Then the money is followed: part of it may have left while the payment was in review. A
    refusal moves nothing: the operator refunds the payment at the provider.

    Raises:
        NotFound: no such review.
        InvalidField: the review allows no credit.
        IdempotencyConflict: another act settled it, the decision differs, or the key names something else.
        TryAgain: the outcome is unknown, or the money could not be followed.
    """
    review: Review | None = services.operators.find_review(ref)
    if review is None:
        raise NotFound("There is no such review.")
    if decision == "credit" and not review.reason.can_credit:
        raise InvalidField("decision", WITHOUT_CREDIT[review.reason])
    settled = review if review.settlement else _settle(review, decision, act, services)
    done = settled.settlement
    if done is None or done.key != act.key or done.decision not in {decision, _otherwise(decision)}:
        raise IdempotencyConflict("The review was settled before.")
    if decision == "credit":
        _follow(settled, services)
    return settled


def _settle(review: Review, decision: Decision, act: Act, services: SettlementServices) -> Review:
    """Write the decision, or return the review as another act has settled it."""
    for _ in range(MAX_ATTEMPTS):
        now = services.clock.now()
        credit = _credit(review, act, services) if decision == "credit" else None
        made = decision if decision == "refuse" or credit else SUPERSEDED
        settlement = Settlement(key=act.key, decision=made, reason=act.reason, actor=act.actor, settled_at=now)
        match services.operators.settle_review(review, settlement, credit):
            case Posted():
                return replace(review, settlement=settlement)
            case AlreadySettled(review=settled):
                return settled
            case Conflict():
                raise IdempotencyConflict("Use a new key for a new settlement.")
    raise TryAgain("Others keep writing there.")


def _credit(review: Review, act: Act, services: SettlementServices) -> Credit | None:
    """Build the credit of the payment from the present entries. None if one of them has credited it."""
    clock = services.clock
    entry, has_own = _entry_of(review, services.ledger)
    if has_own:
        return None
    posting = Posting(posted_at=clock.now(), event_id=clock.new_id())
    credit = credit_of(review, entry, posting, act.actor)
    invoice = services.subscriptions.read_invoice(review.invoice_id) if review.invoice_id else None
    if invoice is None or invoice.membership is None:
        return credit
    member = services.memberships.find_membership(review.user_id, invoice.membership.membership_id)
    return month_credit_of(credit, invoice, member)


def _follow(review: Review, services: SettlementServices) -> None:
    """Bring coins and membership to the present state of the payment and of the subscription."""
    if review.payment_intent:
        sync_refunds(review.payment_intent, services)
    elif review.invoice_id:
        invoice = services.subscriptions.read_invoice(review.invoice_id)
        if invoice and (hint := invoice.hint):
            sync_membership(hint, services)


def _otherwise(decision: Decision) -> str:
    """Return the other decision that a repeat of the request may find: a credit may have been superseded."""
    return SUPERSEDED if decision == "credit" else decision


def _entry_of(review: Review, ledger: Ledger) -> tuple[Entry | None, bool]:
    """Read the entry that the credit of the review would replace, and whether an entry has credited the payment."""
    entry = ledger.find_entry(review.user_id, review.purchase_id)
    if has_credited(entry, review) or not is_posted(entry):
        return entry, has_credited(entry, review)
    payment_id = review.payment_intent or review.payment_id
    own = ledger.find_entry(review.user_id, payment_entry_id(review.paid_at, payment_id))
    return (own, True) if has_credited(own, review) else (entry, False)


class ReviewCounting(Protocol):
    """Services that counting reviews needs."""

    @property
    def operators(self) -> OperatorLedger: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def clock(self) -> Clock: ...


def count_open_reviews(services: ReviewCounting) -> int:
    """Count the open reviews of any age, after closing those that were superseded meanwhile.

    The metric of a new review is lost when its invocation fails after the write; this count repeats until settlement.
    Reviews of the first release that are not copied count if their payment is of this month or the last.
    """
    operators, now = services.operators, services.clock.now()
    waiting, after = 0, None
    while True:
        page = operators.list_open_reviews(after, PAGE)
        waiting += sum(_is_waiting(review, services) for review in page.reviews)
        after = page.after
        if after is None:
            break
    months = [f"{month:%Y-%m}" for month in (now, now.replace(day=1) - timedelta(days=1))]
    return waiting + sum(review.settlement is None for month in months for review in operators.list_old_reviews(month))


def _is_waiting(review: Review, services: ReviewCounting) -> bool:
    """Close a review that was superseded. Returns True for one that waits for an operator."""
    if review.settlement:
        return False  # settled a moment ago
    try:
        entry, _ = _entry_of(review, services.ledger)
    except TryAgain:
        raise
    except Exception:  # any failure concerns this review only
        log.exception("review_unchecked", extra={"payment_id": review.payment_id})
        return True
    if not is_superseded(review, entry):
        return True
    clock, is_warning = services.clock, review.reason is ReviewReason.EARLY_FRAUD_WARNING
    settlement = Settlement(
        key=clock.new_id(),
        decision=SUPERSEDED,
        reason="the money was taken back" if is_warning else "the payment was credited",
        actor="audit",
        settled_at=clock.now(),
    )
    services.operators.close_review(review, settlement)
    return False
