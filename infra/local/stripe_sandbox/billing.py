"""Subscription lifecycle: created by a checkout, renewed by the clock, dunned, ended.

Every function runs under the store's lock.
"""

from collections.abc import Callable, Iterator
from functools import partial

from .customer import Customer
from .errors import ApiError
from .invoice import Invoice
from .invoicing import begin_debit, decline_invoice, draft_invoice, finalize_invoice, pay_invoice, shelve_invoice
from .knobs import Knobs
from .objects import Method
from .session import Session
from .store import Store, get, new_id
from .subscription import Subscription, SubscriptionItem

_DAY = 24 * 60 * 60


def subscribe(store: Store, session: Session, method: Method) -> None:
    """Create the customer, the subscription and its first invoice for a session.

    The invoice is paid at once, free in a trial, or open until a bank debit is settled: the subscription is active
    meanwhile. https://docs.stripe.com/billing/subscriptions/overview
    """
    recurrence = session.line_items[0].recurrence
    if recurrence is None:
        raise ApiError("The session sells nothing that recurs.")
    trial_days = store.terms.trial_days
    subscription = Subscription(
        id=new_id("sub_1"),
        customer=_customer(store, session).id,
        currency=session.currency,
        created=store.now(),
        items=tuple(SubscriptionItem(new_id("si_", 14), line) for line in session.line_items),
        recurrence=recurrence,
        method=method,
        payment_method=new_id("pm_1"),
        metadata=dict(session.subscription_metadata),
        description=session.subscription_description,
        status="trialing" if trial_days else "active",
        trial_end=store.now() + trial_days * _DAY if trial_days else None,
    )
    store.subscriptions[subscription.id] = subscription
    invoice = draft_invoice(store, subscription, "subscription_create")
    store.emit("customer.subscription.created", subscription)
    finalize_invoice(store, invoice, store.payment_intents.get(session.payment_intent or ""))
    if invoice.status == "open":
        begin_debit(store, invoice) if method == "bank_debit" else pay_invoice(store, invoice)
    session.customer, session.subscription, session.invoice = subscription.customer, subscription.id, invoice.id


def renew(store: Store, knobs: Knobs, subscription: Subscription) -> None:
    """Start the next period and bill it, or end the subscription if `cancel_at` is set.

    Raises:
        ApiError: it has ended already.
    """
    require_live(subscription)
    if subscription.cancel_at is not None:
        _end(store, subscription)
        return
    before = subscription.to_json()
    subscription.period += 1
    if subscription.status == "trialing":
        subscription.status = "active"
    invoice = draft_invoice(store, subscription, "subscription_cycle")
    store.emit_change("customer.subscription.updated", subscription, before)
    if subscription.pause is not None:
        shelve_invoice(store, invoice, subscription.pause)
        return
    finalize_invoice(store, invoice)
    if invoice.status == "open":
        collect_renewal(store, knobs, invoice)


def collect_renewal(store: Store, knobs: Knobs, invoice: Invoice) -> None:
    """Pay or decline a renewal's invoice, as the knobs say. The last declined attempt cancels the subscription.

    A bank debit is only submitted.
    """
    invoice.attempt_count += 1
    if store.subscriptions[invoice.subscription].method == "bank_debit":
        invoice.next_payment_attempt = None
        begin_debit(store, invoice)
        return
    if knobs.renewals == "paid":
        pay_invoice(store, invoice)
        return
    is_last = invoice.attempt_count > knobs.dunning_retries
    decline_invoice(store, invoice, None if is_last else store.now() + knobs.dunning_seconds)
    subscription = store.subscriptions[invoice.subscription]
    if is_last:
        cancel(store, subscription, "payment_failed")
        return
    before = subscription.to_json()
    subscription.status = "past_due"
    store.emit_change("customer.subscription.updated", subscription, before)


