"""Client of the Stripe sandbox, for the demo and the tests: hosted pages, control API, webhooks."""

import json
import re
import time
from urllib.parse import urljoin

import msgspec
from stripe import WebhookSignature

from infra.local.billed import Billed, Invoice
from infra.local.client import Checkout, Fan, Fields, Reply, UnexpectedError, call, post_form, wait_until
from infra.local.facts import StackFacts

_FORM = re.compile(rb'<form[^>]*\baction="([^"]+)"')


class _Object(msgspec.Struct):
    id: str
    client_reference_id: str | None = None
    payment_intent: str | None = None
    subscription: str | None = None
    metadata: dict[str, str] | None = None

    def has_reference(self, reference: str) -> bool:
        """Check if the object's reference or a value of its metadata is this id."""
        return reference in (self.client_reference_id, *(self.metadata or {}).values())


class _Data(msgspec.Struct):
    object: _Object


class StripeEvent(msgspec.Struct):
    """The fields of a Stripe event that the tests read."""

    id: str
    type: str
    data: _Data


class Attempt(msgspec.Struct):
    """One delivery attempt. `status` is the HTTP status, None without a response."""

    status: int | None = None


class Delivery(msgspec.Struct):
    """The delivery of one copy of an event."""

    state: str
    attempts: list[Attempt]


class _Recorded(msgspec.Struct):
    event: msgspec.Raw
    """The event's JSON as it was sent."""
    deliveries: list[Delivery]

    def parsed(self) -> StripeEvent:
        return msgspec.json.decode(self.event, type=StripeEvent)


class _Recording(msgspec.Struct):
    events: list[_Recorded]


