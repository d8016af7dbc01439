"""Payment intents and their charges, for sessions and for invoices.

Every function runs under the store's lock.
"""

from .errors import JsonObject
from .objects import Charge, ChargeStatus, Method, PaymentIntent
from .store import Store, new_id


def open_intent(
    store: Store,
    amount: int,
    currency: str,
    metadata: dict[str, str],
    *,
    customer: str | None = None,
    description: str | None = None,
    shipping: JsonObject | None = None,
) -> PaymentIntent:
    """Create a payment intent that requires a payment method. Emits `payment_intent.created`."""
    intent = PaymentIntent(
        id=new_id("pi_3"),
        amount=amount,
        currency=currency,
        created=store.now(),
        metadata=metadata,
        customer=customer,
        description=description,
        shipping=shipping,
    )
    store.payment_intents[intent.id] = intent
    store.emit("payment_intent.created", intent)
    return intent


def charge_intent(
    store: Store,
    intent: PaymentIntent,
    method: Method,
    email: str | None,
    status: ChargeStatus,
    *,
    payment_method: str = "",
    failure_code: str | None = None,
) -> Charge:
    """Create the charge of a payment attempt, by a new payment method unless one is given. Emits nothing."""
    charge = Charge(
        id=new_id("ch_3"),
        payment_intent=intent.id,
        payment_method=payment_method or new_id("pm_1"),
        method=method,
        amount=intent.amount,
        currency=intent.currency,
        created=store.now(),
        metadata=intent.metadata,
        status=status,
        failure_code=failure_code,
        email=email,
        customer=intent.customer,
        description=intent.description,
    )
    store.charges[charge.id] = charge
    intent.latest_charge, intent.payment_method = charge.id, charge.payment_method
    return charge


def mark_succeeded(store: Store, intent: PaymentIntent, charge: Charge) -> None:
    """Record a successful payment, and emit its events."""
    intent.status, intent.last_payment_error = "succeeded", None
    store.emit("payment_intent.succeeded", intent)
    store.emit("charge.succeeded", charge)


def mark_failed(store: Store, intent: PaymentIntent, charge: Charge) -> None:
    """Record a failed payment, and emit its events. The intent can be paid by another attempt."""
    intent.status, intent.payment_method = "requires_payment_method", None
    intent.last_payment_error = _payment_error(charge)
    store.emit("charge.failed", charge)
    store.emit("payment_intent.payment_failed", intent)


def _payment_error(charge: Charge) -> JsonObject:
    error: JsonObject = {"charge": charge.id, "code": charge.failure_code, "type": "card_error"}
    if charge.failure_code == "card_declined":
        error["decline_code"] = "generic_decline"
    return error | {"message": "Your card was declined." if charge.method == "card" else "The bank debit failed."}
