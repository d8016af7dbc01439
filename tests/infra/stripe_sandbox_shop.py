"""The Stripe sandbox with Stripe's real client, a webhook receiver, and payers on its pages."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlencode, urlsplit

import stripe
from stripe.checkout import Session
from stripe.params.checkout import SessionCreateParams

from infra.local.stripe_sandbox import StripeSandbox

SECRET = "whsec_first"
SUCCESS_URL = "http://shop.example/thanks?session={CHECKOUT_SESSION_ID}"
Json = dict[str, "object"]


@dataclass
class Webhook:
    """A received webhook and the status that it was answered with."""

    body: bytes
    headers: dict[str, str]
    status: int

    @property
    def event(self) -> stripe.Event:
        event: stripe.Event = stripe.Webhook.construct_event(self.body, self.headers["Stripe-Signature"], SECRET)
        return event


@dataclass
class Receiver:
    """A webhook receiver that answers with the planned statuses, then with 200."""

    plan: list[int] = field(default_factory=list)
    received: list[Webhook] = field(default_factory=list)
    answer_after_seconds: float = 0.0

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        status = self.plan.pop(0) if self.plan else 200
        self.received.append(Webhook(body, headers, status))
        return status

    @property
    def types(self) -> list[str]:
        return [json.loads(webhook.body)["type"] for webhook in self.received]

    @contextmanager
    def serving(self) -> Iterator[str]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(body, dict(self.headers))
                threading.Event().wait(receiver.answer_after_seconds)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/webhooks"
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Page:
    """The response to a page request."""

    status: int
    location: str | None
    html: str


@dataclass
class Shop:
    """The sandbox and its counterparts, for tests."""

    sandbox: StripeSandbox
    receiver: Receiver
    client: stripe.StripeClient

    def reset(self) -> None:
        """Reset the sandbox, and discard the webhooks that were still in flight."""
        self.control("POST", "/reset")
        assert self.control("POST", "/wait_idle")["idle"]
        self.receiver.plan, self.receiver.received = [], []

    def offer(self, *, amount: int = 500, currency: str = "usd", quantity: int = 1) -> SessionCreateParams:
        return {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": quantity,
                    "price_data": {
                        "currency": currency,
                        "unit_amount": amount,
                        "product_data": {"name": "500 coins"},
                        "tax_behavior": "inclusive",
                    },
                }
            ],
            "client_reference_id": "fan-1",
            "metadata": {"purchase_id": "p-1"},
            "payment_intent_data": {"metadata": {"purchase_id": "p-1"}},
            "success_url": SUCCESS_URL,
            "cancel_url": "http://shop.example/basket",
        }

    def open(self, *, amount: int = 500, currency: str = "usd", quantity: int = 1) -> Session:
        return self.client.v1.checkout.sessions.create(self.offer(amount=amount, currency=currency, quantity=quantity))

    def pay(self, session: Session, outcome: str = "card") -> Page:
        return self.visit(f"/pay/{session.id}", urlencode({"outcome": outcome}))

    def buy(self, outcome: str = "card", *, amount: int = 500) -> tuple[Session, str]:
        """Open and pay a session. Returns the session after that, and its payment intent's id."""
        session = self.open(amount=amount)
        self.pay(session, outcome)
        session = self.client.v1.checkout.sessions.retrieve(session.id)
        return session, str(session.payment_intent)

    def plan(self, *, amount: int = 499, interval: str = "month", interval_count: int = 1) -> SessionCreateParams:
        """Build the parameters of a session for a subscription."""
        return cast(
            "SessionCreateParams",
            {
                "mode": "subscription",
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": "usd",
                            "unit_amount": amount,
                            "product_data": {"name": "Membership"},
                            "recurring": {"interval": interval, "interval_count": interval_count},
                        },
                    }
                ],
                "client_reference_id": "m-1",
                "metadata": {"membership_id": "m-1"},
                "subscription_data": {"metadata": {"membership_id": "m-1"}},
                "success_url": SUCCESS_URL,
                "cancel_url": "http://shop.example/basket",
            },
        )

    def subscribe(self, outcome: str = "card", offer: SessionCreateParams | None = None) -> stripe.Subscription:
        """Open a session and subscribe. Returns the subscription."""
        session = self.client.v1.checkout.sessions.create(offer or self.plan())
        assert self.pay(session, outcome).status == 303
        session = self.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
        assert isinstance(session.subscription, stripe.Subscription)
        return session.subscription

    def visit(self, path: str, form: str | None = None) -> Page:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        status, answer_headers, body = self.http("GET" if form is None else "POST", path, form, headers)
        return Page(status, answer_headers.get("Location"), body)

    def control(self, method: str, path: str, body: Json | None = None) -> Json:
        status, _, text = self.http(method, f"/_sandbox{path}", json.dumps(body or {}))
        answer: Json = json.loads(text)
        assert status == 200, answer
        return answer

    def set_knobs(self, **knobs: object) -> None:
        self.control("PUT", "/knobs", knobs)

    def settled_types(self) -> list[str]:
        """Wait until no webhook is in flight. Returns the received event types."""
        assert self.control("POST", "/wait_idle", {"timeout_seconds": 5})["idle"]
        return self.receiver.types

    def emitted_types(self) -> list[str]:
        """Return the type of every event in the API's list, oldest first."""
        return [event.type for event in reversed(self.client.v1.events.list({"limit": 100}).data)]

    def http(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        connection = HTTPConnection(urlsplit(self.sandbox.url).netloc, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()
        finally:
            connection.close()


@contextmanager
def open_shop() -> Iterator[Shop]:
    receiver = Receiver()
    with (
        receiver.serving() as webhook_url,
        StripeSandbox.start(webhook_url=webhook_url, webhook_secret=SECRET) as sandbox,
    ):
        client = stripe.StripeClient("sk_test_shop", base_addresses={"api": sandbox.url}, max_network_retries=2)
        yield Shop(sandbox, receiver, client)


def eventually(is_true: Callable[[], bool], within_seconds: float = 5.0) -> None:
    """Wait until the condition is true, or fail."""
    deadline = time.monotonic() + within_seconds
    while not is_true():
        assert time.monotonic() < deadline, "the condition never came true"
        threading.Event().wait(0.01)
