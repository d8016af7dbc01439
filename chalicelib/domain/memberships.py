"""Memberships: order, paid months, status and end.

Each paid invoice is a purchase of a month's coins. A membership's status is computed from the present state of its
subscription, so the order of events does not matter.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ids import hash_request, require_tag
from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.payments import Subscription
from chalicelib.domain.purchases import KEY_FORM, REOPEN_WINDOW
from chalicelib.domain.reversals import UnknownStatus
from chalicelib.errors import AlreadyMember, IdempotencyConflict, InvalidField, PaymentUnavailable

RENEWAL_GRACE: Final = timedelta(hours=3)
"""Grace period of a renewal, which Stripe charges about an hour after its period has begun."""


class MembershipStatus(StrEnum):
    """Status of a membership. Ended is not final: a late payment or a won dispute makes it active again.

    pending (no month was paid yet) -> active -> past_due (a renewal was not paid) -> active | ended.
    """

    PENDING = "pending"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    ENDED = "ended"


LIVE: Final = (MembershipStatus.ACTIVE, MembershipStatus.PAST_DUE)

NEWEST: Final = 10
"""Memberships of a fan that are always read. Older ones only if they were ever live."""

_SERVED: Final = frozenset({"active", "trialing"})
"""Statuses in which Stripe's advice is to serve the period: also while a bank debit is under way, in a trial, and
while collection is paused. Sources: docs.stripe.com/billing/subscriptions/overview,
docs.stripe.com/billing/subscriptions/pause-payment."""

_PAUSED: Final = "paused"
"""Status after a trial without a payment method. Stripe makes no invoices until the subscription is resumed. Source:
docs.stripe.com/api/subscriptions/object, `status`."""

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

UNPAID: Final = "unpaid"
"""The reason of an end without a payment."""
_UNPAID: Final = frozenset({"unpaid", "incomplete_expired"})
_GAVE_UP: Final = "payment_failed"
"""Stripe's cancellation reason after the last failed attempt to collect a payment."""


