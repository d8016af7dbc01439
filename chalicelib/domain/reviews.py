"""Reviews of payments that match no purchase, and freezes of wallets."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct


class ReviewReason(StrEnum):
    """The first difference that kept a payment from being credited. The values are public in v1."""

    NO_PAYMENT_INTENT = "no_payment_intent"
    NO_PAYMENT_REQUIRED = "no_payment_required"
    NO_PAYMENT_YET = "no_payment_yet"
    """A paid invoice shows no payment yet. Its coins are credited when the payment appears."""
    PAID_OUT_OF_BAND = "paid_out_of_band"
    """An invoice was paid outside Stripe, in whole or in part, as the platform recorded there."""
    NO_PERIOD = "no_period"
    NO_SUCH_PURCHASE = "no_such_purchase"
    NO_SUCH_MEMBERSHIP = "no_such_membership"
    OTHER_AMOUNT = "other_amount"
    OTHER_CURRENCY = "other_currency"
    OTHER_COINS = "other_coins"
    OTHER_SUBSCRIPTION = "other_subscription"
    OTHER_BILLING_REASON = "other_billing_reason"
    UNPAID = "unpaid"
    """Stripe reports a success, and the session is unpaid."""
    DISCOUNTED = "discounted_or_surcharged"
    PAID_TWICE = "paid_twice"
    MONEY_LEFT = "money_left_an_unmatched_payment"
    """A payment in review was refunded or disputed. An operator may have granted coins for it."""
    EARLY_FRAUD_WARNING = "early_fraud_warning"
    """The card's issuer reports a credited payment as fraud. Nothing has moved yet."""
    UNKNOWN = "unknown"
    """Stripe reports a payment status, or the row has a reason, that this version does not know."""

    @classmethod
    def _missing_(cls, _value: object) -> "ReviewReason":
        # A later version may have written the row before a roll back.
        return cls.UNKNOWN

    @property
    def can_credit(self) -> bool:
        """True if an operator may credit the coins of the payment."""
        return self not in WITHOUT_CREDIT


WITHOUT_CREDIT: Final = {
    ReviewReason.MONEY_LEFT: "only refuse: this review is about money that left, not about coins to give",
    ReviewReason.EARLY_FRAUD_WARNING: "only refuse: this review is a warning, to refund the payment or to ignore it",
    ReviewReason.NO_PAYMENT_YET: "only refuse: its coins are credited when its payment shows; else grant them",
    ReviewReason.UNKNOWN: "only refuse: its reason is unknown to this version; grant the coins if they are due",
}
"""Reasons that allow no credit, with the rule that a refused request names."""


SUPERSEDED: Final = "superseded"
"""Decision of a review that left nothing to decide: the payment was credited, or a warned one returned, without it."""

WARNED: Final = "-warning"
"""Suffix of the payment id of an early fraud warning, whose payment may have a review of its own."""


class Settlement(Struct, frozen=True, kw_only=True):
    """A decision on a review: credit, refuse or superseded. `key` is the idempotency key."""

    key: str
    decision: str
    reason: str
    actor: str
    settled_at: datetime


class Review(Struct, frozen=True, kw_only=True):
    """A payment that does not match a purchase. Its coins are credited only by an operator's decision.

    `payment_id` is the payment intent, or the checkout session if there is none. `amount_minor` is the amount paid.
    For a membership, `session_id` is the invoice's id. `opened_at` is the time of filing.

    `moved` names a state of the payment's refunds and disputes: the review is then about the `gone_minor` that had left
    the payment in that state, or had come back. Each state has a review of its own.
    """

    payment_id: str
    reason: ReviewReason
    session_id: str
    purchase_id: str
    user_id: str
    coins: int
    amount_minor: int
    currency: str
    paid_at: datetime
    opened_at: datetime
    settlement: Settlement | None = None
    moved: str | None = None
    gone_minor: int | None = None

    @property
    def name(self) -> str:
        """The name of the review among all reviews."""
        return f"{self.payment_id}.{self.moved}" if self.moved else self.payment_id

    @property
    def payment_intent(self) -> str | None:
        """The payment, or None if the session or invoice shows none."""
        return None if self.payment_id == self.session_id else self.payment_id.removesuffix(WARNED)

    @property
    def invoice_id(self) -> str | None:
        """The invoice of a membership, or None for a checkout session."""
        return self.session_id if self.session_id.startswith("in_") else None

    @property
    def month(self) -> str:
        """The month of the payment, yyyy-mm."""
        return f"{self.paid_at:%Y-%m}"

    @property
    def ref(self) -> "ReviewRef":
        """A reference to the review, as in its public id."""
        return ReviewRef(month=self.month, payment_id=self.payment_id, moved=self.moved)


class ReviewRef(Struct, frozen=True, kw_only=True):
    """A reference to a review. The month only finds reviews of the first release, which filed them under it."""

    month: str
    payment_id: str
    moved: str | None = None


class ReviewPage(Struct, frozen=True, kw_only=True):
    """Reviews in the order in which they were opened. `after` begins the next page; None on the last one."""

    reviews: Sequence[Review]
    after: str | None


class Freeze(Struct, frozen=True, kw_only=True):
    """An operator's freeze or unfreeze of a wallet. `key` is the idempotency key."""

    key: str
    user_id: str
    is_frozen: bool
    reason: str
    actor: str
    at: datetime
