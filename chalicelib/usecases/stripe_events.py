"""Dispatch of Stripe events to the use case that each type needs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from chalicelib.domain.payments import CheckoutSession, MembershipHint, StripeEvent
from chalicelib.domain.purchases import Status
from chalicelib.errors import NotFound
from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import Posted
from chalicelib.usecases.checkout import end_purchase
from chalicelib.usecases.fulfillment import Fulfillment, fulfill_checkout, fulfill_invoice
from chalicelib.usecases.memberships import sync_membership
from chalicelib.usecases.refunds import sync_refunds


class StripeEventServices(Struct, frozen=True, kw_only=True):
    """What taking events in needs besides them: the mode that is ours, and the ports."""

    livemode: bool
    ledger: Ledger
    gateway: PaymentGateway
    memberships: Memberships
    subscriptions: Subscriptions
    clock: Clock


def dispatch_event(event: StripeEvent, intake: StripeEventServices) -> str:
    """Do what an authentic event asks for. The same event again, or in another order, ends in the same state.

    Returns:
        One word for the counters: credited, repeated, in_review, reviewed, processing, failed, expired, unchanged,
        late_failure, clawed_back, restored, unknown_status, unpaid, membership_pending, membership_active,
        membership_past_due, membership_ended; or, when it means nothing to us, other_mode, other_account, stranger,
        ignored.

    Raises:
        TryAgain: the outcome is not known, and the event must come again.
    """
    if event.livemode is not intake.livemode:
        return "other_mode"
    if event.account is not None:
        return "other_account"
    if event.type in SESSION_EVENTS:
        return _handle_session(event, intake)
    if event.type in INVOICE_EVENTS:
        return _handle_invoice(event, intake)
    if event.type in SUBSCRIPTION_EVENTS:
        return _follow_membership(event.membership, intake)
    if event.type in MONEY_EVENTS:
        return _sync_refunds(event, intake)
    return "ignored"


def _handle_session(event: StripeEvent, intake: StripeEventServices) -> str:
    session = event.session
    if session is not None and session.mode == "subscription":
        return _follow_membership(event.membership, intake)
    if session is None or session.mode != "payment" or session.ref is None:
        return "stranger"
    return SESSION_EVENTS[event.type](session, intake)


def _handle_invoice(event: StripeEvent, intake: StripeEventServices) -> str:
    """What the invoice is now counts, not what the event says of it."""
    invoice = intake.subscriptions.read_invoice(event.invoice_id) if event.invoice_id else None
    if invoice is None or invoice.ref is None:
        return "stranger"
    fulfillment = None
    if invoice.is_paid:
        fulfillment = fulfill_invoice(invoice, ledger=intake.ledger, memberships=intake.memberships, clock=intake.clock)
    followed = _follow_membership(invoice.hint, intake)
    return followed if fulfillment in {None, Fulfillment.REPEATED} else str(fulfillment)


def _follow_membership(hint: MembershipHint | None, intake: StripeEventServices) -> str:
    if hint is None:
        return "stranger"
    return sync_membership(
        hint,
        ledger=intake.ledger,
        memberships=intake.memberships,
        subscriptions=intake.subscriptions,
        clock=intake.clock,
    )


def _sync_refunds(event: StripeEvent, intake: StripeEventServices) -> str:
    if event.payment_intent is None:
        return "stranger"
    return sync_refunds(
        event.payment_intent,
        ledger=intake.ledger,
        gateway=intake.gateway,
        memberships=intake.memberships,
        subscriptions=intake.subscriptions,
        clock=intake.clock,
    )


def _completed(session: CheckoutSession, intake: StripeEventServices) -> str:
    if session.payment_status == "unpaid":
        # A bank debit was submitted, and its money comes days later: the purchase must outlive that.
        return _move(session, intake, Status.PROCESSING, (Status.PENDING, Status.EXPIRED))
    return _paid(session, intake)


def _paid(session: CheckoutSession, intake: StripeEventServices) -> str:
    return fulfill_checkout(session, ledger=intake.ledger, clock=intake.clock)


def _async_failed(session: CheckoutSession, intake: StripeEventServices) -> str:
    return _move(session, intake, Status.FAILED, (Status.PENDING, Status.PROCESSING), if_posted="late_failure")


def _expired(session: CheckoutSession, intake: StripeEventServices) -> str:
    return _move(session, intake, Status.EXPIRED, (Status.PENDING,))


def _move(
    session: CheckoutSession,
    intake: StripeEventServices,
    to: Status,
    allowed: tuple[Status, ...],
    if_posted: str = "unchanged",
) -> str:
    """Events come in any order, so a purchase that has moved on already is left where it is."""
    try:
        if to is Status.PROCESSING:
            result = intake.ledger.move_purchase(session, to, allowed)
        else:
            result = end_purchase(session, to, allowed, ledger=intake.ledger, clock=intake.clock)
    except NotFound:
        return "unchanged"
    match result:
        case Posted():
            return to.value
        case unchanged:
            return if_posted if unchanged.purchase.status is Status.POSTED else "unchanged"


SESSION_EVENTS: Final[Mapping[str, Callable[[CheckoutSession, StripeEventServices], str]]] = MappingProxyType(
    {
        "checkout.session.completed": _completed,
        "checkout.session.async_payment_succeeded": _paid,
        "checkout.session.async_payment_failed": _async_failed,
        "checkout.session.expired": _expired,
    }
)
"""What is told of a checkout session of ours."""

INVOICE_EVENTS: Final = frozenset({"invoice.paid", "invoice.payment_failed"})
"""What is told of an invoice of a membership: it may be paid by now."""

SUBSCRIPTION_EVENTS: Final = frozenset(
    {"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"}
)
"""Hints that a membership may stand otherwise. All these types are nineteen: Stripe lists events of twenty at most."""

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
"""Hints that the money of a payment may have moved. What they say of it does not count: they make us look."""


def receive_webhook(payload: bytes, signature: str, intake: StripeEventServices) -> str:
    """Take one event in and do what it asks for, at once: the answer goes out only when it is done.

    Returns:
        What became of it, as dispatch_event says.

    Raises:
        NotAuthentic: not signed for us, or no usable event. Nothing was written.
        TryAgain: the outcome is not known. The provider sends the event again, for three days.
    """
    return dispatch_event(intake.gateway.read_event(payload, signature, intake.clock.now()), intake)
