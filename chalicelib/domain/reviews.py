"""What operators look at and decide: payments that match no purchase, and wallets that shall not spend."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What an operator decided about a review. `decision` is credit or refuse; `key` names the act."""

    key: str
    decision: str
    reason: str
    actor: str
    settled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """An operator froze or unfroze a wallet. `key` names the act."""

    key: str
    user_id: str
    is_frozen: bool
    reason: str
    actor: str
    at: datetime
