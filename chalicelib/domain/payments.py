"""What the payment provider tells us, in our words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a checkout session of ours says of itself in its metadata: we wrote it when we opened the session."""

    purchase_id: str
    user_id: str
    coins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSession:
    """A checkout session as the payment provider shows it now.

    `claim` is None for a stranger's session. `payment_status` is paid, unpaid or no_payment_required. `subtotal_minor`
    is the price before discounts, `total_minor` what is really charged, both in the minor unit of `currency`.
    """

    session_id: str
    mode: str
    payment_status: str
    payment_intent: str | None
    subtotal_minor: int
    total_minor: int
    currency: str
    created_at: datetime
    claim: Claim | None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A refund or a dispute, as it is now. `amount_minor` > 0, in the minor unit of `currency`."""

    amount_minor: int
    currency: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyState:
    """What the payment provider says of one payment now. `captured_minor` is what was ever taken from the buyer."""

    captured_minor: int
    refunds: Sequence[Movement] = ()
    disputes: Sequence[Movement] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """One authentic event of the payment provider.

    `session` is there for `checkout.session.*`; `payment_intent` for what is about a refund or a dispute, unless it
    was paid without one.
    """

    stripe_event_id: str
    type: str
    livemode: bool
    account: str | None
    created_at: datetime
    session: CheckoutSession | None = None
    payment_intent: str | None = None
