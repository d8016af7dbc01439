"""The life of a membership: asked for, paid by the month, and ended.

Each paid invoice is a purchase of a month's coins. What the membership itself is follows from what the payment provider
says of its subscription now: the order in which one hears of it does not matter.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.entries import Entry
from chalicelib.domain.ids import require_tag
from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.notifications import NotificationEntry, NotificationKind
from chalicelib.domain.payments import Invoice, Subscription
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import NO_PAYMENT_YET, REOPEN_WINDOW, Purchase, Status
from chalicelib.domain.reversals import UnknownStatus
from chalicelib.errors import AlreadyMember, IdempotencyConflict, InvalidField

CHANNEL: Final = "membership"
"""Where the coins of a membership are bought."""

RENEWAL_LAG: Final = timedelta(hours=3)
"""A renewal is charged about an hour after its period has begun: a member stays one so long."""

_BILLED: Final = {"subscription_create": False, "subscription_cycle": True}
"""The invoices that grant a month, by why they were made, and whether each is a renewal. Any other is a person's doing.
Source: docs.stripe.com/api/invoices/object, `billing_reason`."""


class MembershipStatus(StrEnum):
    """Where a membership stands. Ended is not final: a late payment, or money that comes back, makes it active again.

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
"""What a subscription's status makes of a membership that was paid for. Source:
docs.stripe.com/api/subscriptions/object, `status`."""

_UNPAID: Final = frozenset({"unpaid", "incomplete_expired"})
_GAVE_UP: Final = "payment_failed"
"""The provider's word for a cancellation of its own, after all tries to collect the money."""


class Membership(Struct, frozen=True, kw_only=True):
    """A membership that a fan asked for, the quote it was asked at, and how it stands.

    `coins` come with each month, `amount_minor` is the price of one, tax included, in the minor unit of `currency`.
    `paid_until` is the end of the last month that was paid, `renews` whether another one is to come, `ended_reason`
    `cancelled`, `unpaid` or `refunded` once it is ended. Each look at the subscription changes `version`.
    """

    membership_id: str
    user_id: str
    plan_id: str
    coins: int
    amount_minor: int
    currency: str
    created_at: datetime
    status: MembershipStatus = MembershipStatus.PENDING
    subscription_id: str = ""
    customer_id: str = ""
    paid_until: datetime | None = None
    renews: bool = False
    ended_reason: str = ""
    version: int = 1

    def is_active(self, now: datetime) -> bool:
        """Whether the fan is a member now: while what was paid lasts, and while a renewal is on its way."""
        if self.paid_until is None or self.status not in LIVE:
            return False
        lag = RENEWAL_LAG if self.status is MembershipStatus.ACTIVE and self.renews else timedelta()
        return now < self.paid_until + lag


class MembershipOrder(Struct, frozen=True, kw_only=True):
    """What a fan asks to join. Raises InvalidField when it is made with something that cannot be."""

    membership_id: str
    user_id: str
    plan_id: str
    currency: str

    def __post_init__(self) -> None:
        require_tag("plan_id", self.plan_id)
        if self.currency not in EXPONENTS:
            raise InvalidField("currency", "a lowercase ISO 4217 code, like usd")


class InvoiceRefused(Struct, frozen=True, kw_only=True):
    """Why a paid invoice was not posted: the entry that already has its id, or the membership that is not like it."""

    entry: Entry | None
    membership: Membership | None


def quote_membership(order: MembershipOrder, catalogue: Catalogue, now: datetime) -> Membership:
    """The pending membership, at today's price. Raises UnknownPlan."""
    plan, amount_minor = catalogue.plan(order.plan_id, order.currency)
    return Membership(
        membership_id=order.membership_id,
        user_id=order.user_id,
        plan_id=order.plan_id,
        coins=plan.coins,
        amount_minor=amount_minor,
        currency=order.currency,
        created_at=now,
    )


def require_no_member(memberships: Sequence[Membership]) -> None:
    """Raises AlreadyMember when one of a fan's memberships is live.

    A courtesy: of two that were opened before either was paid, both can be paid, and then both are credited.
    """
    if any(membership.status in LIVE for membership in memberships):
        raise AlreadyMember("End the present membership first.")


def require_same_request(membership: Membership, order: MembershipOrder) -> Membership:
    """The membership that the order became. Raises IdempotencyConflict when its id names something else."""
    if (membership.plan_id, membership.currency) == (order.plan_id, order.currency):
        return membership
    raise IdempotencyConflict("Use a new key for a new membership.")


def can_still_be_joined(membership: Membership, now: datetime) -> bool:
    """Whether a repeat may be given the checkout session again."""
    is_untouched = membership.status is MembershipStatus.PENDING and not membership.subscription_id
    return is_untouched and now - membership.created_at < REOPEN_WINDOW


def present_membership(memberships: Sequence[Membership]) -> Membership | None:
    """Which of a fan's memberships is the one to show: the one that is live, else the newest.

    Args:
        memberships: newest first.
    """
    live = [membership for membership in memberships if membership.status in LIVE]
    return next(iter([*live, *memberships]), None)


def invoice_review_reason(invoice: Invoice) -> str | None:
    """Why a paid invoice grants no month whatever the ledger says, as a review's reason; None when it can."""
    if invoice.billing_reason not in _BILLED:
        return "other_billing_reason"
    if not invoice.paid_minor:
        return "no_payment_required"
    if invoice.payment_intent is None:
        return NO_PAYMENT_YET
    if invoice.total_minor != invoice.subtotal_minor:
        return "discounted_or_surcharged"
    if invoice.paid_minor != invoice.total_minor:
        return "other_amount"
    if invoice.paid_until is None:
        return "no_period"
    return None


def month_of(invoice: Invoice, posting: Posting) -> Purchase:
    """The posted purchase that a paid invoice of ours is."""
    ref = invoice.membership
    assert ref is not None, "strangers' invoices are not ours to post"
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


def month_review_reason(refused: InvoiceRefused, month: Purchase) -> str | None:
    """Why the ledger refused to post a month, as a review's reason; None when it is a repeat."""
    if refused.entry is not None:
        known = refused.entry
        is_repeat = isinstance(known, Purchase) and known.payment_intent == month.payment_intent
        return None if is_repeat else "paid_twice"
    membership = refused.membership
    if membership is None:
        return "no_such_membership"
    if membership.currency != month.currency:
        return "other_currency"
    if membership.amount_minor != month.amount_minor:
        return "other_amount"
    if (membership.plan_id, membership.coins) != (month.bundle_id, month.coins):
        return "other_coins"
    return "other_subscription"


def membership_as_followed(membership: Membership, subscription: Subscription, last: Purchase | None) -> Membership:
    """The membership as the subscription's present state makes it.

    Args:
        membership: as it is stored.
        subscription: its subscription.
        last: its newest month that was paid and posted, if there is any.

    Raises:
        UnknownStatus: nobody has told us of that status, and no guess is made.
    """
    if subscription.status not in SUBSCRIPTION_STATUSES:
        raise UnknownStatus(f"{subscription.status} of a subscription")
    status = SUBSCRIPTION_STATUSES[subscription.status]
    reason = _why_ended(subscription) if status is MembershipStatus.ENDED else ""
    if last is None and status in LIVE:
        status = MembershipStatus.PENDING
    if last is not None and last.kept_minor == 0:
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
    """What there is to tell when a membership that was ever paid for has ended; None when it has not, or before."""
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


def _why_ended(subscription: Subscription) -> str:
    if subscription.status in _UNPAID or subscription.cancel_reason == _GAVE_UP:
        return "unpaid"
    return "cancelled"
