"""Purchases: quote, status and review."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import CHANNELS, Catalogue
from chalicelib.domain.ids import require_tag
from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.payments import CheckoutSession, Invoice, PurchaseRef
from chalicelib.domain.posting import NotPosted, Posting
from chalicelib.domain.reviews import Review
from chalicelib.errors import IdempotencyConflict, InvalidField

PENDING_LIFE: Final = timedelta(days=60)
"""Retention of an unpaid purchase: longer than Stripe keeps events (30 days)."""


class Status(StrEnum):
    """Status of a purchase. Posted is final: later money movements are entries of their own.

    pending -> processing (submitted, not paid yet) -> posted; pending | processing -> failed | expired;
    failed | expired -> posted (the payment arrived late).
    """

    PENDING = "pending"
    PROCESSING = "processing"
    POSTED = "posted"
    FAILED = "failed"
    EXPIRED = "expired"


UNPOSTED: Final = tuple(status for status in Status if status is not Status.POSTED)


class Purchase(Struct, frozen=True, kw_only=True):
    """A purchase of a coin bundle, with its quote.

    `coins` is the total to credit, bonus included; `amount_minor` is the price, tax included, in the minor unit of
    `currency`. `posted_at`, `event_id` and `payment_intent` are set once it is posted. `kept_minor` is the part of the
    price that was kept at the last sync (None: no sync yet); each sync changes `version`. `is_released`: it ended
    unpaid, and its price no longer counts in the fan's budget.

    A paid month of a membership is a purchase, too: with a `membership_id`, the plan's id as `bundle_id`, and the end
    of the month as `paid_until`.
    """

    purchase_id: str
    user_id: str
    bundle_id: str
    channel: str
    coins: int
    amount_minor: int
    currency: str
    created_at: datetime
    status: Status = Status.PENDING
    posted_at: datetime | None = None
    event_id: str | None = None
    payment_intent: str | None = None
    kept_minor: int | None = None
    version: int = 1
    is_released: bool = False
    membership_id: str = ""
    is_renewal: bool = False
    paid_until: datetime | None = None

    @property
    def entry_id(self) -> str:
        """The id of the ledger entry."""
        return self.purchase_id

    @property
    def posting(self) -> Posting:
        """The time and event id of the posting. Raises NotPosted."""
        if self.posted_at is None or self.event_id is None:
            raise NotPosted(self.purchase_id)
        return Posting(posted_at=self.posted_at, event_id=self.event_id)


SESSION_LIFE: Final = timedelta(hours=2)
"""Time in which a checkout session can be paid."""

NO_PAYMENT_YET: Final = "no_payment_yet"
"""Review reason: a paid invoice shows no payment yet. Its coins are credited when the payment appears."""

MONEY_LEFT: Final = "money_left_an_unmatched_payment"
"""Review reason: a payment in review was refunded or disputed. An operator may have granted coins for it."""

REOPEN_WINDOW: Final = timedelta(minutes=60)
"""Time in which a repeat returns the same session: Stripe takes `expires_at` only if 30 minutes ahead or more."""


class CheckoutOrder(Struct, frozen=True, kw_only=True):
    """A request to buy a coin bundle. Raises InvalidField when a field breaks its rule."""

    purchase_id: str
    user_id: str
    bundle_id: str
    currency: str
    channel: str

    def __post_init__(self) -> None:
        require_tag("bundle_id", self.bundle_id)
        require_market(self.currency, self.channel)


def require_market(currency: str, channel: str) -> tuple[str, str]:
    """Return the currency and channel. Raises InvalidField when one of them is unknown."""
    if currency not in EXPONENTS:
        raise InvalidField("currency", "a lowercase ISO 4217 code, like usd")
    if channel not in CHANNELS:
        raise InvalidField("channel", f"one of {', '.join(CHANNELS)}")
    return currency, channel


def quote(order: CheckoutOrder, catalogue: Catalogue, now: datetime) -> Purchase:
    """Build a pending purchase at the present price. Raises UnknownBundle."""
    amount_minor = catalogue.price_minor(order.bundle_id, order.currency, order.channel)
    return Purchase(
        purchase_id=order.purchase_id,
        user_id=order.user_id,
        bundle_id=order.bundle_id,
        channel=order.channel,
        coins=catalogue.bundles[order.bundle_id].coins,
        amount_minor=amount_minor,
        currency=order.currency,
        created_at=now,
    )


def require_same_request(entry: object, order: CheckoutOrder) -> Purchase:
    """Return the stored purchase of the order. Raises IdempotencyConflict when the entry is something else."""
    if isinstance(entry, Purchase) and (entry.bundle_id, entry.currency, entry.channel) == (
        order.bundle_id,
        order.currency,
        order.channel,
    ):
        return entry
    raise IdempotencyConflict("Use a new key for a new checkout.")


def can_still_be_paid(purchase: Purchase, now: datetime) -> bool:
    """Return True while a repeat may reopen the checkout session."""
    return purchase.status is Status.PENDING and now - purchase.created_at < REOPEN_WINDOW


def session_review_reason(session: CheckoutSession) -> str | None:
    """Return the review reason of a paid session that cannot be credited, or None."""
    if session.payment_status != "paid":
        return session.payment_status
    if session.payment_intent is None:
        return "no_payment_intent"
    if session.total_minor != session.subtotal_minor:
        return "discounted_or_surcharged"
    return None


def purchase_review_reason(purchase: Purchase, session: CheckoutSession) -> str | None:
    """Return the review reason of a session that the ledger rejected, or None when it is a repeat."""
    if purchase.currency != session.currency:
        return "other_currency"
    if purchase.amount_minor != session.subtotal_minor:
        return "other_amount"
    if purchase.coins != session.require_ref().coins:
        return "other_coins"
    if purchase.payment_intent != session.payment_intent:
        return "paid_twice"
    return None


def review_of(paid: CheckoutSession | Invoice, ref: PurchaseRef, reason: str) -> Review:
    """Build the review of a paid checkout session or invoice."""
    position = paid.session_id if isinstance(paid, CheckoutSession) else paid.invoice_id
    return Review(
        payment_id=paid.payment_intent or position,
        reason=reason,
        session_id=position,
        purchase_id=ref.purchase_id,
        user_id=ref.user_id,
        coins=ref.coins,
        amount_minor=paid.total_minor,
        currency=paid.currency,
        paid_at=paid.created_at,
    )


def unpaid_session(purchase: Purchase) -> CheckoutSession:
    """Build the unpaid checkout session of an expired purchase, without a request to Stripe."""
    return CheckoutSession(
        session_id="",
        mode="payment",
        payment_status="unpaid",
        payment_intent=None,
        subtotal_minor=purchase.amount_minor,
        total_minor=purchase.amount_minor,
        currency=purchase.currency,
        created_at=purchase.created_at,
        ref=PurchaseRef(purchase_id=purchase.purchase_id, user_id=purchase.user_id, coins=purchase.coins),
    )
