"""What becomes of subscriptions: begun by a checkout, renewed by the clock, dunned, ended.

Every function runs under the store's lock.
"""

from collections.abc import Callable, Iterator
from functools import partial

from .customer import Customer
from .errors import ApiError
from .invoice import Invoice
from .invoicing import decline_invoice, draft_invoice, finalize_invoice, pay_invoice
from .knobs import Knobs
from .objects import Method
from .session import Session
from .store import Store, new_id
from .subscription import Subscription, SubscriptionItem


def subscribe(store: Store, session: Session, method: Method) -> None:
    """Make of a session's offer a customer, an active subscription and its first invoice, paid."""
    recurrence = session.line_items[0].recurrence
    if method == "bank_debit" or recurrence is None:
        raise ApiError("The sandbox takes no bank debits for subscriptions.")
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
    )
    store.subscriptions[subscription.id] = subscription
    invoice = draft_invoice(store, subscription, "subscription_create")
    store.emit("customer.subscription.created", subscription)
    finalize_invoice(store, invoice, store.payment_intents.get(session.payment_intent or ""))
    pay_invoice(store, invoice)
    session.customer, session.subscription, session.invoice = subscription.customer, subscription.id, invoice.id


def renew(store: Store, knobs: Knobs, subscription: Subscription) -> None:
    """Begin the next period and bill it, or end where an end was asked for; raises ApiError."""
    require_live(subscription)
    if subscription.cancel_at is not None:
        _end(store, subscription)
        return
    before = subscription.to_json()
    subscription.period += 1
    invoice = draft_invoice(store, subscription, "subscription_cycle")
    store.emit_change("customer.subscription.updated", subscription, before)
    finalize_invoice(store, invoice)
    attempt(store, knobs, invoice)


def attempt(store: Store, knobs: Knobs, invoice: Invoice) -> None:
    """Try to collect a renewal as the knobs say: what fails is tried again, and ends the subscription in the end."""
    invoice.attempt_count += 1
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


def end_with_period(store: Store, subscription: Subscription, *, by_flag: bool) -> None:
    """Let it end with the period under way; the caller tells of it.

    A request by `cancel_at_period_end` sets that flag. One by `cancel_at`, and one in the portal, sets the date alone,
    for such are subscriptions in the flexible billing mode, which is the default.
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    """
    if subscription.cancel_at is not None:
        subscription.cancel_at_period_end |= by_flag
        return
    subscription.cancel_at, subscription.cancel_at_period_end = subscription.period_end, by_flag
    subscription.canceled_at = store.now()
    subscription.cancellation = {"reason": "cancellation_requested"}


def go_on(subscription: Subscription) -> None:
    """Take such a request back; the caller tells of it."""
    subscription.cancel_at = subscription.canceled_at = None
    subscription.cancel_at_period_end, subscription.cancellation = False, {}


def cancel(store: Store, subscription: Subscription, reason: str = "cancellation_requested") -> None:
    """End it now; what is paid for and not yet over is not paid back. Raises ApiError."""
    require_live(subscription)
    subscription.cancel_at, subscription.cancel_at_period_end = None, False
    subscription.canceled_at = store.now()
    subscription.cancellation["reason"] = reason
    _end(store, subscription)


def require_live(subscription: Subscription) -> None:
    """Raise ApiError for a subscription that is over."""
    if subscription.status == "canceled":
        raise ApiError(f"Subscription {subscription.id} is canceled.")


def run_due(store: Store, knobs: Knobs) -> None:
    """Catch up with the sandbox's clock: renew and dun what is due, in the order of its time and dated so."""
    while True:
        moment, act = min(_due(store, knobs), key=lambda each: each[0], default=(store.now() + 1, None))
        if act is None or moment > store.now():
            return
        with store.at(moment):
            act()


def _due(store: Store, knobs: Knobs) -> Iterator[tuple[int, Callable[[], None]]]:
    for invoice in store.invoices.values():
        if invoice.next_payment_attempt is not None:
            yield invoice.next_payment_attempt, partial(attempt, store, knobs, invoice)
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
        return store.customers[session.customer]
    email = session.customer_email or "payer@example.com"
    customer = Customer(id=new_id("cus_", 14), email=email, currency=session.currency, created=store.now())
    store.customers[customer.id] = customer
    store.emit("customer.created", customer)
    return customer
