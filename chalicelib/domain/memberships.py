"""Memberships: order, paid months, status and end.

Each paid invoice is a purchase of a month's coins. A membership's status is computed from the present state of its
subscription, so the order of events does not matter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.entries import Entry
from chalicelib.domain.ids import hash_request, require_tag
from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.payments import Invoice, Subscription
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import KEY_FORM, REOPEN_WINDOW, Purchase, Status
from chalicelib.domain.reversals import UnknownStatus
from chalicelib.domain.reviews import ReviewReason
from chalicelib.errors import AlreadyMember, IdempotencyConflict, InvalidField, PaymentUnavailable

CHANNEL: Final = "membership"
"""Channel of purchases that are months of a membership."""

RENEWAL_GRACE: Final = timedelta(hours=3)
"""Grace period of a renewal, which Stripe charges about an hour after its period has begun."""

_BILLED: Final[Mapping[str | None, bool]] = {"subscription_create": False, "subscription_cycle": True}
"""Billing reasons of invoices that grant a month, and whether each is a renewal. Others are made by hand.
Source: docs.stripe.com/api/invoices/object, `billing_reason`."""


class MembershipStatus(StrEnum):
    """Status of a membership. Ended is not final: a late payment or a won dispute makes it active again.

    pending (no month was paid yet) -> active -> past_due (a renewal was not paid) -> active | ended.
    """

    PENDING = "pending"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    ENDED = "ended"


LIVE: Final = (MembershipStatus.ACTIVE, MembershipStatus.PAST_DUE)

SUBSCRIPTION_STATUSES: Final = {
    "incomplete": MembershipStatus.PENDING,
    "trialing": MembershipStatus.ACTIVE,
    "active": MembershipStatus.ACTIVE,
    "past_due": MembershipStatus.PAST_DUE,
    "paused": MembershipStatus.PAST_DUE,
    "unpaid": MembershipStatus.ENDED,
    "incomplete_expired": MembershipStatus.ENDED,
    "canceled": MembershipStatus.ENDED,
}
"""Status of a paid membership by its subscription's status. Source:
docs.stripe.com/api/subscriptions/object, `status`."""

_UNPAID: Final = frozenset({"unpaid", "incomplete_expired"})
_GAVE_UP: Final = "payment_failed"
"""Stripe's cancellation reason after the last failed attempt to collect a payment."""


class Membership(Struct, frozen=True, kw_only=True):
    """A membership of a fan, with its quote and its status.

    `coins` are credited each month; `amount_minor` is the monthly price, tax included, in the minor unit of `currency`.
    `paid_until` is the end of the last paid month. `ended_reason` is `cancelled`, `unpaid` or `refunded` once the
    membership has ended, or `payment_unavailable` if the provider refused to open its checkout. Each sync with the
    subscription changes `version`. `key_form` is as a purchase's.
    """

    membership_id: str
    user_id: str
    plan_id: str
    coins: int
    amount_minor: int
    currency: str
    created_at: datetime
    status: MembershipStatus = MembershipStatus.PENDING
    subscription_id: str | None = None
    customer_id: str | None = None
    paid_until: datetime | None = None
    renews: bool = False
    ended_reason: str | None = None
    version: int = 1
    request_hash: str | None = None
    key_form: int = KEY_FORM

    def is_active(self, now: datetime) -> bool:
        """Return True until the end of the last paid month, plus RENEWAL_GRACE while a renewal is due."""
        if self.paid_until is None or self.status not in LIVE:
            return False
        lag = RENEWAL_GRACE if self.status is MembershipStatus.ACTIVE and self.renews else timedelta()
        return now < self.paid_until + lag


class Customer(Struct, frozen=True, kw_only=True):
    """The payment provider's customer who has all memberships of a fan.

    `customer_id` is None before the first membership, and after the customer was deleted at the provider; then
    `gone_id` is its id.
    """

    customer_id: str | None = None
    gone_id: str | None = None


class MembershipOrder(Struct, frozen=True, kw_only=True):
    """A request to join a plan. Raises InvalidField when a field breaks its rule."""

    membership_id: str
    user_id: str
    plan_id: str
    currency: str
    return_url: str | None = None

    def __post_init__(self) -> None:
        require_tag("plan_id", self.plan_id)
        if self.currency not in EXPONENTS:
            raise InvalidField("currency", "a lowercase ISO 4217 code, like usd")

    @property
    def request_hash(self) -> str | None:
        """The hash of the return address. None without one, as in rows of the first release."""
        return hash_request(self.return_url) if self.return_url else None


def quote_membership(order: MembershipOrder, catalogue: Catalogue, now: datetime) -> Membership:
    """Build a pending membership at the present price. Raises UnknownPlan."""
    plan, amount_minor = catalogue.plan(order.plan_id, order.currency)
    return Membership(
        membership_id=order.membership_id,
        user_id=order.user_id,
        plan_id=order.plan_id,
        coins=plan.coins,
        amount_minor=amount_minor,
        currency=order.currency,
        created_at=now,
        request_hash=order.request_hash,
    )


def require_no_member(memberships: Sequence[Membership]) -> None:
    """Raise AlreadyMember when one of a fan's memberships is live.

    Not a guarantee: two memberships that were opened before either was paid can both be paid, and both are credited.
    """
    if any(membership.status in LIVE for membership in memberships):
        raise AlreadyMember("End the present membership first.")


