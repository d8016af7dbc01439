"""The life of a purchase up to its posting."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import CHANNELS, Catalogue
from chalicelib.domain.ids import require_tag
from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.payments import CheckoutSession, Invoice, PurchaseRef
from chalicelib.domain.reviews import Review
from chalicelib.errors import IdempotencyConflict, InvalidField

PENDING_LIFE: Final = timedelta(days=60)
"""How long a purchase that nobody paid is kept: longer than the payment provider can still tell us of it (30 days)."""


class Status(StrEnum):
    """Where a purchase stands. Posted is final: later money movements are entries of their own.

    pending -> processing (submitted, not paid yet) -> posted; pending | processing -> failed | expired;
    failed | expired -> posted (the money did arrive after all).
    """

    PENDING = "pending"
    PROCESSING = "processing"
    POSTED = "posted"
    FAILED = "failed"
    EXPIRED = "expired"


UNPOSTED: Final = tuple(status for status in Status if status is not Status.POSTED)


class Purchase(Struct, frozen=True, kw_only=True):
    """A coin bundle that a fan asked for, and the quote it was asked at.

    `coins` is the total that the wallet is credited with, bonus included; `amount_minor` the price, tax included, in
    the minor unit of `currency`. `posted_at`, `event_id` and `payment_intent` are there once it is posted.
    `kept_minor` is how much of the price was kept when somebody last looked (None: nobody did); each look changes
    `version`. `is_released`: it ended unpaid, and its price no longer counts against the fan's budget.

    A paid month of a membership is a purchase, too: of that `membership_id`, of the plan that `bundle_id` names, and it
    makes the fan a member until `paid_until`.
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
        """The id that the entry is stored under."""
        return self.purchase_id


SESSION_LIFE: Final = timedelta(hours=2)
"""How long a checkout session can be paid."""

NO_PAYMENT_YET: Final = "no_payment_yet"
"""Why a review asks for no coins: an invoice looks paid by nothing; when its payment shows, its coins are credited."""

MONEY_LEFT: Final = "money_left_an_unmatched_payment"
"""Why a review asks for no coins: a payment that is in review lost money, and coins may have been given for it."""

REOPEN_WINDOW: Final = timedelta(minutes=60)
"""How long a repeat is given the same session again: Stripe wants a session to live 30 minutes when it is asked for."""


class CheckoutOrder(Struct, frozen=True, kw_only=True):
    """What a fan asks to buy. Raises InvalidField when it is made with something that cannot be."""

    purchase_id: str
    user_id: str
    bundle_id: str
    currency: str
    channel: str

    def __post_init__(self) -> None:
        require_tag("bundle_id", self.bundle_id)
        require_market(self.currency, self.channel)


def require_market(currency: str, channel: str) -> tuple[str, str]:
    """Where something is on sale. Raises InvalidField when there can be no such market."""
    if currency not in EXPONENTS:
        raise InvalidField("currency", "a lowercase ISO 4217 code, like usd")
    if channel not in CHANNELS:
        raise InvalidField("channel", f"one of {', '.join(CHANNELS)}")
    return currency, channel


def quote(order: CheckoutOrder, catalogue: Catalogue, now: datetime) -> Purchase:
    """The pending purchase, at today's price. Raises UnknownBundle."""
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
    """The purchase that the order already became. Raises IdempotencyConflict when its id names something else."""
    if isinstance(entry, Purchase) and (entry.bundle_id, entry.currency, entry.channel) == (
        order.bundle_id,
        order.currency,
        order.channel,
    ):
        return entry
    raise IdempotencyConflict("Use a new key for a new checkout.")


def can_still_be_paid(purchase: Purchase, now: datetime) -> bool:
    """Whether a repeat may be given the checkout session again."""
    return purchase.status is Status.PENDING and now - purchase.created_at < REOPEN_WINDOW


def session_review_reason(session: CheckoutSession) -> str | None:
    """Why a paid session cannot be credited whatever the ledger says, as a review's reason; None when it can."""
    if session.payment_status != "paid":
        return session.payment_status
    if session.payment_intent is None:
        return "no_payment_intent"
    if session.total_minor != session.subtotal_minor:
        return "discounted_or_surcharged"
    return None


def purchase_review_reason(purchase: Purchase, session: CheckoutSession) -> str | None:
    """Why the ledger refused to post what the session paid for, as a review's reason; None when it is a repeat."""
    ref = session.ref
    assert ref is not None, "strangers' sessions never come this far"
    if purchase.currency != session.currency:
        return "other_currency"
    if purchase.amount_minor != session.subtotal_minor:
        return "other_amount"
    if purchase.coins != ref.coins:
        return "other_coins"
    if purchase.payment_intent != session.payment_intent:
        return "paid_twice"
    return None


def review_of(paid: CheckoutSession | Invoice, ref: PurchaseRef, reason: str) -> Review:
    """The review of what was paid in a checkout session, or of an invoice that was paid."""
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
    """The checkout session of a purchase that can no longer be paid, as we know it without asking."""
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
