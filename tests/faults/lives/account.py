"""The Stripe sandbox without sockets and on a simulated clock, and the real adapters as its clients."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import stripe

from chalicelib.adapters.stripe.gateway import StripeGateway
from chalicelib.adapters.stripe.memberships import StripeMemberships
from infra.local.stripe_sandbox import payments
from infra.local.stripe_sandbox.api import Api, ApiRequest
from infra.local.stripe_sandbox.control import Control
from infra.local.stripe_sandbox.events import Event
from infra.local.stripe_sandbox.knobs import Knobs
from infra.local.stripe_sandbox.objects import Dispute, Method
from infra.local.stripe_sandbox.session import Session
from infra.local.stripe_sandbox.store import Store
from infra.local.stripe_sandbox.webhooks import WebhookSender, sign
from tests.fakes import START, FakeClock, uuid7_at

SECRET: Final = "whsec_lives"  # gitleaks:allow
API_URL: Final = "https://stripe.example"


@dataclass
class ClockedStore(Store):
    """The sandbox's state, on the simulated clock."""

    clock: FakeClock = field(default_factory=FakeClock)

    def now(self) -> int:
        return int(self.clock.now().timestamp()) if self.moment is None else self.moment


class InProcess(stripe.RequestsClient):
    """Stripe's HTTP client that calls the sandbox's API as a function."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def request(  # type: ignore[override]  # the SDK's own types of it differ
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url)
        pairs = tuple(pair for text in (parts.query, str(post_data or "")) for pair in parse_qsl(text, True))
        given = {name.lower(): value for name, value in (headers or {}).items()}
        response = self._api.serve(ApiRequest(method.upper(), parts.path, given, pairs))
        return json.dumps(response.body).encode(), response.status, response.headers


class StripeAccount:
    """An account at the sandbox. `control` has the acts of payers, banks and the dashboard."""

    def __init__(self, clock: FakeClock, on_event: Callable[[Event], None]) -> None:
        self.store = ClockedStore(account_id="acct_lives", api_version=stripe.api_version, clock=clock)
        self.store.on_event = on_event
        self.knobs = Knobs()
        api = Api(self.store, self.knobs, API_URL)
        self.control = Control(api, WebhookSender(self.store, self.knobs, "", [SECRET]))
        pages = {"success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/basket"}
        settings: dict[str, Any] = {"api_url": API_URL, "on_rejected": lambda: None, **pages}
        self.gateway = StripeGateway(api_key=lambda: "sk_test_lives", webhook_secrets=lambda: [SECRET], **settings)
        self.memberships = StripeMemberships(api_key=lambda: "sk_test_lives", **settings)
        self.gateway._http = self.gateway._hasty = self.memberships._http = InProcess(api)  # type: ignore[assignment]

    def signed(self, event: Event) -> tuple[bytes, str]:
        """Build a webhook's body and signature."""
        payload = json.dumps(event.to_json())
        return payload.encode(), sign(payload, [SECRET], int(self.store.clock.now().timestamp()))

    # --- payers -----------------------------------------------------------------------------------------------------

    def pay(self, session: Session, method: Method, oddity: str = "") -> None:
        """Pay a session, perhaps otherwise than quoted."""
        if oddity:
            make_odd(session, oddity)
        payments.pay(self.store, session, method)

    def again(self, session: Session) -> Session:
        """Open a second session of the same purchase, which should not exist."""
        twin = replace(session, id=f"{session.id}2", status="open", payment_status="unpaid", payment_intent=None)
        self.store.sessions[twin.id] = twin
        return twin

    # --- the truth --------------------------------------------------------------------------------------------------

    def kept_minor(self, payment: str, paid_minor: int) -> int | None:
        """Return the part of a purchase's price that neither refunds nor disputes have taken.

        None for the payment of an invoice that was deleted: it does not lead to its purchase any more.
        """
        parts, off_stripe_minor = self._parts_of(payment)
        if not parts:
            return None
        captured_minor = sum(self.store.payment_intents[part].amount for part in parts) + off_stripe_minor
        gone_minor = sum(self._gone_minor(part) for part in parts)
        return min(max(captured_minor - gone_minor, 0), paid_minor)

    def payments_of_coins(self) -> list[frozenset[str]]:
        """List the payments for coins: the ids of each, and of the session or invoice that it paid."""
        sold = [
            frozenset({session.payment_intent, session.id})
            for session in self.store.sessions.values()
            if session.mode == "payment" and session.payment_intent and session.payment_status == "paid"
        ]
        invoices = {one.invoice for one in self.store.invoice_payments.values() if one.payment_intent and one.paid_at}
        return sold + [frozenset({invoice, *self._intents_of(invoice)}) for invoice in invoices]

    def _parts_of(self, payment: str) -> tuple[Sequence[str], int]:
        """Return all payments of the purchase of a payment, and the amount that was paid outside Stripe."""
        linked = self.store.invoice_payments.values()
        invoice = next((one.invoice for one in linked if one.payment_intent == payment), None)
        if invoice is None:
            return [payment] if self.store.payment_intents[payment].metadata else [], 0
        records = [one.amount for one in linked if one.invoice == invoice and one.payment_record and one.paid_at]
        return self._intents_of(invoice), sum(records)

    def _intents_of(self, invoice: str) -> list[str]:
        linked = self.store.invoice_payments.values()
        return [one.payment_intent for one in linked if one.invoice == invoice and one.payment_intent and one.paid_at]

    def _gone_minor(self, payment: str) -> int:
        intent = self.store.payment_intents[payment]
        refunded = [
            refund.amount
            for refund in self.store.refunds.values()
            if refund.payment_intent == payment and refund.holds_money
        ]
        disputed = [
            _withdrawn_minor(dispute)
            for dispute in self.store.disputes.values()
            # A dispute in another currency is not counted: its amount is unknown.
            if dispute.payment_intent == payment and dispute.currency == intent.currency
        ]
        return sum(refunded) + sum(disputed)


def _withdrawn_minor(dispute: Dispute) -> int:
    if dispute.settled_in != dispute.currency:
        return dispute.amount if dispute.is_withdrawn else 0
    return max(-sum(cast("int", booked["amount"]) for booked in dispute.balance_transactions), 0)


def make_odd(session: Session, oddity: str) -> None:
    """Make a session differ from its quote, as another program on the account may."""
    [item] = session.line_items
    if oddity == "price":
        session.line_items = (replace(item, unit_amount=item.unit_amount + 100),)
    elif oddity == "free":
        session.line_items = (replace(item, unit_amount=0),)
    elif oddity == "currency":
        session.line_items, session.currency = (replace(item, currency="eur"),), "eur"
    else:
        changed = {"coins": "100000"} if oddity == "coins" else {"purchase_id": uuid7_at(START, 1)}
        session.metadata = session.metadata | changed
        session.payment_metadata = session.payment_metadata | changed
