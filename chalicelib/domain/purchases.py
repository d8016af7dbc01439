"""Purchases: quote, status and review."""

from collections.abc import Set
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import CHANNELS, Catalogue, Offer
from chalicelib.domain.ids import hash_request, require_tag
from chalicelib.domain.ladder import offer_for
from chalicelib.domain.money import EXPONENTS, MAX_AMOUNT
from chalicelib.domain.payments import CheckoutSession, Invoice, PurchaseRef
from chalicelib.domain.posting import NotPosted, Posting
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.errors import IdempotencyConflict, InvalidField, PaymentUnavailable, UnknownBundle

PENDING_LIFE: Final = timedelta(days=60)
"""Retention of an unpaid purchase: longer than Stripe keeps events (30 days)."""


KEY_FORM: Final = 2
"""Form of the idempotency keys that the payment provider gets."""

FORMER_KEY_FORM: Final = 1
"""Form of the first release, whose rows do not name it: a single key, with the user id."""


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


class DisputeHold(StrEnum):
    """The hold of a purchase's disputes on the fan's wallet. The money of each of them is out.

    An open one freezes the wallet until it is decided, a lost one until the wallet owes no coins.
    """

    OPEN = "open"
    LOST = "lost"


UNPOSTED: Final = tuple(status for status in Status if status is not Status.POSTED)


class Purchase(Struct, frozen=True, kw_only=True):
    """A purchase of a coin bundle, with its quote.

    `coins` is the total to credit, bonus included; `amount_minor` is the price, tax included, in the minor unit of
    `currency`. `posted_at`, `event_id` and `payment_intent` are set once it is posted. `kept_minor` is the part of the
    price that was kept at the last sync (None: no sync yet), `hold` what its disputes then meant for the wallet, and
    `returned_payments` are those of its payments whose money had left; each sync changes `version`. `is_released`: it
    ended unpaid, and its price no longer counts in the fan's budget.

    A paid month of a membership is a purchase, too: with a `membership_id`, the plan's id as `bundle_id`, and the end
    of the month as `paid_until`.

    An operator's credit posts a payment in review at the amount paid: `actor` is the operator, and `quoted_minor` the
    quote's amount where the payment differs.

    `request_hash` names the parts of the request that the quote does not show; see CheckoutOrder. `key_form` is the
    form of its idempotency keys at the payment provider, which all its requests must keep. `failure_reason` is
    `payment_unavailable` if the provider refused to open its checkout.
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
    hold: DisputeHold | None = None
    returned_payments: Set[str] = frozenset()
    version: int = 1
    is_released: bool = False
    membership_id: str | None = None
    is_renewal: bool = False
    paid_until: datetime | None = None
    request_hash: str | None = None
    quoted_minor: int | None = None
    actor: str | None = None
    key_form: int = KEY_FORM
    failure_reason: str | None = None

    @property
    def entry_id(self) -> str:
        """The id of the ledger entry."""
        return self.purchase_id

    @property
    def ref(self) -> PurchaseRef:
        """A reference to the purchase, as in the metadata of its checkout session."""
        return PurchaseRef(purchase_id=self.purchase_id, user_id=self.user_id, coins=self.coins)

    @property
    def posting(self) -> Posting:
        """The time and event id of the posting. Raises NotPosted."""
        if self.posted_at is None or self.event_id is None:
            raise NotPosted(self.purchase_id)
        return Posting(posted_at=self.posted_at, event_id=self.event_id)


SESSION_LIFE: Final = timedelta(hours=2)
"""Time in which a checkout session can be paid."""

REOPEN_WINDOW: Final = timedelta(minutes=60)
"""Time in which a repeat returns the same session: Stripe takes `expires_at` only if 30 minutes ahead or more."""


ASK_AFTER: Final = timedelta(seconds=20)
"""Age from which a pending purchase's reader may ask the provider: its webhook is late."""

ASK_AGAIN: Final = timedelta(seconds=10)
"""Time between two askings about one purchase."""

MAX_BUNDLES: Final = 99
"""Largest quantity of one checkout."""


class CheckoutOrder(Struct, frozen=True, kw_only=True):
    """A request to buy a `quantity` of a bundle, or an amount of `coins`. `return_url` is the page to come back to.

    Raises:
        InvalidField: a field breaks its rule.
    """

    purchase_id: str
    user_id: str
    bundle_id: str | None = None
    quantity: int = 1
    coins: int = 0
    currency: str
    channel: str
    return_url: str | None = None

    def __post_init__(self) -> None:
        if (self.bundle_id is not None) is bool(self.coins):
            raise InvalidField("bundle_id", "exactly one of bundle_id and coins")
        if self.bundle_id is not None:
            require_tag("bundle_id", self.bundle_id)
        elif not 1 <= self.coins <= MAX_AMOUNT:
            raise InvalidField("coins", f"a whole number from 1 to {MAX_AMOUNT}")
        if not 1 <= self.quantity <= (MAX_BUNDLES if self.bundle_id is not None else 1):
            raise InvalidField("quantity", f"a whole number from 1 to {MAX_BUNDLES}, with bundle_id only")
        require_market(self.currency, self.channel)

    @property
    def request_hash(self) -> str | None:
        """The hash that a repeat must have, too: a quote shows neither the quantity nor the page to come back to.

        None for one bundle without a return address, as in rows of the first release.
        """
        if self.quantity == 1 and not self.coins and not self.return_url:
            return None
        return hash_request(self.bundle_id or "", str(self.quantity), str(self.coins), self.return_url or "")


