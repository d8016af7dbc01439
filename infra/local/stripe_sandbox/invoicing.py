"""Invoice lifecycle: drafted, finalized, paid or declined.

Every function runs under the store's lock. At Stripe, a renewal's invoice stays a draft for about an hour; here it is
finalized and collected at once.
"""

from .charging import charge_intent, mark_failed, mark_succeeded, open_intent
from .errors import ApiError
from .invoice import BillingReason, Invoice, InvoiceLine, InvoicePayment
from .objects import PaymentIntent
from .store import Store, new_id
from .subscription import Subscription

_DESCRIPTIONS: dict[BillingReason, str] = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
}


def draft_invoice(store: Store, subscription: Subscription, reason: BillingReason) -> Invoice:
    """Create the draft invoice of the current period, as the subscription's latest. Emits nothing."""
    start, end = subscription.period_start, subscription.period_end
    invoice = Invoice(
        id=new_id("in_1"),
        customer=subscription.customer,
        customer_email=store.customers[subscription.customer].email,
        subscription=subscription.id,
        subscription_metadata=dict(subscription.metadata),
        billing_reason=reason,
        lines=tuple(InvoiceLine(new_id("il_1"), item, start, end) for item in subscription.items),
        amount=subscription.amount,
        currency=subscription.currency,
        created=store.now(),
        period_start=subscription.recurrence.start_of(max(subscription.period - 1, 0), subscription.created),
        period_end=start,
    )
    store.invoices[invoice.id] = invoice
    subscription.latest_invoice = invoice.id
    return invoice


def finalize_invoice(store: Store, invoice: Invoice, tried: PaymentIntent | None = None) -> None:
    """Finalize a draft, with a new payment intent or with `tried`, the one of an earlier declined attempt.

    As at Stripe, the payment intent does not get the subscription's metadata; the invoice has it.
    """
    store.emit("invoice.created", invoice)
    customer = store.customers[invoice.customer]
    customer.invoices += 1
    invoice.number = f"{customer.invoice_prefix}-{customer.invoices:04}"
    invoice.status, invoice.finalized_at = "open", store.now()
    store.emit("invoice.finalized", invoice)
    description = _DESCRIPTIONS[invoice.billing_reason]
    if tried is None:
        tried = open_intent(store, invoice.amount, invoice.currency, {}, customer=customer.id, description=description)
    tried.customer, tried.description = customer.id, description
    payment = InvoicePayment(
        id=new_id("inpay_1"),
        invoice=invoice.id,
        payment_intent=tried.id,
        amount=invoice.amount,
        currency=invoice.currency,
        created=store.now(),
    )
    store.invoice_payments[payment.id] = payment


def pay_invoice(store: Store, invoice: Invoice) -> None:
    """Pay an open invoice. A past-due subscription becomes active if this is its latest invoice.

    Raises:
        ApiError: the invoice is not open.
    """
    _require_open(invoice)
    subscription, payment = store.subscriptions[invoice.subscription], payment_of(store, invoice)
    intent = store.payment_intents[payment.payment_intent]
    charge = charge_intent(
        store,
        intent,
        subscription.method,
        invoice.customer_email,
        "succeeded",
        payment_method=subscription.payment_method,
    )
    mark_succeeded(store, intent, charge)
    invoice.status, invoice.attempted, invoice.next_payment_attempt = "paid", True, None
    invoice.paid_at = payment.paid_at = store.now()
    store.emit("invoice.paid", invoice)
    store.emit("invoice.payment_succeeded", invoice)
    store.emit("invoice_payment.paid", payment)
    if subscription.status == "past_due" and subscription.latest_invoice == invoice.id:
        before = subscription.to_json()
        subscription.status = "active"
        store.emit_change("customer.subscription.updated", subscription, before)


def decline_invoice(store: Store, invoice: Invoice, next_attempt: int | None) -> None:
    """Record a failed payment of an open invoice.

    Args:
        store: the sandbox's state.
        invoice: the open invoice.
        next_attempt: Unix seconds of the next attempt; None if this was the last.

    Raises:
        ApiError: the invoice is not open.
    """
    _require_open(invoice)
    subscription, payment = store.subscriptions[invoice.subscription], payment_of(store, invoice)
    intent = store.payment_intents[payment.payment_intent]
    charge = charge_intent(
        store,
        intent,
        subscription.method,
        invoice.customer_email,
        "failed",
        payment_method=subscription.payment_method,
        failure_code="card_declined",
    )
    mark_failed(store, intent, charge)
    invoice.attempted, invoice.next_payment_attempt = True, next_attempt
    store.emit("invoice.payment_failed", invoice)


def payment_of(store: Store, invoice: Invoice) -> InvoicePayment:
    """Return the payment of a finalized invoice, which has exactly one."""
    return next(payment for payment in store.invoice_payments.values() if payment.invoice == invoice.id)


def _require_open(invoice: Invoice) -> None:
    if invoice.status != "open":
        raise ApiError(f"Invoice {invoice.id} is {invoice.status} and cannot be paid.")
