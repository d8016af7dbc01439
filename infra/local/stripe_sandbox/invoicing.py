"""Invoice lifecycle: drafted, finalized, paid or declined.

Every function runs under the store's lock. At Stripe, a renewal's invoice stays a draft for about an hour; here it is
finalized and collected at once.
"""

from collections.abc import Sequence

from .charging import charge_intent, mark_failed, mark_succeeded, open_intent
from .errors import ApiError
from .invoice import BillingReason, Invoice, InvoiceLine, InvoicePayment
from .objects import PaymentIntent
from .store import Store, new_id
from .subscription import PauseBehavior, Subscription

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
        amount=0 if subscription.is_in_trial else subscription.amount,
        currency=subscription.currency,
        created=store.now(),
        period_start=subscription.start_of(max(subscription.period - 1, 0)),
        period_end=start,
        payments=store.terms.payments,
    )
    if reason == "subscription_cycle":
        invoice.proration, store.terms.proration = store.terms.proration, 0
        invoice.amount += invoice.proration
    invoice.discount = invoice.amount * store.terms.coupon_percent // 100
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
    invoice.starting_balance = customer.balance
    invoice.applied = min(max(-customer.balance, 0), max(invoice.total, 0)) or min(invoice.total, 0)
    customer.balance += invoice.applied
    if not invoice.amount_due:
        # Nothing to collect: no payment. https://docs.stripe.com/billing/subscriptions/trials
        mark_paid(store, invoice)
        return
    description = _DESCRIPTIONS[invoice.billing_reason]
    if tried is None:
        tried = open_intent(
            store, invoice.amount_due, invoice.currency, {}, customer=customer.id, description=description
        )
    tried.customer, tried.description = customer.id, description
    _add_payment(store, invoice, invoice.amount_due, tried.id)


def shelve_invoice(store: Store, invoice: Invoice, pause: PauseBehavior) -> None:
    """Leave a draft uncollected while collection is paused. The status of the subscription does not change.

    https://docs.stripe.com/billing/subscriptions/pause-payment
    """
    store.emit("invoice.created", invoice)
    if pause == "keep_as_draft":
        return
    invoice.status, invoice.finalized_at = ("void" if pause == "void" else "uncollectible"), store.now()
    store.emit("invoice.voided" if pause == "void" else "invoice.marked_uncollectible", invoice)


def pay_invoice(store: Store, invoice: Invoice) -> None:
    """Pay an open invoice as its terms say. A past-due subscription becomes active if this is its latest invoice.

    Raises:
        ApiError: the invoice is not open.
    """
    require_open(invoice)
    payments = [payment_of(store, invoice)]
    if invoice.payments == "record":
        # https://docs.stripe.com/api/payment-record
        _cancel_payment(store, payments[0])
        payments = [_add_payment(store, invoice, invoice.amount_due, record=new_id("prec_1"))]
    elif invoice.payments == "two":
        # https://docs.stripe.com/invoicing/partial-payments
        payments.append(_split(store, invoice, payments[0]))
    for payment in payments:
        payment.paid_at = store.now()
        if payment.payment_intent is not None:
            _charge(store, invoice, store.payment_intents[payment.payment_intent])
    if invoice.payments == "late":
        # Stripe does not document the order of the two. Assumed: `invoice.paid` may come before its payment.
        invoice.unattached = [store.invoice_payments.pop(payment.id) for payment in payments]
    mark_paid(store, invoice, [] if invoice.unattached else payments)


def attach_payments(store: Store, invoice: Invoice) -> None:
    """Show the payments of an invoice that was paid with the term `late`."""
    for payment in invoice.unattached:
        store.invoice_payments[payment.id] = payment
        store.emit("invoice_payment.paid", payment)
    invoice.unattached.clear()


def mark_paid(store: Store, invoice: Invoice, payments: Sequence[InvoicePayment] = ()) -> None:
    """Record that nothing is left to pay, and emit the events."""
    subscription = store.subscriptions[invoice.subscription]
    invoice.status, invoice.attempted, invoice.next_payment_attempt = "paid", True, None
    invoice.paid_at = store.now()
    store.emit("invoice.paid", invoice)
    store.emit("invoice.payment_succeeded", invoice)
    for payment in payments:
        store.emit("invoice_payment.paid", payment)
    if subscription.status == "past_due" and subscription.latest_invoice == invoice.id:
        before = subscription.to_json()
        subscription.status = "active"
        store.emit_change("customer.subscription.updated", subscription, before)


