"""The payment gateway with Stripe's real client, against a Stripe sandbox in this process."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urljoin

import stripe

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.stripe.gateway import StripeGateway
from chalicelib.adapters.stripe.memberships import StripeMemberships
from chalicelib.domain.purchases import Purchase
from infra.local.client import call, post_form
from infra.local.stripe_sandbox import StripeSandbox
from tests.adapters.samples import a_purchase, new_id

SECRET = "whsec_lab"  # gitleaks:allow
Json = dict[str, Any]


@dataclass
class Lab:
    """The adapters, and the acts of payers, banks and dashboard users."""

    sandbox: StripeSandbox
    gateway: StripeGateway
    members: StripeMemberships
    rejections: list[None]
    """One for each report of a request that Stripe rejected for good."""

    def control(self, method: str, path: str, **fields: object) -> Json:
        """Call the sandbox's control API."""
        reply = call(method, f"{self.sandbox.url}/_sandbox{path}", _JSON, json.dumps(fields).encode())
        return reply.read(200, dict[str, Any])

    def pay(self, purchase: Purchase, outcome: str = "card") -> str:
        """Open the purchase's session and pay it. Returns the payment intent."""
        session = self.gateway.open_session(purchase)
        assert session.url is not None
        assert post_form(session.url, {"outcome": outcome}).status == 303
        return cast("str", self.sandbox.store.sessions[session.session_id].payment_intent)

    def choose_at_portal(self, url: str, choice: str) -> None:
        """Choose `cancel` (at the end of the period) or `keep` on the billing portal's page."""
        form = re.search(r'action="([^"]+)"', call("GET", url).body.decode())
        assert form is not None
        assert post_form(urljoin(url, form[1]), {"choice": choice}).status == 303

    def refund(self, payment_intent: str, amount: int, status: str = "succeeded") -> str:
        """Refund a payment. Returns the refund's id."""
        refund = self.control("POST", "/refunds", payment_intent=payment_intent, amount=amount, status=status)
        return str(refund["id"])

    def dispute(self, payment_intent: str, amount: int, status: str = "needs_response") -> str:
        """Open a dispute. Returns the dispute's id."""
        dispute = self.control("POST", "/disputes", payment_intent=payment_intent, amount=amount, status=status)
        return str(dispute["id"])

    def events(self) -> list[Json]:
        """Return all events so far, oldest first, in the form that webhooks carry."""
        return [recorded["event"] for recorded in self.control("GET", "/events")["events"]]

    def unrelated_client(self) -> stripe.StripeClient:
        """Return the client of an unrelated program on the same Stripe account."""
        return stripe.StripeClient("sk_test_other", base_addresses={"api": self.sandbox.url})


def todays_purchase(**changes: Any) -> Purchase:
    """Build a purchase of 500 coins, created now: Stripe opens no session whose expiry is in the past."""
    now = SystemClock().now()
    return a_purchase(purchase_id=new_id(now), created_at=now, **changes)


@contextmanager
def open_lab() -> Iterator[Lab]:
    rejections: list[None] = []
    with StripeSandbox.start(webhook_secret=SECRET) as sandbox:
        gateway = StripeGateway(
            api_key=lambda: "sk_test_lab",
            webhook_secrets=lambda: [SECRET],
            api_url=sandbox.url,
            success_url="https://shop.example/thanks",
            cancel_url="https://shop.example/basket",
            on_rejected=lambda: rejections.append(None),
        )
        members = StripeMemberships(
            api_key=lambda: "sk_test_lab",
            api_url=sandbox.url,
            success_url="https://shop.example/thanks",
            cancel_url="https://shop.example/basket",
            on_rejected=lambda: rejections.append(None),
        )
        yield Lab(sandbox, gateway, members, rejections)
        for account in (gateway, members):
            account._http.close()  # type: ignore[no-untyped-call]  # Stripe leaves it so


_JSON = {"Content-Type": "application/json"}
