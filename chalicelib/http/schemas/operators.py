"""Wire types of operators' acts."""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from chalicelib.domain.ids import iso
from chalicelib.domain.reviews import Review, ReviewRef
from chalicelib.http.schemas.common import Price, price_of


class SettlementRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Decision on a payment in review."""

    review_id: str
    decision: Literal["credit", "refuse"]
    reason: str


class FreezeRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Wallet to freeze or unfreeze."""

    user_id: str
    frozen: bool
    reason: str


class GrantRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Coins to grant to a fan, or to take if negative."""

    user_id: str
    coins: int
    reason: str


class ReversalRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Gift to reverse."""

    user_id: str
    gift_id: str
    reason: str


class SettlementResponse(Struct, kw_only=True):
    """Decision on a review, with actor and reason."""

    decision: str
    reason: str
    actor: str
    settled_at: str


class ReviewResponse(Struct, kw_only=True):
    """Payment that matches no purchase: `coins` that it was for, `price` paid.

    `money_gone` is set where money moved after the payment: the part that had left it then.
    """

    id: str
    reason: str
    payment_id: str
    session_id: str
    purchase_id: str
    user_id: str
    coins: int
    price: Price
    paid_at: str
    opened_at: str
    money_gone: Price | None
    settlement: SettlementResponse | None


class ReviewsResponse(Struct, kw_only=True):
    """Page of reviews, by the time of filing. `next_cursor` is null on the last page."""

    reviews: list[ReviewResponse]
    next_cursor: str | None


class FreezeResponse(Struct, kw_only=True):
    """State of the wallet's freeze."""

    user_id: str
    frozen: bool


def is_month(text: str) -> bool:
    """Check for a month of the form yyyy-mm."""
    return re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text) is not None


def is_position(text: str) -> bool:
    """Check for the form of a position in the list of reviews, which only the ledger can read."""
    return re.fullmatch(r"[!-~]{1,400}", text) is not None


def review_ref(review_id: str) -> ReviewRef | None:
    """Parse a review's id: `<month>.<payment id>`, and `.<state>` for money that moved. None for any other text."""
    found = re.fullmatch(r"([^.]+)\.([A-Za-z0-9_\-]{1,255})(?:\.([0-9a-f]{16}))?", review_id)
    if found is None or not is_month(found[1]):
        return None
    return ReviewRef(month=found[1], payment_id=found[2], moved=found[3])


def reviews(found: Sequence[Review], next_cursor: str | None) -> ReviewsResponse:
    """Convert a page of reviews."""
    return ReviewsResponse(reviews=[review(each) for each in found], next_cursor=next_cursor)


def review(review: Review) -> ReviewResponse:
    """Convert a review."""
    settlement = review.settlement
    return ReviewResponse(
        id=f"{review.month}.{review.name}",
        reason=review.reason.value,
        payment_id=review.payment_id,
        session_id=review.session_id,
        purchase_id=review.purchase_id,
        user_id=review.user_id,
        coins=review.coins,
        price=price_of(review.amount_minor, review.currency),
        paid_at=iso(review.paid_at),
        opened_at=iso(review.opened_at),
        money_gone=None if review.gone_minor is None else price_of(review.gone_minor, review.currency),
        settlement=SettlementResponse(
            decision=settlement.decision,
            reason=settlement.reason,
            actor=settlement.actor,
            settled_at=iso(settlement.settled_at),
        )
        if settlement
        else None,
    )