def begin_debit(store: Store, invoice: Invoice) -> None:
    """Submit the bank debit of an open invoice. It stays open, and its subscription active, until the bank answers.

    https://docs.stripe.com/billing/subscriptions/overview
    """
    require_open(invoice)
    subscription, payment = store.subscriptions[invoice.subscription], payment_of(store, invoice)
    intent = store.payment_intents[str(payment.payment_intent)]
    charge = charge_intent(
        store, intent, "bank_debit", invoice.customer_email, "pending", payment_method=subscription.payment_method
    )
    intent.status, invoice.attempted = "processing", True
    store.emit("payment_intent.processing", intent)
    store.emit("charge.pending", charge)


def decline_invoice(store: Store, invoice: Invoice, next_attempt: int | None) -> None:
    """Record a failed payment of an open invoice.

    Args:
        store: the sandbox's state.
        invoice: the open invoice.
        next_attempt: Unix seconds of the next attempt; None if this was the last.

    Raises:
        ApiError: the invoice is not open.
    """
    require_open(invoice)
    subscription, payment = store.subscriptions[invoice.subscription], payment_of(store, invoice)
    intent = store.payment_intents[str(payment.payment_intent)]
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
    """Return the first payment of a finalized invoice. Raises ApiError when it needed none."""
    payments = _payments_of(store, invoice)
    if not payments:
        raise ApiError(f"Invoice {invoice.id} has no payment.")
    return payments[0]


def intent_of(store: Store, invoice: Invoice) -> str | None:
    """Return the payment intent of the first payment, if there is one."""
    return next((payment.payment_intent for payment in _payments_of(store, invoice)), None)


def _payments_of(store: Store, invoice: Invoice) -> list[InvoicePayment]:
    attached = [payment for payment in store.invoice_payments.values() if payment.invoice == invoice.id]
    return [*attached, *invoice.unattached]


def require_open(invoice: Invoice) -> None:
    """Raise ApiError unless the invoice can be paid."""
    if invoice.status != "open":
        raise ApiError(f"Invoice {invoice.id} is {invoice.status} and cannot be paid.")


def _add_payment(
    store: Store, invoice: Invoice, amount: int, intent: str | None = None, *, record: str | None = None
) -> InvoicePayment:
    is_first = not any(payment.invoice == invoice.id for payment in store.invoice_payments.values())
    payment = InvoicePayment(
        id=new_id("inpay_1"),
        invoice=invoice.id,
        payment_intent=intent,
        amount=amount,
        currency=invoice.currency,
        created=store.now(),
        payment_record=record,
        is_default=is_first,
    )
    store.invoice_payments[payment.id] = payment
    return payment


def _cancel_payment(store: Store, payment: InvoicePayment) -> None:
    intent = store.payment_intents[str(payment.payment_intent)]
    intent.status = "canceled"
    intent.canceled_at = payment.canceled_at = store.now()
    store.emit("payment_intent.canceled", intent)


def _split(store: Store, invoice: Invoice, first: InvoicePayment) -> InvoicePayment:
    """Move half of the default payment to a second one, which is attached to the invoice."""
    half = first.amount // 2
    first.amount -= half
    store.payment_intents[str(first.payment_intent)].amount = first.amount
    intent = open_intent(store, half, invoice.currency, {}, customer=invoice.customer, description="Second part")
    return _add_payment(store, invoice, half, intent.id)


def _charge(store: Store, invoice: Invoice, intent: PaymentIntent) -> None:
    """Charge a payment intent by the subscription's payment method, or settle its pending debit."""
    subscription = store.subscriptions[invoice.subscription]
    if intent.status == "processing":
        charge = store.charges[str(intent.latest_charge)]
        charge.status = "succeeded"
    else:
        method, email = subscription.payment_method, invoice.customer_email
        charge = charge_intent(store, intent, subscription.method, email, "succeeded", payment_method=method)
    mark_succeeded(store, intent, charge)
