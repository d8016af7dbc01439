"""Reviews of payments that match no purchase, and freezes of wallets."""

from datetime import datetime

from msgspec import Struct


class Settlement(Struct, frozen=True, kw_only=True):
    """An operator's decision on a review. `decision` is credit or refuse; `key` is the idempotency key."""

    key: str
    decision: str
    reason: str
    actor: str
    settled_at: datetime


class Review(Struct, frozen=True, kw_only=True):
    """A payment that does not match a purchase. Its coins are credited only by an operator's decision.

    `payment_id` is the payment intent, or the checkout session if there is none. `amount_minor` is the amount paid.
    For a membership, `session_id` is the invoice's id.
    """

    payment_id: str
    reason: str
    session_id: str
    purchase_id: str
    user_id: str
    coins: int
    amount_minor: int
    currency: str
    paid_at: datetime
    settlement: Settlement | None = None

    @property
    def month(self) -> str:
        """The month that the review is filed under, yyyy-mm."""
        return f"{self.paid_at:%Y-%m}"


class Freeze(Struct, frozen=True, kw_only=True):
    """An operator's freeze or unfreeze of a wallet. `key` is the idempotency key."""

    key: str
    user_id: str
    is_frozen: bool
    reason: str
    actor: str
    at: datetime