def fail_debit(store: Store, invoice: Invoice) -> None:
    """Fail the pending bank debit of an open invoice: its subscription is past due.

    https://docs.stripe.com/billing/subscriptions/overview
    """
    decline_invoice(store, invoice, None)
    subscription = store.subscriptions[invoice.subscription]
    before = subscription.to_json()
    subscription.status = "past_due"
    store.emit_change("customer.subscription.updated", subscription, before)


def delete(store: Store, subscription: Subscription) -> None:
    """Delete a subscription's customer with all subscriptions and invoices, as the deletion of a test clock does.

    Emits nothing. https://docs.stripe.com/billing/testing/test-clocks
    """
    customer = subscription.customer
    invoices = [invoice.id for invoice in store.invoices.values() if invoice.customer == customer]
    for payment in [one.id for one in store.invoice_payments.values() if one.invoice in invoices]:
        del store.invoice_payments[payment]
    for invoice_id in invoices:
        del store.invoices[invoice_id]
    for each in [each.id for each in store.subscriptions.values() if each.customer == customer]:
        del store.subscriptions[each]
    del store.customers[customer]


def end_with_period(store: Store, subscription: Subscription, *, by_flag: bool) -> None:
    """Schedule the end of a subscription for the end of its current period. Emits nothing.

    `cancel_at_period_end` sets its flag and the date. `cancel_at` and the portal set only the date, as Stripe does in
    the flexible billing mode, which is the default.
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    """
    if subscription.cancel_at is not None:
        subscription.cancel_at_period_end |= by_flag
        return
    subscription.cancel_at, subscription.cancel_at_period_end = subscription.period_end, by_flag
    subscription.canceled_at = store.now()
    subscription.cancellation = {"reason": "cancellation_requested"}


def resume(subscription: Subscription) -> None:
    """Undo a scheduled end. Emits nothing."""
    subscription.cancel_at = subscription.canceled_at = None
    subscription.cancel_at_period_end, subscription.cancellation = False, {}


def cancel(store: Store, subscription: Subscription, reason: str = "cancellation_requested") -> None:
    """End a subscription now, without refunding the rest of the period.

    Raises:
        ApiError: it has ended already.
    """
    require_live(subscription)
    subscription.cancel_at, subscription.cancel_at_period_end = None, False
    subscription.canceled_at = store.now()
    subscription.cancellation["reason"] = reason
    _end(store, subscription)


def require_live(subscription: Subscription) -> None:
    """Raise ApiError if the subscription has ended."""
    if subscription.status == "canceled":
        raise ApiError(f"Subscription {subscription.id} is canceled.")


def run_due(store: Store, knobs: Knobs) -> None:
    """Renew and dun everything due by the sandbox's clock, in order of time. Events are dated when they were due."""
    while True:
        moment, act = min(_due(store, knobs), key=lambda each: each[0], default=(store.now() + 1, None))
        if act is None or moment > store.now():
            return
        with store.at(moment):
            act()


def _due(store: Store, knobs: Knobs) -> Iterator[tuple[int, Callable[[], None]]]:
    for invoice in store.invoices.values():
        if invoice.next_payment_attempt is not None:
            yield invoice.next_payment_attempt, partial(collect_renewal, store, knobs, invoice)
    for subscription in store.subscriptions.values():
        if subscription.status != "canceled":
            yield subscription.period_end, partial(renew, store, knobs, subscription)


def _end(store: Store, subscription: Subscription) -> None:
    subscription.status, subscription.ended_at = "canceled", store.now()
    for invoice in store.invoices.values():
        if invoice.subscription == subscription.id:
            invoice.next_payment_attempt = None
    store.emit("customer.subscription.deleted", subscription)


def _customer(store: Store, session: Session) -> Customer:
    if session.customer is not None:
        customer = get(store.customers, "customer", session.customer, "customer", status=400)
        customer.currency = customer.currency or session.currency
        return customer
    email = session.customer_email or "payer@example.com"
    customer = Customer(id=new_id("cus_", 14), email=email, currency=session.currency, created=store.now())
    store.customers[customer.id] = customer
    store.emit("customer.created", customer)
    return customer
