"""What each event of the payment provider means to us."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chalicelib.domain.ledger import Status
from chalicelib.domain.payments import CheckoutSession, StripeEvent
from chalicelib.errors import NotFound
from chalicelib.ports import Clock, Ledger, PaymentGateway
from chalicelib.usecases.end_purchase import end_purchase
from chalicelib.usecases.follow_the_money import follow_the_money
from chalicelib.usecases.fulfill_checkout import fulfill_checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What taking events in needs besides them: the mode that is ours, and the ports."""

    livemode: bool
    ledger: Ledger
    gateway: PaymentGateway
    clock: Clock


def handle_event(event: StripeEvent, intake: Intake) -> str:
    """Do what an authentic event asks for. The same event again, or in another order, ends in the same state.

    Returns:
        One word for the counters: credited, repeated, in_review, reviewed, processing, failed, expired, unchanged,
        late_failure, clawed_back, restored, unknown_status, unpaid; or, when it means nothing to us, other_mode,
        other_account, stranger, ignored.

    Raises:
        TryAgain: the outcome is not known, and the event must come again.
    """
    if event.livemode is not intake.livemode:
        return "other_mode"
    if event.account is not None:
        return "other_account"
    if event.type in SESSION_EVENTS:
        return _handle_session(event.session, event.type, intake)
    if event.type not in MONEY_EVENTS:
        return "ignored"
    if event.payment_intent is None:
        return "stranger"
    return follow_the_money(event.payment_intent, ledger=intake.ledger, gateway=intake.gateway, clock=intake.clock)


def _handle_session(session: CheckoutSession | None, event_type: str, intake: Intake) -> str:
    if session is None or session.mode != "payment" or session.claim is None:
        return "stranger"
    return SESSION_EVENTS[event_type](session, intake)


def _completed(session: CheckoutSession, intake: Intake) -> str:
    if session.payment_status == "unpaid":
        # A bank debit was submitted, and its money comes days later: the purchase must outlive that.
        return _move(session, intake, Status.PROCESSING, (Status.PENDING, Status.EXPIRED))
    return _paid(session, intake)


def _paid(session: CheckoutSession, intake: Intake) -> str:
    return fulfill_checkout(session, ledger=intake.ledger, clock=intake.clock)


def _async_failed(session: CheckoutSession, intake: Intake) -> str:
    return _move(session, intake, Status.FAILED, (Status.PENDING, Status.PROCESSING), if_posted="late_failure")


def _expired(session: CheckoutSession, intake: Intake) -> str:
    return _move(session, intake, Status.EXPIRED, (Status.PENDING,))


def _move(
    session: CheckoutSession, intake: Intake, to: Status, allowed: tuple[Status, ...], if_posted: str = "unchanged"
) -> str:
    """Events come in any order, so a purchase that has moved on already is left where it is."""
    try:
        if to is Status.PROCESSING:
            purchase = intake.ledger.move_purchase(session, to, allowed)
        else:
            purchase = end_purchase(session, to, allowed, ledger=intake.ledger, clock=intake.clock)
    except NotFound:
        return "unchanged"
    if purchase is None:
        return to.value
    return if_posted if purchase.status is Status.POSTED else "unchanged"


SESSION_EVENTS: Final[Mapping[str, Callable[[CheckoutSession, Intake], str]]] = MappingProxyType(
    {
        "checkout.session.completed": _completed,
        "checkout.session.async_payment_succeeded": _paid,
        "checkout.session.async_payment_failed": _async_failed,
        "checkout.session.expired": _expired,
    }
)
"""What is told of a checkout session of ours."""

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
