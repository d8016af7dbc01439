"""The payment provider's door: what each of its events means to us."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from chalicelib.domain.ledger import Status
from chalicelib.domain.payments import CheckoutSession, StripeEvent
from chalicelib.errors import NotFound
from chalicelib.ports import Clock, Ledger, PaymentGateway
from chalicelib.usecases.fulfill_checkout import fulfill_checkout

Handler = Callable[[CheckoutSession, Ledger, Clock], str]


def receive_webhook(
    payload: bytes, signature: str, *, livemode: bool, ledger: Ledger, gateway: PaymentGateway, clock: Clock
) -> str:
    """Take one event in and do what it asks for, at once: the answer goes out only when it is done.

    Returns:
        One word for the counters: credited, repeated, in_review, processing, failed, expired, unchanged, late_failure,
        or for an event that means nothing to us: other_mode, other_account, stranger, ignored.

    Raises:
        NotAuthentic: not signed for us, or no usable event. Nothing was written.
        TryAgain: the outcome is not known. The provider sends the event again, for three days.
    """
    event = gateway.read_event(payload, signature, clock.now())
    return _why_not_for_us(event, livemode=livemode) or _handle(event, ledger, clock)


def _why_not_for_us(event: StripeEvent, *, livemode: bool) -> str | None:
    if event.livemode is not livemode:
        return "other_mode"
    if event.account is not None:
        return "other_account"
    if event.type not in _HANDLERS:
        return "ignored"
    if event.session is None or event.session.mode != "payment" or event.session.claim is None:
        return "stranger"
    return None


def _handle(event: StripeEvent, ledger: Ledger, clock: Clock) -> str:
    assert event.session is not None, "strangers were sent away"
    return _HANDLERS[event.type](event.session, ledger, clock)


def _completed(session: CheckoutSession, ledger: Ledger, clock: Clock) -> str:
    if session.payment_status == "unpaid":
        # A bank debit was submitted, and its money comes days later: the purchase must outlive that.
        return _move(session, ledger, Status.PROCESSING, (Status.PENDING, Status.EXPIRED))
    return fulfill_checkout(session, ledger=ledger, clock=clock)


def _async_succeeded(session: CheckoutSession, ledger: Ledger, clock: Clock) -> str:
    return fulfill_checkout(session, ledger=ledger, clock=clock)


def _async_failed(session: CheckoutSession, ledger: Ledger, _clock: Clock) -> str:
    return _move(session, ledger, Status.FAILED, (Status.PENDING, Status.PROCESSING), if_posted="late_failure")


def _expired(session: CheckoutSession, ledger: Ledger, _clock: Clock) -> str:
    return _move(session, ledger, Status.EXPIRED, (Status.PENDING,))


def _move(
    session: CheckoutSession,
    ledger: Ledger,
    to: Status,
    allowed: tuple[Status, ...],
    if_posted: str = "unchanged",
) -> str:
    """Events come in any order, so a purchase that has moved on already is left where it is."""
    try:
        purchase = ledger.move_purchase(session, to, allowed)
    except NotFound:
        return "unchanged"
    if purchase is None:
        return to.value
    return if_posted if purchase.status is Status.POSTED else "unchanged"


_HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "checkout.session.completed": _completed,
        "checkout.session.async_payment_succeeded": _async_succeeded,
        "checkout.session.async_payment_failed": _async_failed,
        "checkout.session.expired": _expired,
    }
)
