"""What the operators' routes take and give, as types."""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from chalicelib.domain.ids import iso
from chalicelib.domain.reviews import Review
from chalicelib.http.schemas.common import Price, price_of


class SettlementRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to do about a payment in review."""

    review_id: str
    decision: Literal["credit", "refuse"]
    reason: str


class FreezeRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A wallet to freeze or to unfreeze."""

    user_id: str
    frozen: bool
    reason: str


class GrantRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Coins to give a fan, or to take when negative."""

    user_id: str
    coins: int
    reason: str


class ReversalRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A gift to take back."""

    user_id: str
    gift_id: str
    reason: str


class SettlementResponse(Struct, kw_only=True):
    """What was decided about a review, by whom and why."""

    decision: str
    reason: str
    actor: str
    settled_at: str


class ReviewResponse(Struct, kw_only=True):
    """A payment that matches no purchase of ours. `coins` are what it was for, `price` what was paid."""

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
    """The reviews of a month."""

    reviews: list[ReviewResponse]


class FreezeResponse(Struct, kw_only=True):
    """What was asked for a wallet, and done once."""

    user_id: str
    frozen: bool


def is_month(text: str) -> bool:
    """Whether it is a month of ours: yyyy-mm."""
    return re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text) is not None


def is_payment_id(text: str) -> bool:
    """Whether it can be a payment's id at the payment provider, or what we made of one."""
    return re.fullmatch(r"[A-Za-z0-9_\-]{1,255}", text) is not None


def reviews(found: Sequence[Review]) -> ReviewsResponse:
    """The reviews of a month as operators see them."""
    return ReviewsResponse(reviews=[review(each) for each in found])


def review(review: Review) -> ReviewResponse:
    """A review as operators see it."""
    settlement = review.settlement
    return ReviewResponse(
        id=f"{review.month}.{review.payment_id}",
        reason=review.reason,
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
