"""Conversion between rows and reviews, and the copy of the first release's rows."""

from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.keys import (
    MOVED,
    OPEN_REVIEWS,
    entry_key,
    opened_at_of,
    opened_key,
    payment_id_of,
    review_keys,
    settled_reviews,
    wallet_key,
)
from chalicelib.adapters.dynamodb.models import EntryRow, ReviewRow
from chalicelib.adapters.dynamodb.transactions import is_done
from chalicelib.domain.membership_months import CHANNEL
from chalicelib.domain.purchases import UNPOSTED, Status
from chalicelib.domain.reviews import Review, ReviewReason, Settlement
from chalicelib.domain.settlements import UNMATCHED


def review_row(review: Review) -> ReviewRow:
    """Build the row of a review, with its place among the open or the settled ones."""
    pk, sk = review_keys(review.payment_id, review.moved)
    settled = review.settlement
    return ReviewRow(
        pk=pk,
        sk=sk,
        reason=review.reason.value,
        session_id=review.session_id,
        purchase_id=review.purchase_id,
        user_id=review.user_id,
        coins=review.coins,
        amount_minor=review.amount_minor,
        currency=review.currency,
        paid_at=review.paid_at,
        gone_minor=review.gone_minor,
        journal_hour=settled_reviews(f"{review.opened_at:%Y-%m}") if settled else OPEN_REVIEWS,
        journal_at=opened_key(review.opened_at, review.payment_id, review.moved),
        settled_key=settled.key if settled else None,
        decision=settled.decision if settled else None,
        note=settled.reason if settled else None,
        actor=settled.actor if settled else None,
        settled_at=settled.settled_at if settled else None,
    )


def settling(review: Review, settlement: Settlement) -> list[Action]:
    """Build the actions that settle a review and move it to the settled ones of the month in which it was opened."""
    return [
        ReviewRow.settled_key.set(settlement.key),
        ReviewRow.decision.set(settlement.decision),
        ReviewRow.note.set(settlement.reason),
        ReviewRow.actor.set(settlement.actor),
        ReviewRow.settled_at.set(settlement.settled_at),
        ReviewRow.journal_hour.set(settled_reviews(f"{review.opened_at:%Y-%m}")),
    ]


def to_review(row: ReviewRow) -> Review:
    """Convert a review row, open or settled. One of the first release has the payment as its sort key."""
    settlement = None
    if row.settled_key is not None:
        settlement = Settlement(
            key=row.settled_key,
            decision=require(row.decision),
            reason=require(row.note),
            actor=require(row.actor),
            settled_at=require(row.settled_at),
        )
    place: str | None = row.journal_at
    return Review(
        payment_id=row.sk if place is None else payment_id_of(row.pk),
        reason=ReviewReason(row.reason),
        session_id=row.session_id,
        purchase_id=row.purchase_id,
        user_id=row.user_id,
        coins=row.coins,
        amount_minor=row.amount_minor,
        currency=row.currency,
        paid_at=row.paid_at,
        opened_at=row.paid_at if place is None else opened_at_of(place),
        settlement=settlement,
        moved=row.sk.removeprefix(MOVED) if row.sk.startswith(MOVED) else None,
        gone_minor=row.gone_minor,
    )


def copy_row(old: ReviewRow) -> Review:
    """Copy a row of the first release to its present key, with a settlement that came later. Idempotent.

    The credit of the first release was a grant beside the purchase. It is stamped on the purchase, so that the payment
    does not post it as well.
    """
    review = to_review(old)
    if not is_done(lambda: review_row(review).save(ReviewRow.pk.does_not_exist())) and review.settlement:
        settled = settling(review, review.settlement)
        row = ReviewRow(*review_keys(review.payment_id, review.moved))
        is_done(lambda: row.update(settled, ReviewRow.settled_key.does_not_exist()))
    if review.settlement and review.settlement.decision == "credit":
        _stamp_grant(review)
    is_done(lambda: ReviewRow(old.pk, old.sk).update([ReviewRow.is_copied.set(True)], ReviewRow.pk.exists()))
    return review


def _stamp_grant(review: Review) -> None:
    """Stamp a granted payment on its unposted purchase. The purchase of an invoice, which has no row, gets one."""
    row = EntryRow(wallet_key(review.user_id), entry_key(review.purchase_id))
    stamp: list[Action] = [EntryRow.granted_for.set(review.payment_id), EntryRow.ttl.remove()]
    if is_done(lambda: row.update(stamp, EntryRow.status.is_in(*UNPOSTED))) or not review.invoice_id:
        return
    month = EntryRow(
        row.pk,
        row.sk,
        kind="purchase",
        status=Status.EXPIRED.value,
        coins=review.coins,
        bundle_id=UNMATCHED,
        channel=CHANNEL,
        amount_minor=review.amount_minor,
        currency=review.currency,
        created_at=review.paid_at,
        granted_for=review.payment_id,
    )
    is_done(lambda: month.save(EntryRow.pk.does_not_exist()))