class Membership(Struct, frozen=True, kw_only=True):
    """A membership of a fan, with its quote and its status.

    `coins` are credited each month; `amount_minor` is the monthly price, tax included, in the minor unit of `currency`.
    `paid_until` is the end of the last paid month; `served_until` the end of the present period, while Stripe has the
    subscription in order. `ended_reason` is `cancelled`, `unpaid` or `refunded` once the membership has ended, or
    `payment_unavailable` if the provider refused to open its checkout. Each sync with the subscription changes
    `version`. `key_form` is as a purchase's. `is_counted`: the first month's price counts in the fan's budget since the
    opening, and no month was posted. It never counts in rows of the first release.
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
    served_until: datetime | None = None
    is_counted: bool = False

    @property
    def is_refused(self) -> bool:
        """True if the provider refused to open its checkout, so that it never could be paid."""
        return self.ended_reason == PaymentUnavailable.code

    def is_active(self, now: datetime) -> bool:
        """Return True until the end of the last paid month, and of the period that Stripe has in order.

        RENEWAL_GRACE is added while a renewal is due.
        """
        if self.paid_until is None or self.status not in LIVE:
            return False
        lag = RENEWAL_GRACE if self.status is MembershipStatus.ACTIVE and self.renews else timedelta()
        return now < max(self.paid_until + lag, self.served_until or self.paid_until)

    def is_collected(self, now: datetime) -> bool:
        """Return True while the fan is a member, or Stripe still tries to collect a renewal."""
        return self.is_active(now) or (self.status in LIVE and self.renews)


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
        is_counted=True,
    )


def require_no_member(memberships: Sequence[Membership], now: datetime) -> None:
    """Raise AlreadyMember when one of a fan's memberships is active, or is still being collected.

    A fan who is refused and is not a member has an overdue renewal: they pay it or end it on the portal.

    Not a guarantee: two memberships that were opened before either was paid can both be paid, and both are credited.
    """
    if any(membership.is_active(now) for membership in memberships):
        raise AlreadyMember("End the present membership first.")
    if any(membership.is_collected(now) for membership in memberships):
        raise AlreadyMember("The present membership is overdue: pay it or end it on the portal first.")


def require_same_request(membership: Membership, order: MembershipOrder) -> Membership:
    """Return the stored membership of the order. Raises IdempotencyConflict when it differs from the order."""
    requested = order.plan_id, order.currency, order.request_hash
    if (membership.plan_id, membership.currency, membership.request_hash) == requested:
        return membership
    raise IdempotencyConflict("Use a new key for a new membership.")


def awaits_subscription(membership: Membership) -> bool:
    """Return True for a pending membership without a subscription."""
    return membership.status is MembershipStatus.PENDING and not membership.subscription_id


def can_still_be_joined(membership: Membership, now: datetime) -> bool:
    """Return True while a repeat may reopen the checkout session."""
    return awaits_subscription(membership) and now - membership.created_at < REOPEN_WINDOW


def present_membership(memberships: Sequence[Membership]) -> Membership | None:
    """Return the live membership, else the newest that could be paid, else None.

    Args:
        memberships: newest first.
    """
    live = [membership for membership in memberships if membership.status in LIVE]
    payable = [membership for membership in memberships if not membership.is_refused]
    return next(iter([*live, *payable]), None)


class PaidMonth(Struct, frozen=True, kw_only=True):
    """The newest paid month of a membership, with or without coins. `is_kept` is False once all its money is gone."""

    paid_until: datetime
    is_kept: bool = True


def membership_as_unpaid(membership: Membership, reason: str) -> Membership:
    """End a pending membership that can no longer be joined."""
    return replace(
        membership,
        status=MembershipStatus.ENDED,
        ended_reason=reason,
        version=membership.version + 1,
        is_counted=False,
    )


def membership_as_gone(membership: Membership, paid_until: datetime | None) -> Membership:
    """End a membership whose subscription was deleted at Stripe. `paid_until` is the end of its last posted month."""
    is_news = membership.status is not MembershipStatus.ENDED
    return replace(
        membership,
        status=MembershipStatus.ENDED,
        paid_until=paid_until,
        served_until=None,
        renews=False,
        ended_reason="cancelled" if is_news else membership.ended_reason,
        version=membership.version + 1,
        is_counted=False,
    )


def membership_as_followed(membership: Membership, subscription: Subscription, last: PaidMonth | None) -> Membership:
    """Update the membership from the present state of its subscription.

    Args:
        membership: as it is stored.
        subscription: its subscription.
        last: its newest paid month, or None.

    Raises:
        UnknownStatus: the subscription's status is not known.
    """
    if subscription.status not in SUBSCRIPTION_STATUSES:
        raise UnknownStatus(f"{subscription.status} of a subscription")
    status = SUBSCRIPTION_STATUSES[subscription.status]
    reason = _ended_reason(subscription) if status is MembershipStatus.ENDED else None
    if last is None and status in LIVE:
        status = MembershipStatus.PENDING
    if last is not None and not last.is_kept:
        status, reason = MembershipStatus.ENDED, "refunded"
    is_served = subscription.status in _SERVED and status in LIVE
    return replace(
        membership,
        status=status,
        subscription_id=subscription.subscription_id,
        customer_id=subscription.customer_id,
        paid_until=last.paid_until if last else None,
        served_until=subscription.period_ends_at if is_served else None,
        renews=subscription.renews and status in LIVE and subscription.status != _PAUSED,
        ended_reason=reason,
        version=membership.version + 1,
        # A first month with coins has been posted by now. One that was free or is in review counts no more.
        is_counted=membership.is_counted and status is MembershipStatus.PENDING,
    )


def _ended_reason(subscription: Subscription) -> str:
    if subscription.status in _UNPAID or subscription.cancel_reason == _GAVE_UP:
        return UNPAID
    return "cancelled"