def require_market(currency: str, channel: str) -> tuple[str, str]:
    """Return the currency and channel. Raises InvalidField when one of them is unknown."""
    if currency not in EXPONENTS:
        raise InvalidField("currency", "a lowercase ISO 4217 code, like usd")
    if channel not in CHANNELS:
        raise InvalidField("channel", f"one of {', '.join(CHANNELS)}")
    return currency, channel


def quote(order: CheckoutOrder, catalogue: Catalogue, now: datetime) -> Purchase:
    """Build a pending purchase at the present price. Raises UnknownBundle, CoinsNotForSale."""
    offer = _offer(order, catalogue)
    return Purchase(
        purchase_id=order.purchase_id,
        user_id=order.user_id,
        bundle_id=offer.bundle.bundle_id,
        channel=order.channel,
        coins=offer.coins,
        amount_minor=offer.amount_minor,
        currency=order.currency,
        created_at=now,
        request_hash=order.request_hash,
    )


def _offer(order: CheckoutOrder, catalogue: Catalogue) -> Offer:
    if order.channel != "web":
        raise UnknownBundle("In-app prices are paid in the app's store, not here.")
    if order.bundle_id is None:
        return offer_for(catalogue, order.coins, order.currency)
    bundle = catalogue.offer(order.bundle_id, order.currency, order.channel)
    return bundle if order.quantity == 1 else offer_for(catalogue, order.quantity * bundle.coins, order.currency)


def require_same_request(entry: object, order: CheckoutOrder) -> Purchase:
    """Return the stored purchase of the order. Raises IdempotencyConflict when the entry is something else."""
    if (
        isinstance(entry, Purchase)
        and (entry.currency, entry.channel, entry.request_hash) == (order.currency, order.channel, order.request_hash)
        and (order.request_hash or entry.bundle_id == order.bundle_id)
    ):
        return entry
    raise IdempotencyConflict("Use a new key for a new checkout.")


def require_available(failure_reason: str | None) -> None:
    """Raise PaymentUnavailable if that is the reason for which a purchase or membership ended."""
    if failure_reason == PaymentUnavailable.code:
        raise PaymentUnavailable("The payment provider did not take this payment: use a new key to try again.")


def can_still_be_paid(purchase: Purchase, now: datetime) -> bool:
    """Return True while a repeat may reopen the checkout session."""
    return purchase.status is Status.PENDING and now - purchase.created_at < REOPEN_WINDOW


def is_overdue(purchase: Purchase, now: datetime) -> bool:
    """Return True while the provider may know more of a pending purchase than its webhooks have said.

    Only for as long as the provider remembers the keys of the purchase, by which its session is found.
    """
    age = now - purchase.created_at
    return purchase.status is Status.PENDING and ASK_AFTER < age < 2 * SESSION_LIFE


def session_review_reason(session: CheckoutSession) -> ReviewReason | None:
    """Return the review reason of a paid session that cannot be credited, or None."""
    if session.payment_status != "paid":
        return ReviewReason(session.payment_status)
    if session.payment_intent is None:
        return ReviewReason.NO_PAYMENT_INTENT
    if session.total_minor != session.subtotal_minor:
        return ReviewReason.DISCOUNTED
    return None


def purchase_review_reason(purchase: Purchase, session: CheckoutSession) -> ReviewReason | None:
    """Return the review reason of a session that the ledger rejected, or None when it is a repeat.

    A payment that was credited is a repeat, even if an operator has credited it at another price than was quoted.
    """
    if purchase.status is Status.POSTED and purchase.payment_intent == session.payment_intent:
        return None
    if purchase.currency != session.currency:
        return ReviewReason.OTHER_CURRENCY
    if purchase.amount_minor != session.subtotal_minor:
        return ReviewReason.OTHER_AMOUNT
    if purchase.coins != session.require_ref().coins:
        return ReviewReason.OTHER_COINS
    return ReviewReason.PAID_TWICE


def review_of(paid: CheckoutSession | Invoice, ref: PurchaseRef, reason: ReviewReason, opened_at: datetime) -> Review:
    """Build the review of a paid checkout session or invoice."""
    position = paid.session_id if isinstance(paid, CheckoutSession) else paid.invoice_id
    return Review(
        payment_id=paid.payment_intent or position,
        reason=reason,
        session_id=position,
        purchase_id=ref.purchase_id,
        user_id=ref.user_id,
        coins=ref.coins,
        amount_minor=paid.total_minor if isinstance(paid, CheckoutSession) else paid.paid_minor,
        currency=paid.currency,
        paid_at=paid.created_at,
        opened_at=opened_at,
    )
