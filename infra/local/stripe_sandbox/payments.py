"""Actions of payers and banks on a session: pay, decline, settle, fail, expire.

Every function runs under the store's lock, so a double click finds the session complete and charges nothing.
"""

from .billing import fail_debit, subscribe
from .charging import charge_intent, mark_failed, mark_succeeded, open_intent
from .errors import ApiError
from .invoice import Invoice
from .invoicing import pay_invoice
from .objects import Charge, Method, PaymentIntent
from .session import PaymentStatus, Session
from .store import Store, get


def pay(store: Store, session: Session, method: Method) -> None:
    """Complete an open session.

    Cards and PayPal pay at once; a bank debit stays unpaid until it settles; a free order has no payment.
    """
    _require_open(session)
    if session.mode == "subscription":
        subscribe(store, session, method)
        invoice = _invoice_of(store, session)
        paid: PaymentStatus = "paid" if invoice.amount_due else "no_payment_required"
        session.status, session.payment_status = "complete", paid if invoice.status == "paid" else "unpaid"
        store.emit("checkout.session.completed", session)
        return
    if session.amount_total == 0:
        session.status, session.payment_status = "complete", "no_payment_required"
        store.emit("checkout.session.completed", session)
        return
    intent = _payment_intent(store, session)
    if method == "bank_debit":
        charge = charge_intent(store, intent, method, session.customer_email, "pending")
        intent.status = "processing"
        store.emit("payment_intent.processing", intent)
        store.emit("charge.pending", charge)
        session.status = "complete"
    else:
        charge = charge_intent(store, intent, method, session.customer_email, "succeeded")
        _mark_paid(store, session, intent, charge)
    store.emit("checkout.session.completed", session)


def decline(store: Store, session: Session) -> None:
    """Decline the card. The session stays open."""
    _require_open(session)
    intent = _payment_intent(store, session)
    charge = charge_intent(store, intent, "card", session.customer_email, "failed", failure_code="card_declined")
    mark_failed(store, intent, charge)


def settle(store: Store, session: Session) -> None:
    """Settle a session's pending bank debit."""
    if session.mode == "subscription":
        pay_invoice(store, _invoice_of(store, session))
        session.payment_status = "paid"
        store.emit("checkout.session.async_payment_succeeded", session)
        return
    intent, charge = _awaited(store, session)
    charge.status = "succeeded"
    _mark_paid(store, session, intent, charge)
    store.emit("checkout.session.async_payment_succeeded", session)


def fail(store: Store, session: Session) -> None:
    """Fail a session's pending bank debit."""
    if session.mode == "subscription":
        fail_debit(store, _invoice_of(store, session))
        store.emit("checkout.session.async_payment_failed", session)
        return
    intent, charge = _awaited(store, session)
    charge.status, charge.failure_code = "failed", "payment_method_not_available"
    mark_failed(store, intent, charge)
    store.emit("checkout.session.async_payment_failed", session)


def expire_session(store: Store, session: Session) -> None:
    """Expire an open session, and cancel its payment intent if it has one from a declined attempt."""
    session.status = "expired"
    if session.payment_intent is not None:
        intent = store.payment_intents[session.payment_intent]
        intent.status, intent.canceled_at = "canceled", store.now()
        store.emit("payment_intent.canceled", intent)
    store.emit("checkout.session.expired", session)


def _invoice_of(store: Store, session: Session) -> Invoice:
    return get(store.invoices, "invoice", session.invoice or "")


def _require_open(session: Session) -> None:
    if session.status != "open":
        raise ApiError(f"This Checkout Session is {session.status} and can no longer be paid.")


def _awaited(store: Store, session: Session) -> tuple[PaymentIntent, Charge]:
    intent = store.payment_intents.get(session.payment_intent or "")
    if intent is None or intent.status != "processing" or intent.latest_charge is None:
        raise ApiError("This Checkout Session has no pending bank debit.")
    return intent, store.charges[intent.latest_charge]


def _payment_intent(store: Store, session: Session) -> PaymentIntent:
    """Return the session's payment intent. The first payment attempt creates it."""
    if session.payment_intent is not None:
        return store.payment_intents[session.payment_intent]
    intent = open_intent(
        store, session.amount_total, session.currency, session.payment_metadata, shipping=session.payment_shipping
    )
    session.payment_intent = intent.id
    return intent


def _mark_paid(store: Store, session: Session, intent: PaymentIntent, charge: Charge) -> None:
    session.status, session.payment_status = "complete", "paid"
    mark_succeeded(store, intent, charge)
