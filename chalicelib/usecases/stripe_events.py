"""Dispatch of Stripe events to the use case that each type needs."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from chalicelib.domain.memberships import UNPAID
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import CheckoutSession, MembershipHint, StripeEvent
from chalicelib.domain.purchases import ASK_AGAIN, Purchase, Status, is_overdue
from chalicelib.errors import NotFound, TryAgain
from chalicelib.ports.results import Asking, Posted
from chalicelib.usecases.checkout import end_purchase
from chalicelib.usecases.fulfillment import fulfill_checkout, fulfill_invoice
from chalicelib.usecases.memberships import sync_membership
from chalicelib.usecases.refunds import RefundServices, review_fraud_warning, sync_refunds
from chalicelib.usecases.unpaid_memberships import end_unpaid_membership

log = logging.getLogger(__name__)


class StripeEventServices(RefundServices, Protocol):
    """Services that handling Stripe events needs."""

    @property
    def livemode(self) -> bool: ...


def dispatch_event(event: StripeEvent, services: StripeEventServices) -> Outcome:
    """Handle an authentic event. Repeated and reordered events end in the same state.

    Objects of a deleted test clock no longer exist while their events stay listed: such an event is unrelated.

    Raises:
        TryAgain: the outcome is unknown; the event must be sent again.
    """
    try:
        return _dispatch(event, services)
    except NotFound:
        log.warning("stripe_object_missing", extra={"stripe_event_id": event.stripe_event_id, "type": event.type})
        return Outcome.UNRELATED


def _dispatch(event: StripeEvent, services: StripeEventServices) -> Outcome:
    if event.livemode is not services.livemode:
        return Outcome.OTHER_MODE
    if event.account is not None:
        return Outcome.OTHER_ACCOUNT
    if event.type in SESSION_EVENTS:
        return _handle_session(event, services)
    if event.type in INVOICE_EVENTS:
        return _handle_invoice(event, services)
    if event.type in SUBSCRIPTION_EVENTS:
        return _sync_membership(event.membership, services, event.stripe_event_id)
    if event.type in MONEY_EVENTS:
        return sync_refunds(event.payment_intent, services) if event.payment_intent else Outcome.UNRELATED
    if event.type in FRAUD_WARNINGS:
        return review_fraud_warning(event.payment_intent, services) if event.payment_intent else Outcome.UNRELATED
    return Outcome.IGNORED


def ask_about(purchase: Purchase, services: StripeEventServices) -> Outcome | None:
    """Ask the provider about a pending purchase whose webhook is late, and handle its session as that webhook would be.

    It helps a fan who waits for the coins. One of many readers asks, every 10 seconds; all others return at once.

    Returns:
        The outcome, as of a webhook. None if nothing was asked, or nothing was learned.
    """
    now = services.clock.now()
    if not is_overdue(purchase, now):
        return None
    try:
        match services.ledger.claim_asking(purchase.ref, now, now - ASK_AGAIN):
            case Asking(return_url=return_url):
                session = services.gateway.present_session(purchase, return_url)
            case _:
                return None
        if session is None or session.ref != purchase.ref or session.status not in _PRESENT:
            return None
        return _PRESENT[session.status](session, services)
    except TryAgain:
        return None  # The page reads again.


def _handle_session(event: StripeEvent, services: StripeEventServices) -> Outcome:
    if event.membership is not None:
        return sync_membership(event.membership, services, event.stripe_event_id)
    session = event.session
    if session and session.membership and event.type == _MEMBERSHIP_EXPIRED:
        ref = session.membership
        is_ended = end_unpaid_membership(ref.user_id, ref.membership_id, UNPAID, services)
        return Outcome.MEMBERSHIP_ENDED if is_ended else Outcome.UNCHANGED
    if session is None or session.mode != "payment" or session.ref is None:
        return Outcome.UNRELATED
    return SESSION_EVENTS[event.type](session, services)


def _handle_invoice(event: StripeEvent, services: StripeEventServices) -> Outcome:
    """Handle the present state of the invoice; the event's copy may be outdated."""
    invoice = services.subscriptions.read_invoice(event.invoice_id) if event.invoice_id else None
    if invoice is None or invoice.ref is None:
        return Outcome.UNRELATED
    fulfillment = None
    if invoice.is_paid:
        fulfillment = fulfill_invoice(
            invoice, ledger=services.ledger, memberships=services.memberships, clock=services.clock
        )
    synced = _sync_membership(invoice.hint, services)
    return synced if fulfillment in {None, Outcome.REPEATED, Outcome.UNCHANGED} else fulfillment


