"""What the payment provider tells us, in our words."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from chalicelib.domain.ids import uuid7_of


class PurchaseRef(Struct, frozen=True, kw_only=True):
    """What a checkout session of ours says of itself in its metadata: we wrote it when we opened the session."""

    purchase_id: str
    user_id: str
    coins: int


class CheckoutSession(Struct, frozen=True, kw_only=True):
    """A checkout session as the payment provider shows it now.

    `ref` is None for a stranger's session. `payment_status` is paid, unpaid or no_payment_required. `subtotal_minor`
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
    ref: PurchaseRef | None
    url: str | None = None

    @property
    def is_paid(self) -> bool:
        """Whether there is nothing left to pay."""
        return self.payment_status != "unpaid"


class MembershipRef(Struct, frozen=True, kw_only=True):
    """What a subscription of ours, and each of its invoices, says of itself in its metadata."""

    membership_id: str
    plan_id: str
    user_id: str
    coins: int


class Invoice(Struct, frozen=True, kw_only=True):
    """An invoice of a subscription as the payment provider shows it now.

    `membership` is None for a stranger's invoice. `subtotal_minor` is the price before discounts, `total_minor` what
    is charged, `paid_minor` what was paid, all in the minor unit of `currency`. `payment_intent` is the one payment
    that paid it, None where there is no such one; `paid_until` the end of the period that it is for.
    """

    invoice_id: str
    status: str
    billing_reason: str
    subscription_id: str
    customer_id: str
    payment_intent: str | None
    subtotal_minor: int
    total_minor: int
    paid_minor: int
    currency: str
    created_at: datetime
    paid_until: datetime | None
    membership: MembershipRef | None

    @property
    def is_paid(self) -> bool:
        """Whether there is nothing left to pay."""
        return self.status == "paid"

    @property
    def purchase_id(self) -> str:
        """The id of the purchase that the invoice becomes when it is paid: the invoice alone decides it."""
        return uuid7_of(self.created_at, self.invoice_id)

    @property
    def ref(self) -> PurchaseRef | None:
        """What the invoice says of that purchase; None for a stranger's."""
        if self.membership is None:
            return None
        return PurchaseRef(purchase_id=self.purchase_id, user_id=self.membership.user_id, coins=self.membership.coins)

    @property
    def hint(self) -> "MembershipHint | None":
        """Whose membership the invoice is about; None for a stranger's."""
        if self.membership is None:
            return None
        return MembershipHint(subscription_id=self.subscription_id, ref=self.membership)


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription as the payment provider shows it now.

    `renews` says whether it goes on after the present period; `cancel_reason` is the provider's word for why it was
    canceled, if it was and there is one. `paid_invoices` are those that were paid, newest first, a year of them.
    """

    subscription_id: str
    status: str
    cancel_reason: str
    renews: bool
    customer_id: str
    paid_invoices: Sequence[Invoice]


class MembershipHint(Struct, frozen=True, kw_only=True):
    """Whose membership an event is about. What else it says does not count: it makes us look."""

    subscription_id: str
    ref: MembershipRef


class Movement(Struct, frozen=True, kw_only=True):
    """A refund or a dispute, as it is now. `amount_minor` > 0, in the minor unit of `currency`."""

    amount_minor: int
    currency: str
    status: str


class MoneyState(Struct, frozen=True, kw_only=True):
    """What the payment provider says of one payment now. `captured_minor` is what was ever taken from the buyer."""

    captured_minor: int
    refunds: Sequence[Movement] = ()
    disputes: Sequence[Movement] = ()


class StripeEvent(Struct, frozen=True, kw_only=True):
    """One authentic event of the payment provider.

    `session` is there for `checkout.session.*`; `payment_intent` for what is about a refund or a dispute, unless it
    was paid without one; `invoice_id` for `invoice.*`; `membership` for `customer.subscription.*`, and for sessions in
    which one was subscribed to, unless it is a stranger's.
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