class StripeSide:
    """Acts as Stripe, as a payer on its pages, and as the banks behind it."""

    def __init__(self, facts: StackFacts) -> None:
        self._facts = facts

    def pay(self, checkout: Checkout, outcome: str = "card") -> Reply:
        """Open the checkout's payment page and submit its form.

        Raises:
            UnexpectedError: the checkout cannot be paid, or the page has no form.
        """
        if checkout.url is None:
            raise UnexpectedError(f"checkout {checkout.id} has nothing to pay: it is {checkout.status}")
        return self.pay_at(checkout.url, outcome)

    def pay_at(self, url: str, outcome: str = "card") -> Reply:
        """Open a payment page by its URL and submit its form.

        Raises:
            UnexpectedError: the page has no form.
        """
        page = call("GET", url)
        form = _FORM.search(page.body)
        if form is None:
            raise UnexpectedError(f"the payment page returned {page.status} and has no form")
        return post_form(urljoin(url, form[1].decode()), {"outcome": outcome})

    def fund(self, fan: Fan, coins: int) -> int:
        """Buy the largest bundle until the fan's wallet holds at least `coins`. Returns the wallet's coins."""
        bundle = max(fan.bundles(), key=lambda each: each.coins)
        while (balance := fan.wallet().coins) < coins:
            self.pay(fan.open_checkout(bundle.bundle_id).read(201, Checkout))
            self.wait_for_webhooks()
        return balance

    def set_knobs(self, **knobs: str | int | bool | list[str]) -> None:
        """Set knobs of the sandbox, such as `duplicates=2`."""
        self._control("PUT", "/knobs", knobs)

    def settle(self, checkout: Checkout) -> None:
        """Settle the bank debit of a checkout."""
        self._control("POST", f"/sessions/{self._completed(checkout).parsed().data.object.id}/settle", {})

    def refund(self, checkout: Checkout, amount_minor: int, status: str = "succeeded") -> str:
        """Refund part of a checkout's price. Returns the refund's id."""
        return self._reverse(self._payment_of(checkout), "/refunds", amount_minor, status)

    def set_refund_status(self, refund_id: str, status: str) -> None:
        """Change the status of a refund, such as to `failed`."""
        self._control("POST", f"/refunds/{refund_id}", {"status": status})

    def dispute(self, checkout: Checkout, amount_minor: int, status: str = "needs_response") -> str:
        """Dispute part of a checkout's price. Returns the dispute's id."""
        return self._reverse(self._payment_of(checkout), "/disputes", amount_minor, status)

    def set_dispute_status(self, dispute_id: str, status: str) -> None:
        """Change the status of a dispute, such as to `won`."""
        self._control("POST", f"/disputes/{dispute_id}", {"status": status})

    def set_clock(self, offset_seconds: int) -> None:
        """Set the offset of the sandbox's clock from this machine's; negative is behind."""
        self._control("POST", "/clock", {"offset_seconds": offset_seconds})

    def advance_clock(self, seconds: int) -> None:
        """Advance the sandbox's clock. It renews, retries and ends everything that is due."""
        self._control("POST", "/clock", {"advance_seconds": seconds})

    def subscriptions_of(self, reference: str) -> list[Billed]:
        """List the subscriptions whose checkout has this id in its reference or metadata, oldest first."""
        bought = [recorded.parsed().data.object for recorded in self._recorded("checkout.session.completed")]
        return [
            self.subscription(each.subscription)
            for each in bought
            if each.subscription and each.has_reference(reference)
        ]

    def subscription_of(self, reference: str) -> Billed:
        """Return the latest of the subscriptions with this id in their checkout's reference or metadata.

        Raises:
            UnexpectedError: there is none.
        """
        found = self.subscriptions_of(reference)
        if not found:
            raise UnexpectedError(f"no subscription for {reference}")
        return found[-1]

    def subscription(self, subscription_id: str) -> Billed:
        """Read a subscription with its invoices."""
        return self._control("GET", f"/subscriptions/{subscription_id}").read(200, Billed)

    def renew(self, subscription_id: str) -> Billed:
        """Start the next period of one subscription, without moving the clock."""
        return self._control("POST", f"/subscriptions/{subscription_id}/renew", {}).read(200, Billed)

    def fail_renewals(self) -> None:
        """Decline the payments of renewals from now on."""
        self.set_knobs(renewals="failed")

    def pay_renewals(self) -> None:
        """Accept the payments of renewals from now on."""
        self.set_knobs(renewals="paid")

    def pay_invoice(self, invoice_id: str) -> None:
        """Pay an open invoice."""
        self._control("POST", f"/invoices/{invoice_id}/pay", {})

    def cancel_subscription(self, subscription_id: str) -> Billed:
        """End a subscription at once, as from the dashboard."""
        return self._control("POST", f"/subscriptions/{subscription_id}/cancel", {}).read(200, Billed)

    def choose_at_portal(self, url: str, choice: str = "cancel") -> Reply:
        """Submit a choice on the billing portal for all of the customer's subscriptions.

        Args:
            url: the portal session's URL.
            choice: `cancel` ends them with their current periods, `keep` undoes that.

        Raises:
            UnexpectedError: the page has no form.
        """
        page = call("GET", url)
        form = _FORM.search(page.body)
        if form is None:
            raise UnexpectedError(f"the portal returned {page.status} and has no form")
        return post_form(urljoin(url, form[1].decode()), {"choice": choice})

    def refund_invoice(self, invoice: Invoice, amount_minor: int, status: str = "succeeded") -> str:
        """Refund part of an invoice. Returns the refund's id."""
        return self._reverse(invoice.payment_intent, "/refunds", amount_minor, status)

    def dispute_invoice(self, invoice: Invoice, amount_minor: int, status: str = "needs_response") -> str:
        """Dispute part of an invoice. Returns the dispute's id."""
        return self._reverse(invoice.payment_intent, "/disputes", amount_minor, status)

    def events(self) -> list[StripeEvent]:
        """List all recorded events, oldest first."""
        return [recorded.parsed() for recorded in self._recorded()]

    def events_about(self, checkout: Checkout) -> list[StripeEvent]:
        """List the recorded events of a checkout's payment, oldest first."""
        payment_intent = self._payment_of(checkout)
        return [event for event in self.events() if event.data.object.payment_intent == payment_intent]

    def redeliver(self, event: StripeEvent) -> None:
        """Send an event again, under its own id."""
        self._control("POST", f"/events/{event.id}/redeliver", {})

    def wait_for_webhooks(self, seconds: int = 60) -> None:
        """Wait until no webhook delivery is waiting or in flight."""

        class _Idle(msgspec.Struct):
            idle: bool

        wait_until(
            "webhooks delivered",
            lambda: self._control("POST", "/wait_idle", {"timeout_seconds": 5}).read(200, _Idle).idle,
            seconds,
        )

    def deliveries(self, checkout: Checkout) -> list[Delivery]:
        """List the deliveries of a checkout's `checkout.session.completed` event, one for each copy."""
        return self._completed(checkout).deliveries

    def completed_payload(self, checkout: Checkout, event_id: str | None = None) -> bytes:
        """Return the webhook body of a checkout's `checkout.session.completed` event.

        Args:
            checkout: a completed checkout.
            event_id: replaces the event's id.
        """
        content = json.loads(bytes(self._completed(checkout).event))
        return json.dumps(content | {"id": event_id or content["id"]}).encode()

    def deliver(self, payload: bytes, secret: str | None = None) -> Reply:
        """Post a webhook that is signed now, with the endpoint's secret or with `secret`."""
        signature = WebhookSignature.generate_signature_header(
            payload.decode(), secret or self._facts.stripe_webhook_secret, int(time.time())
        )
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        return call("POST", f"{self._facts.api_url}/v1/webhooks/stripe", headers, payload)

    def _completed(self, checkout: Checkout) -> _Recorded:
        for recorded in self._recorded("checkout.session.completed"):
            if recorded.parsed().data.object.client_reference_id == checkout.id:
                return recorded
        raise UnexpectedError(f"checkout {checkout.id} was never completed")

    def _recorded(self, event_type: str | None = None) -> list[_Recorded]:
        recorded = self._control("GET", "/events").read(200, _Recording).events
        return [each for each in recorded if event_type in (None, each.parsed().type)]

    def _payment_of(self, checkout: Checkout) -> str:
        payment_intent = self._completed(checkout).parsed().data.object.payment_intent
        if payment_intent is None:
            raise UnexpectedError(f"checkout {checkout.id} was completed without a payment")
        return payment_intent

    def _reverse(self, payment_intent: str, path: str, amount_minor: int, status: str) -> str:
        fields: Fields = {"payment_intent": payment_intent, "amount": amount_minor, "status": status}
        return self._control("POST", path, fields).read(200, _Object).id

    def _control(self, method: str, path: str, fields: Fields | None = None) -> Reply:
        body = None if fields is None else json.dumps(fields).encode()
        reply = call(method, f"{self._facts.stripe_api_url}/_sandbox{path}", {"Content-Type": "application/json"}, body)
        if reply.status != 200:
            raise UnexpectedError(f"the sandbox returned {reply.status} for {path}: {reply.body!r}")
        return reply
