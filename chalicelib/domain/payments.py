"""Stripe's objects as values of the domain."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from msgspec import Struct

from chalicelib.domain.ids import uuid7_of
from chalicelib.errors import PaymentUnavailable


class PurchaseRef(Struct, frozen=True, kw_only=True):
    """The purchase that a checkout session's metadata refers to, as written when the session was opened."""

    purchase_id: str
    user_id: str
    coins: int


class CustomerGone(PaymentUnavailable):
    """The customer was deleted at the provider. The next membership gets another one."""


class UnrelatedPayment(Exception):
    """An unrelated checkout session or invoice reached code that handles only our own."""


class CheckoutSession(Struct, frozen=True, kw_only=True):
    """A checkout session in its present state.

    `ref` is its purchase and `membership` its membership; both None for an unrelated session. `payment_status` is paid,
    unpaid or no_payment_required. `subtotal_minor` is the price before discounts, `total_minor` the amount
    charged, both in the minor unit of `currency`. `status` is open, complete or expired.
    """

    session_id: str
    mode: str
    payment_status: str
    payment_intent: str | None
    subtotal_minor: int
    total_minor: int
    currency: str
    created_at: datetime
    ref: PurchaseRef | None
    url: str | None = None
    status: str | None = None
    membership: "MembershipRef | None" = None

    @property
    def is_paid(self) -> bool:
        """True if nothing is left to pay."""
        return self.payment_status != "unpaid"

    def require_ref(self) -> PurchaseRef:
        """Return the ref. Raises UnrelatedPayment when there is none."""
        if self.ref is None:
            raise UnrelatedPayment(self.session_id)
        return self.ref


class MembershipRef(Struct, frozen=True, kw_only=True):
    """The membership that the metadata of a subscription, and of each of its invoices, refers to."""

    membership_id: str
    plan_id: str
    user_id: str
    coins: int


class Invoice(Struct, frozen=True, kw_only=True):
    """An invoice of a subscription in its present state.

    `membership` is None for an unrelated invoice. `subtotal_minor` is the price before discounts, `total_minor` the
    amount charged, `paid_minor` the amount paid, all in the minor unit of `currency`; the rest of `total_minor` came
    from the customer's balance. `payment_intent` is its first payment, `more_payment_intents` are further parts; None
    while Stripe shows less than what was paid. `off_stripe_minor` is the part of `paid_minor` that was paid outside
    Stripe. `paid_until` is the end of its period.
    """

    invoice_id: str
    status: str | None
    billing_reason: str | None
    subscription_id: str
    customer_id: str | None
    payment_intent: str | None
    subtotal_minor: int
    total_minor: int
    paid_minor: int
    currency: str
    created_at: datetime
    paid_until: datetime | None
    membership: MembershipRef | None
    paid_at: datetime | None = None
    more_payment_intents: Sequence[str] = ()
    off_stripe_minor: int = 0

    @property
    def is_paid(self) -> bool:
        """True if nothing is left to pay."""
        return self.status == "paid"

    @property
    def is_free(self) -> bool:
        """True if nothing was charged: a trial, a discount of the whole price, or a credit for a downgrade."""
        return self.total_minor <= 0 and self.paid_minor == 0

    @property
    def payment_intents(self) -> tuple[str, ...]:
        """Every payment of it at Stripe."""
        return () if self.payment_intent is None else (self.payment_intent, *self.more_payment_intents)

    @property
    def purchase_id(self) -> str:
        """The id of the invoice's purchase, derived from the invoice alone."""
        return uuid7_of(self.created_at, self.invoice_id)

    @property
    def ref(self) -> PurchaseRef | None:
        """A reference to the invoice's purchase; None for an unrelated invoice."""
        return None if self.membership is None else self.require_ref()

    def require_ref(self) -> PurchaseRef:
        """Return the ref. Raises UnrelatedPayment when there is none."""
        membership = self.require_membership()
        return PurchaseRef(purchase_id=self.purchase_id, user_id=membership.user_id, coins=membership.coins)

    def require_membership(self) -> MembershipRef:
        """Return the membership's ref. Raises UnrelatedPayment when there is none."""
        if self.membership is None:
            raise UnrelatedPayment(self.invoice_id)
        return self.membership

    @property
    def hint(self) -> "MembershipHint | None":
        """A reference to the invoice's membership; None for an unrelated invoice."""
        if self.membership is None:
            return None
        return MembershipHint(subscription_id=self.subscription_id, ref=self.membership)


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription in its present state.

    `renews` is False when it ends with the present period; `cancel_reason` is Stripe's reason for a cancellation, if
    there is one. `paid_invoices` are newest first, up to a year of them. `period_ends_at` is the end of the present
    period, paid or not.
    """

    subscription_id: str
    status: str
    cancel_reason: str | None
    renews: bool
    customer_id: str
    paid_invoices: Sequence[Invoice]
    period_ends_at: datetime | None = None


class MembershipHint(Struct, frozen=True, kw_only=True):
    """The membership that an event is about. The event's other content is ignored: it only triggers a read."""

    subscription_id: str
    ref: MembershipRef


class Refund(Struct, frozen=True, kw_only=True):
    """A refund in its present state. `amount_minor` > 0, in the minor unit of `currency`."""

    refund_id: str
    amount_minor: int
    currency: str
    status: str | None


class Booking(Struct, frozen=True, kw_only=True):
    """A balance transaction of a dispute: negative for money withdrawn, positive for money reinstated, without fees.

    `currency` is the one that the account is settled in. `rate` is the number of its minor units for one of the
    payment's, None where nothing was converted.
    """

    booking_id: str
    amount_minor: int
    currency: str
    rate: Fraction | None = None


class Dispute(Struct, frozen=True, kw_only=True):
    """A dispute in its present state.

    `amount_minor` is the disputed amount in `currency`, which may differ from the payment's in both. It says how much
    is disputed, not that any money moved. `case_type` is the card network's, None for other payment methods.
    """

    amount_minor: int
    currency: str
    status: str | None
    bookings: Sequence[Booking] = ()
    case_type: str | None = None


class MoneyState(Struct, frozen=True, kw_only=True):
    """The present state of one payment. `captured_minor` is the total captured from the buyer."""

    captured_minor: int
    refunds: Sequence[Refund] = ()
    disputes: Sequence[Dispute] = ()


class StripeEvent(Struct, frozen=True, kw_only=True):
    """A Stripe event with a valid signature.

    `session` is set for `checkout.session.*` with a currency; `payment_intent` for refunds, disputes and fraud warnings
    of a payment intent; `invoice_id` for `invoice.*`; `membership` for `customer.subscription.*` and for sessions that
    started a subscription, unless they are unrelated.
    """

    stripe_event_id: str
    type: str
    livemode: bool
    account: str | None
    created_at: datetime
    session: CheckoutSession | None = None
    payment_intent: str | None = None
    invoice_id: str | None = None
    membership: MembershipHint | None = None


class EventPage(Struct, frozen=True, kw_only=True):
    """A page of the provider's list of events, newest first. `after` lists the next page; None on the last one.

    `unreadable` are the ids of events that could not be decoded.
    """

    events: Sequence[StripeEvent]
    unreadable: Sequence[str] = ()
    after: str | None = None
