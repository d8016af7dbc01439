"""Stripe's side of a purchase, for the demo and the tests: the pay page's form, the sandbox's knobs, webhooks."""

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

    def is_about(self, reference: str) -> bool:
        """Whether it carries that id of ours: as its reference, or anywhere in its metadata."""
        return reference in (self.client_reference_id, *(self.metadata or {}).values())


class _Data(msgspec.Struct):
    object: _Object


class StripeEvent(msgspec.Struct):
    """An event of Stripe's, as far as it is looked at here."""

    id: str
    type: str
    data: _Data


class Attempt(msgspec.Struct):
    """One try to deliver. `status` is None when nobody answered."""

    status: int | None = None


class Delivery(msgspec.Struct):
    """What became of one copy of an event."""

    state: str
    attempts: list[Attempt]


class _Recorded(msgspec.Struct):
    event: msgspec.Raw
    """As it was sent: every copy has these bytes' content."""
    deliveries: list[Delivery]

    def parsed(self) -> StripeEvent:
        return msgspec.json.decode(self.event, type=StripeEvent)


class _Recording(msgspec.Struct):
    events: list[_Recorded]


class StripeSide:
    """What the payment provider, and the fan on its page, do."""

    def __init__(self, facts: StackFacts) -> None:
        self._facts = facts

    def pay(self, checkout: Checkout, outcome: str = "card") -> Reply:
        """Open the page that the checkout leads to, and send its first form."""
        if checkout.url is None:
            raise UnexpectedError(f"checkout {checkout.id} has nothing to pay: it is {checkout.status}")
        return self.pay_at(checkout.url, outcome)

    def pay_at(self, url: str, outcome: str = "card") -> Reply:
        """The same, from the page's address."""
        page = call("GET", url)
        form = _FORM.search(page.body)
        if form is None:
            raise UnexpectedError(f"the pay page answered {page.status} and has no form")
        return post_form(urljoin(url, form[1].decode()), {"outcome": outcome})

    def fund(self, fan: Fan, coins: int) -> int:
        """Have the fan buy until the wallet holds so many coins at least. Returns how many it then holds."""
        bundle = max(fan.bundles(), key=lambda each: each.coins)
        while (held := fan.wallet().coins) < coins:
            self.pay(fan.open_checkout(bundle.bundle_id).read(201, Checkout))
            self.wait_for_webhooks()
        return held

    def set_knobs(self, **knobs: str | int | bool | list[str]) -> None:
        """Make life harder, or easier again."""
        self._control("PUT", "/knobs", knobs)

    def settle(self, checkout: Checkout) -> None:
        """Let the bank debit of a checkout arrive."""
        self._control("POST", f"/sessions/{self._completed(checkout).parsed().data.object.id}/settle", {})

    def refund(self, checkout: Checkout, amount_minor: int, status: str = "succeeded") -> str:
        """Give part of the price back. Returns the refund's id."""
        return self._about(checkout, "/refunds", amount_minor, status)

    def set_refund_status(self, refund_id: str, status: str) -> None:
        """Let a refund fail, or succeed, or whatever it can come to."""
        self._control("POST", f"/refunds/{refund_id}", {"status": status})

    def dispute(self, checkout: Checkout, amount_minor: int, status: str = "needs_response") -> str:
        """Have the buyer's bank take part of the price back. Returns the dispute's id."""
        return self._about(checkout, "/disputes", amount_minor, status)

    def set_dispute_status(self, dispute_id: str, status: str) -> None:
        """Let a dispute be won, or lost, or whatever it can come to."""
        self._control("POST", f"/disputes/{dispute_id}", {"status": status})

    def set_clock(self, offset_seconds: int) -> None:
        """Let the provider's clock be so far ahead of ours, or behind it."""
        self._control("POST", "/clock", {"offset_seconds": offset_seconds})

    def advance_clock(self, seconds: int) -> None:
        """Let time pass for the provider: it renews, tries again and ends what has come due."""
        self._control("POST", "/clock", {"advance_seconds": seconds})

    def subscriptions_of(self, reference: str) -> list[Billed]:
        """The subscriptions that were bought under an id of ours, such as a membership's or a fan's, oldest first."""
        bought = [recorded.parsed().data.object for recorded in self._recorded("checkout.session.completed")]
        return [
            self.subscription(each.subscription) for each in bought if each.subscription and each.is_about(reference)
        ]

    def subscription_of(self, reference: str) -> Billed:
        """The latest of them."""
        found = self.subscriptions_of(reference)
        if not found:
            raise UnexpectedError(f"nobody subscribed for {reference}")
        return found[-1]

    def subscription(self, subscription_id: str) -> Billed:
        """A subscription as it stands now."""
        return self._control("GET", f"/subscriptions/{subscription_id}").read(200, Billed)

    def renew(self, subscription_id: str) -> Billed:
        """Begin the next period of this subscription alone, whatever the clock says."""
        return self._control("POST", f"/subscriptions/{subscription_id}/renew", {}).read(200, Billed)

    def fail_renewals(self) -> None:
        """Let the cards be empty when renewals are collected, from now on."""
        self.set_knobs(renewals="failed")

    def pay_renewals(self) -> None:
        """Let them hold money again."""
        self.set_knobs(renewals="paid")

    def pay_invoice(self, invoice_id: str) -> None:
        """Collect what could not be collected before."""
        self._control("POST", f"/invoices/{invoice_id}/pay", {})

    def cancel_subscription(self, subscription_id: str) -> Billed:
        """End a subscription now, as from the dashboard."""
        return self._control("POST", f"/subscriptions/{subscription_id}/cancel", {}).read(200, Billed)

    def choose_at_portal(self, url: str, choice: str = "cancel") -> Reply:
        """At the billing portal, `cancel` all of the customer's subscriptions with their periods, or `keep` them."""
        page = call("GET", url)
        form = _FORM.search(page.body)
        if form is None:
            raise UnexpectedError(f"the portal answered {page.status} and has no form")
        return post_form(urljoin(url, form[1].decode()), {"choice": choice})

    def refund_invoice(self, invoice: Invoice, amount_minor: int, status: str = "succeeded") -> str:
        """Give part of an invoice's price back. Returns the refund's id."""
        return self._take_back(invoice.payment_intent, "/refunds", amount_minor, status)

    def dispute_invoice(self, invoice: Invoice, amount_minor: int, status: str = "needs_response") -> str:
        """Have the payer's bank take part of it back. Returns the dispute's id."""
        return self._take_back(invoice.payment_intent, "/disputes", amount_minor, status)

    def events_of_type(self, event_type: str) -> list[StripeEvent]:
        """Everything of one type that was told, oldest first."""
        return [recorded.parsed() for recorded in self._recorded(event_type)]

    def events_about(self, checkout: Checkout) -> list[StripeEvent]:
        """Everything that was told of the checkout and its payment, oldest first."""
        payment_intent = self._payment_of(checkout)
        events = [recorded.parsed() for recorded in self._recorded()]
        return [event for event in events if event.data.object.payment_intent == payment_intent]

    def send_again(self, event: StripeEvent) -> None:
        """Send an event once more, under its own id."""
        self._control("POST", f"/events/{event.id}/redeliver", {})

    def wait_for_webhooks(self, seconds: int = 60) -> None:
        """Wait until nothing is left to deliver."""

        class _Idle(msgspec.Struct):
            idle: bool

        wait_until(
            "webhooks delivered",
            lambda: self._control("POST", "/wait_idle", {"timeout_seconds": 5}).read(200, _Idle).idle,
            seconds,
        )

    def deliveries(self, checkout: Checkout) -> list[Delivery]:
        """What became of the webhook that says that the checkout is completed, copy by copy."""
        return self._completed(checkout).deliveries

    def completed_payload(self, checkout: Checkout, event_id: str | None = None) -> bytes:
        """The webhook's body that says that the checkout is completed; under another event id if one is given."""
        content = json.loads(bytes(self._completed(checkout).event))
        return json.dumps(content | {"id": event_id or content["id"]}).encode()

    def deliver(self, payload: bytes, secret: str | None = None) -> Reply:
        """Post a webhook, signed now, as Stripe would; with another secret, as somebody else would."""
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

    def _about(self, checkout: Checkout, path: str, amount_minor: int, status: str) -> str:
        return self._take_back(self._payment_of(checkout), path, amount_minor, status)

    def _take_back(self, payment_intent: str, path: str, amount_minor: int, status: str) -> str:
        fields: Fields = {"payment_intent": payment_intent, "amount": amount_minor, "status": status}
        return self._control("POST", path, fields).read(200, _Object).id

    def _control(self, method: str, path: str, fields: Fields | None = None) -> Reply:
        body = None if fields is None else json.dumps(fields).encode()
        reply = call(method, f"{self._facts.stripe_api_url}/_sandbox{path}", {"Content-Type": "application/json"}, body)
        if reply.status != 200:
            raise UnexpectedError(f"the sandbox answered {reply.status} to {path}: {reply.body!r}")
        return reply
