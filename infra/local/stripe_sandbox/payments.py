"""What a payer, or later a bank, does to a session: pay, be declined, settle, fail, let it lapse.

Every function runs under the store's lock, so a double click finds the session complete and charges nothing.
"""

from .errors import ApiError, JsonObject
from .objects import Charge, ChargeStatus, Method, PaymentIntent
from .session import Session
from .store import Store, new_id


def pay(store: Store, session: Session, method: Method) -> None:
    """Complete an open session: at once by card and PayPal, unpaid so far by bank debit; free orders move no money."""
    _require_open(session)
    if session.amount_total == 0:
        session.status, session.payment_status = "complete", "no_payment_required"
        store.emit("checkout.session.completed", session)
        return
    intent = _payment_intent(store, session)
    if method == "bank_debit":
        charge = _charge(store, session, intent, method, "pending")
        intent.status = "processing"
        store.emit("payment_intent.processing", intent)
        store.emit("charge.pending", charge)
        session.status = "complete"
    else:
        charge = _charge(store, session, intent, method, "succeeded")
        _mark_paid(store, session, intent, charge)
    store.emit("checkout.session.completed", session)


def decline(store: Store, session: Session) -> None:
    """Refuse the card; the session stays open and payable."""
    _require_open(session)
    intent = _payment_intent(store, session)
    charge = _charge(store, session, intent, "card", "failed", failure_code="card_declined")
    _mark_failed(store, intent, charge)


def settle(store: Store, session: Session) -> None:
    """Let a bank debit arrive."""
    intent, charge = _awaited(store, session)
    charge.status = "succeeded"
    _mark_paid(store, session, intent, charge)
    store.emit("checkout.session.async_payment_succeeded", session)


def fail(store: Store, session: Session) -> None:
    """Let a bank debit bounce."""
    intent, charge = _awaited(store, session)
    charge.status, charge.failure_code = "failed", "payment_method_not_available"
    _mark_failed(store, intent, charge)
    store.emit("checkout.session.async_payment_failed", session)


def expire_session(store: Store, session: Session) -> None:
    """End an open session, and with it the payment intent of a declined try."""
    session.status = "expired"
    if session.payment_intent is not None:
        intent = store.payment_intents[session.payment_intent]
        intent.status, intent.canceled_at = "canceled", store.now()
        store.emit("payment_intent.canceled", intent)
    store.emit("checkout.session.expired", session)


def _require_open(session: Session) -> None:
    if session.status != "open":
        raise ApiError(f"This Checkout Session is {session.status} and can no longer be paid.")


def _awaited(store: Store, session: Session) -> tuple[PaymentIntent, Charge]:
    intent = store.payment_intents.get(session.payment_intent or "")
    if intent is None or intent.status != "processing" or intent.latest_charge is None:
        raise ApiError("No bank debit is under way for this Checkout Session.")
    return intent, store.charges[intent.latest_charge]


def _payment_intent(store: Store, session: Session) -> PaymentIntent:
    """Fetch the session's payment intent; the first confirmation makes it."""
    if session.payment_intent is not None:
        return store.payment_intents[session.payment_intent]
    intent = PaymentIntent(
        id=new_id("pi_3"),
        amount=session.amount_total,
        currency=session.currency,
        created=store.now(),
        metadata=session.payment_metadata,
    )
    store.payment_intents[intent.id] = intent
    session.payment_intent = intent.id
    store.emit("payment_intent.created", intent)
    return intent


def _charge(
    store: Store,
    session: Session,
    intent: PaymentIntent,
    method: Method,
    status: ChargeStatus,
    *,
    failure_code: str | None = None,
) -> Charge:
    charge = Charge(
        id=new_id("ch_3"),
        payment_intent=intent.id,
        payment_method=new_id("pm_1"),
        method=method,
        amount=intent.amount,
        currency=intent.currency,
        created=store.now(),
        metadata=intent.metadata,
        status=status,
        failure_code=failure_code,
        email=session.customer_email,
    )
    store.charges[charge.id] = charge
    intent.latest_charge, intent.payment_method = charge.id, charge.payment_method
    return charge


def _mark_paid(store: Store, session: Session, intent: PaymentIntent, charge: Charge) -> None:
    intent.status, intent.last_payment_error = "succeeded", None
    session.status, session.payment_status = "complete", "paid"
    store.emit("payment_intent.succeeded", intent)
    store.emit("charge.succeeded", charge)


def _mark_failed(store: Store, intent: PaymentIntent, charge: Charge) -> None:
    intent.status, intent.payment_method = "requires_payment_method", None
    intent.last_payment_error = _payment_error(charge)
    store.emit("charge.failed", charge)
    store.emit("payment_intent.payment_failed", intent)


def _payment_error(charge: Charge) -> JsonObject:
    error: JsonObject = {"charge": charge.id, "code": charge.failure_code, "type": "card_error"}
    if charge.failure_code == "card_declined":
        error["decline_code"] = "generic_decline"
    return error | {"message": "Your card was declined." if charge.method == "card" else "The bank debit failed."}
