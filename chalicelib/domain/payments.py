"""What the payment provider tells us, in our words."""

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
class StripeEvent:
    """One authentic event of the payment provider. `session` is there for `checkout.session.*` and only then."""

    stripe_event_id: str
    type: str
    livemode: bool
    account: str | None
    created_at: datetime
    session: CheckoutSession | None = None
