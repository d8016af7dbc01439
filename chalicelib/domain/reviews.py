"""What operators look at and decide: payments that match no purchase, and wallets that shall not spend."""

from datetime import datetime

from msgspec import Struct


class Settlement(Struct, frozen=True, kw_only=True):
    """What an operator decided about a review. `decision` is credit or refuse; `key` names the act."""

    key: str
    decision: str
    reason: str
    actor: str
    settled_at: datetime


class Review(Struct, frozen=True, kw_only=True):
    """A payment that does not match a purchase of ours: no coins until a person has looked.

    `payment_id` is the payment intent, or the checkout session where there was none. The money is what was paid. For a
    membership the invoice stands in the place of the session.
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
    """An operator froze or unfroze a wallet. `key` names the act."""

    key: str
    user_id: str
    is_frozen: bool
    reason: str
    actor: str
    at: datetime
