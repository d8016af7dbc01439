"""The part of the control API about subscriptions, their invoices, and the terms of these."""

from collections.abc import Callable, Sequence

from . import billing, invoicing
from .errors import JsonObject
from .knobs import Knobs
from .store import Store, get
from .subscription import Subscription


class BillingControl:
    """Actions on subscriptions and invoices. Each takes the JSON body and the id in the path."""

    store: Store
    knobs: Knobs

    def show_subscription(self, _body: JsonObject, subscription_id: str) -> JsonObject:
        """Return a subscription with its invoices, oldest first, and their payment intents."""
        return self._billed(self._subscription(subscription_id))

    def renew(self, _body: JsonObject, subscription_id: str) -> JsonObject:
        """Start a subscription's next period before it is due."""
        subscription = self._subscription(subscription_id)
        billing.renew(self.store, self.knobs, subscription)
        return self._billed(subscription)

    def cancel(self, _body: JsonObject, subscription_id: str) -> JsonObject:
        """End a subscription at once."""
        subscription = self._subscription(subscription_id)
        billing.cancel(self.store, subscription)
        return self._billed(subscription)

    def pay_invoice(self, _body: JsonObject, invoice_id: str) -> JsonObject:
        """Pay an open invoice, regardless of the knob `renewals`."""
        invoice = get(self.store.invoices, "invoice", invoice_id, "invoice")
        invoicing.pay_invoice(self.store, invoice)
        return invoice.to_json()

    def fail_invoice(self, _body: JsonObject, invoice_id: str) -> JsonObject:
        """Fail the bank debit of an open invoice."""
        invoice = get(self.store.invoices, "invoice", invoice_id, "invoice")
        billing.fail_debit(self.store, invoice)
        return invoice.to_json()

    def attach(self, _body: JsonObject, invoice_id: str) -> JsonObject:
        """Show the payments of an invoice that was paid with the term `late`."""
        invoice = get(self.store.invoices, "invoice", invoice_id, "invoice")
        invoicing.attach_payments(self.store, invoice)
        return invoice.to_json()

    def delete(self, _body: JsonObject, subscription_id: str) -> JsonObject:
        """Delete a subscription with its customer and invoices."""
        billing.delete(self.store, self._subscription(subscription_id))
        return {}

    def set_terms(self, body: JsonObject, _id: str) -> JsonObject:
        """Set the terms in the body, for new invoices. Returns all of them."""
        self.store.terms.update(body)
        return self.store.terms.to_json()

    def _subscription(self, subscription_id: str) -> Subscription:
        return get(self.store.subscriptions, "subscription", subscription_id)

    def _billed(self, subscription: Subscription) -> JsonObject:
        invoices = [
            invoice.to_json() | {"payment_intent": invoicing.intent_of(self.store, invoice)}
            for invoice in self.store.invoices.values()
            if invoice.subscription == subscription.id
        ]
        return {"subscription": subscription.to_json(), "invoices": invoices}

    def billing_routes(self) -> Sequence[tuple[str, str, Callable[[JsonObject, str], object]]]:
        """Return method, path and action of each."""
        return (
            ("GET", "/subscriptions/<object_id>", self.show_subscription),
            ("POST", "/subscriptions/<object_id>/renew", self.renew),
            ("POST", "/subscriptions/<object_id>/cancel", self.cancel),
            ("POST", "/subscriptions/<object_id>/delete", self.delete),
            ("POST", "/invoices/<object_id>/pay", self.pay_invoice),
            ("POST", "/invoices/<object_id>/fail", self.fail_invoice),
            ("POST", "/invoices/<object_id>/attach", self.attach),
            ("PUT", "/terms", self.set_terms),
        )