def require_same_request(membership: Membership, order: MembershipOrder) -> Membership:
    """Return the stored membership of the order. Raises IdempotencyConflict when it differs from the order."""
    requested = order.plan_id, order.currency, order.request_hash
    if (membership.plan_id, membership.currency, membership.request_hash) == requested:
        return membership
    raise IdempotencyConflict("Use a new key for a new membership.")


def can_still_be_joined(membership: Membership, now: datetime) -> bool:
    """Return True while a repeat may reopen the checkout session."""
    is_untouched = membership.status is MembershipStatus.PENDING and not membership.subscription_id
    return is_untouched and now - membership.created_at < REOPEN_WINDOW


def present_membership(memberships: Sequence[Membership]) -> Membership | None:
    """Return the live membership, else the newest that could be paid, else None.

    Args:
        memberships: newest first.
    """
    live = [membership for membership in memberships if membership.status in LIVE]
    payable = [membership for membership in memberships if membership.ended_reason != PaymentUnavailable.code]
    return next(iter([*live, *payable]), None)


def invoice_review_reason(invoice: Invoice) -> ReviewReason | None:
    """Return the review reason of a paid invoice that cannot grant a month, or None."""
    if invoice.billing_reason not in _BILLED:
        return ReviewReason.OTHER_BILLING_REASON
    if not invoice.paid_minor:
        return ReviewReason.NO_PAYMENT_REQUIRED
    if invoice.payment_intent is None:
        return ReviewReason.NO_PAYMENT_YET
    if invoice.total_minor != invoice.subtotal_minor:
        return ReviewReason.DISCOUNTED
    if invoice.paid_minor != invoice.total_minor:
        return ReviewReason.OTHER_AMOUNT
    if invoice.paid_until is None:
        return ReviewReason.NO_PERIOD
    return None


def month_of(invoice: Invoice, posting: Posting) -> Purchase:
    """Build the posted purchase of a paid invoice."""
    ref = invoice.require_membership()
    return Purchase(
        purchase_id=invoice.purchase_id,
        user_id=ref.user_id,
        bundle_id=ref.plan_id,
        channel=CHANNEL,
        coins=ref.coins,
        amount_minor=invoice.paid_minor,
        currency=invoice.currency,
        created_at=invoice.created_at,
        status=Status.POSTED,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payment_intent=invoice.payment_intent,
        membership_id=ref.membership_id,
        is_renewal=_BILLED[invoice.billing_reason],
        paid_until=invoice.paid_until,
    )


def repeated_month_review_reason(known: Entry, month: Purchase) -> ReviewReason | None:
    """Return the review reason of a month whose id names an entry, or None when it is a repeat."""
    is_repeat = isinstance(known, Purchase) and known.payment_intent == month.payment_intent
    return None if is_repeat else ReviewReason.PAID_TWICE


def unmatched_month_review_reason(membership: Membership | None, month: Purchase) -> ReviewReason:
    """Return the review reason of a month that does not match its membership."""
    if membership is None:
        return ReviewReason.NO_SUCH_MEMBERSHIP
    if membership.currency != month.currency:
        return ReviewReason.OTHER_CURRENCY
    if membership.amount_minor != month.amount_minor:
        return ReviewReason.OTHER_AMOUNT
    if (membership.plan_id, membership.coins) != (month.bundle_id, month.coins):
        return ReviewReason.OTHER_COINS
    return ReviewReason.OTHER_SUBSCRIPTION


def membership_as_followed(membership: Membership, subscription: Subscription, last: Purchase | None) -> Membership:
    """Update the membership from the present state of its subscription.

    Args:
        membership: as it is stored.
        subscription: its subscription.
        last: its newest paid and posted month, or None.

    Raises:
        UnknownStatus: the subscription's status is not known.
    """
    if subscription.status not in SUBSCRIPTION_STATUSES:
        raise UnknownStatus(f"{subscription.status} of a subscription")
    status = SUBSCRIPTION_STATUSES[subscription.status]
    reason = _ended_reason(subscription) if status is MembershipStatus.ENDED else None
    if last is None and status in LIVE:
        status = MembershipStatus.PENDING
    if last is not None and last.amount_minor and last.kept_minor == 0:
        status, reason = MembershipStatus.ENDED, "refunded"
    return replace(
        membership,
        status=status,
        subscription_id=subscription.subscription_id,
        customer_id=subscription.customer_id,
        paid_until=last.paid_until if last else None,
        renews=subscription.renews and status in LIVE,
        ended_reason=reason,
        version=membership.version + 1,
    )


def end_notification(
    before: Membership, after: Membership, posting: Posting, entry_id: str
) -> NotificationEntry | None:
    """Build the notification that a paid membership has just ended; None otherwise."""
    has_ended = after.status is MembershipStatus.ENDED and before.status is not MembershipStatus.ENDED
    if not has_ended or after.paid_until is None:
        return None
    return NotificationEntry(
        entry_id=entry_id,
        user_id=after.user_id,
        kind=NotificationKind.MEMBERSHIP_END,
        posted_at=posting.posted_at,
        event_id=posting.event_id,
        payload={"membership_id": after.membership_id, "plan_id": after.plan_id, "reason": after.ended_reason},
    )


def _ended_reason(subscription: Subscription) -> str:
    if subscription.status in _UNPAID or subscription.cancel_reason == _GAVE_UP:
        return "unpaid"
    return "cancelled"