def _sync_membership(
    hint: MembershipHint | None, services: StripeEventServices, event_id: str | None = None
) -> Outcome:
    return sync_membership(hint, services, event_id) if hint else Outcome.UNRELATED


def _completed(session: CheckoutSession, services: StripeEventServices) -> Outcome:
    if session.payment_status == "unpaid":
        # The money of a bank debit arrives days later: the pending purchase must not expire before.
        return _transition(session, services, Status.PROCESSING, (Status.PENDING, Status.EXPIRED))
    return _paid(session, services)


def _paid(session: CheckoutSession, services: StripeEventServices) -> Outcome:
    return fulfill_checkout(session, gateway=services.gateway, ledger=services.ledger, clock=services.clock)


def _async_failed(session: CheckoutSession, services: StripeEventServices) -> Outcome:
    allowed = (Status.PENDING, Status.PROCESSING)
    return _transition(session, services, Status.FAILED, allowed, if_posted=Outcome.LATE_FAILURE)


def _expired(session: CheckoutSession, services: StripeEventServices) -> Outcome:
    return _transition(session, services, Status.EXPIRED, (Status.PENDING,))


def _transition(
    session: CheckoutSession,
    services: StripeEventServices,
    to: Status,
    allowed: tuple[Status, ...],
    if_posted: Outcome = Outcome.UNCHANGED,
) -> Outcome:
    """Set the purchase's status. Events arrive in any order, so any other status than the allowed ones stays."""
    ref = session.require_ref()
    try:
        if to is Status.PROCESSING:
            result = services.ledger.move_purchase(ref, to, allowed)
        else:
            result = end_purchase(ref, to, allowed, ledger=services.ledger, clock=services.clock)
    except NotFound:
        return Outcome.UNCHANGED
    match result:
        case Posted():
            return Outcome(to.value)
        case unchanged:
            return if_posted if unchanged.purchase.status is Status.POSTED else Outcome.UNCHANGED


SESSION_EVENTS: Final[Mapping[str, Callable[[CheckoutSession, StripeEventServices], Outcome]]] = MappingProxyType(
    {
        "checkout.session.completed": _completed,
        "checkout.session.async_payment_succeeded": _paid,
        "checkout.session.async_payment_failed": _async_failed,
        "checkout.session.expired": _expired,
    }
)
"""Handlers of checkout session events."""

_MEMBERSHIP_EXPIRED: Final = "checkout.session.expired"
"""The event of a membership's session without a subscription that changes anything."""

_PRESENT: Final[Mapping[str | None, Callable[[CheckoutSession, StripeEventServices], Outcome]]] = MappingProxyType(
    {"complete": _completed, "expired": _expired}
)
"""Handlers of a session by its status, as of the event with which it got there."""

INVOICE_EVENTS: Final = frozenset({"invoice.paid", "invoice.payment_failed"})
"""Events of a membership's invoice. A failed one may be paid by now."""

SUBSCRIPTION_EVENTS: Final = frozenset(
    {"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"}
)
"""Events after which a membership is synced."""

FRAUD_WARNINGS: Final = frozenset({"radar.early_fraud_warning.created"})
"""Warnings that only a person can act on. All these types are 20, and Stripe lists events of 20 types at most."""

MONEY_EVENTS: Final = frozenset(
    {
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
"""Events after which a payment's refunds and disputes are read. The amounts in the event itself are not used."""


def receive_webhook(payload: bytes, signature: str, services: StripeEventServices) -> Outcome:
    """Verify and handle one event before the response is sent.

    Raises:
        NotAuthentic: not signed for this endpoint, or not a usable event. Nothing was written.
        TryAgain: the outcome is unknown. Stripe sends the event again for three days.
    """
    return dispatch_event(services.gateway.read_event(payload, signature, services.clock.now()), services)
