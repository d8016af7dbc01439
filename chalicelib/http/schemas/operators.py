"""Wire types of operators' acts."""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from chalicelib.domain.ids import iso
from chalicelib.domain.reviews import Review
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
    """Payment that matches no purchase: `coins` that it was for, `price` paid."""

    id: str
    reason: str
    payment_id: str
    session_id: str
    purchase_id: str
    user_id: str
    coins: int
    price: Price
    paid_at: str
    settlement: SettlementResponse | None


class ReviewsResponse(Struct, kw_only=True):
    """Reviews of a month."""

    reviews: list[ReviewResponse]


class FreezeResponse(Struct, kw_only=True):
    """State of the wallet's freeze."""

    user_id: str
    frozen: bool


def is_month(text: str) -> bool:
    """Check for a month of the form yyyy-mm."""
    return re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text) is not None


def is_payment_id(text: str) -> bool:
    """Check for the form of a payment id."""
    return re.fullmatch(r"[A-Za-z0-9_\-]{1,255}", text) is not None


def reviews(found: Sequence[Review]) -> ReviewsResponse:
    """Convert the reviews of a month."""
    return ReviewsResponse(reviews=[review(each) for each in found])


def review(review: Review) -> ReviewResponse:
    """Convert a review."""
    settlement = review.settlement
    return ReviewResponse(
        id=f"{review.month}.{review.payment_id}",
        reason=review.reason.value,
        payment_id=review.payment_id,
        session_id=review.session_id,
        purchase_id=review.purchase_id,
        user_id=review.user_id,
        coins=review.coins,
        price=price_of(review.amount_minor, review.currency),
        paid_at=iso(review.paid_at),
        settlement=SettlementResponse(
            decision=settlement.decision,
            reason=settlement.reason,
            actor=settlement.actor,
            settled_at=iso(settlement.settled_at),
        )
        if settlement
        else None,
    )
