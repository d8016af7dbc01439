"""The API as API Gateway calls it, with fakes behind the ports."""

import io
import json
import logging
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import app
from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.adapters.offer_signer import EcOfferSigner
from chalicelib.adapters.rate_files import load_reference_rates
from chalicelib.domain.gifts import Gift
from chalicelib.domain.identity import Caller
from chalicelib.domain.memberships import Membership
from chalicelib.domain.payments import MoneyState
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import TryAgain, Unauthenticated
from chalicelib.services import services
from chalicelib.settings import Settings
from infra.local.deployment import new_signing_key
from tests.domain.builders import a_membership, a_refund
from tests.fake_looks import FakeLooks, OneThread
from tests.fake_memberships import FakeMemberships, FakeSubscriptions
from tests.fake_operators import FakeJournal, FakeOperators, audit_ports
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fake_work import FakeWorkPositions
from tests.fakes import FakeClock, FakeGateway, FakeLedger

REQUEST_ID = "11111111-2222-3333-4444-555555555555"
KEYS_OUT_OF_REACH = "keys-out-of-reach"
ABSENT: Any = object()  # value of a header to leave out
NEW: Any = object()  # value of an idempotency key to generate

QUERIES = {
    "/v1/top-up": "?for=1570",
    "/v1/worth": "?coins=500",
    "/v1/prices": "",
    "/v1/offers": "",
    "/v1/offers/verify": "?coins=70&amount_minor=74",
    "/.well-known/jwks.json": "",
}
"""Required query strings by path."""

SIGNING_KEY = new_signing_key()

SETTINGS = Settings(
    stage="test",
    livemode=False,
    table_name="table",
    topic_arn="arn:aws:sns:eu-central-1:123456789012:topic",
    redrive_queue_url="https://sqs.example/redrive",
    streak_queue_url="https://sqs.example/streaks",
    streak_dead_letters_url="https://sqs.example/streaks-dead",
    token_issuer="https://issuer.example",
    token_audience=("coinpurse",),
    jwks_url="https://issuer.example/keys",
    stripe_api_url="https://api.stripe.com",
    success_url="https://shop.example/success",
    cancel_url="https://shop.example/cancelled",
    catalogue="default",
    creator_lanes=4,
    allowed_origins=("*",),
    allowed_return_origins=(),
    max_open_checkouts=20,
    max_open_memberships=3,
)


@dataclass(frozen=True)
class Reply:
    """A response with header names in lowercase."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json"
        return str(self.json["code"])


def token_of(user_id: str, scope: str = "") -> str:
    return f"token-of-{user_id}/{scope}" if scope else f"token-of-{user_id}"


class FakeTokens:
    """A fake verifier: accepts `token-of-<user id>`, optionally with `/<scopes>`."""

    def verify(self, token: str) -> Caller:
        if token == KEYS_OUT_OF_REACH:
            raise TryAgain("The token issuer's keys cannot be read.")
        if not token.startswith("token-of-"):
            raise Unauthenticated
        user_id, _, scope = token.removeprefix("token-of-").partition("/")
        return Caller(user_id=user_id, scopes=frozenset(scope.split()))


@dataclass
class Api:
    """The deployed function as its callers and operators see it."""

    clock: FakeClock = field(default_factory=FakeClock)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    gateway: FakeGateway = field(default_factory=FakeGateway)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    queue: FakeRedriveQueue = field(default_factory=FakeRedriveQueue)
    timer: FakeStreakTimer = field(default_factory=FakeStreakTimer)
    logged: io.StringIO = field(default_factory=io.StringIO)
    ports: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.members, self.billing = FakeMemberships(self.ledger), FakeSubscriptions()
        self.operators, self.journal = FakeOperators(self.ledger, self.members), FakeJournal(self.ledger)
        self.ports |= {
            "settings": SETTINGS,
            "clock": self.clock,
            "catalogue": load_catalogue("default"),
            "reference_rates": load_reference_rates(),
            "offer_signer": EcOfferSigner(lambda: [SIGNING_KEY]),
            "ledger": self.ledger,
            "operators": self.operators,
            "journal": self.journal,
            "positions": FakeWorkPositions(),
            "gateway": self.gateway,
            "memberships": self.members,
            "subscriptions": self.billing,
            "publisher": self.publisher,
            "redrive_queue": self.queue,
            "streak_timer": self.timer,
            "tokens": FakeTokens(),
            "looks": FakeLooks(),
            "threads": OneThread(),
        } | audit_ports(self.ledger)

    def call(self, method: str, url: str, **parts: Any) -> Reply:
        return self.pass_on(proxy_event(method, url, **parts))

    def pass_on(self, event: Mapping[str, Any]) -> Reply:
        """Call the function with an event. The response must be serializable, as Lambda requires."""
        answer = json.loads(json.dumps(app.app(event, None)))
        assert not answer["multiValueHeaders"]
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Reply(answer["statusCode"], headers, answer["body"])

    def get(self, url: str, **parts: Any) -> Reply:
        return self.call("GET", url, **parts)

    def buy(self, key: Any = NEW, *, fan: str = "ann", **wish: Any) -> Reply:
        key = self.clock.new_id() if key is NEW else key
        return self.call("POST", "/v1/checkout-sessions", key=key, fan=fan, body={"bundle_id": "coins_70"} | wish)

    def give(self, key: Any = NEW, *, fan: str = "ann", **wish: Any) -> Reply:
        body = {"creator_id": "cleo", "item_id": "rose"} | wish
        return self.call("POST", "/v1/gifts", key=self.clock.new_id() if key is NEW else key, fan=fan, body=body)

    def tell(self, body: bytes, signature: Any = "signed", **parts: Any) -> Reply:
        """Deliver a webhook."""
        headers = {"Stripe-Signature": signature} | parts.pop("headers", {})
        return self.call("POST", "/v1/webhooks/stripe", body=body, headers=headers, fan=None, **parts)

    def join(self, key: Any = NEW, *, fan: str = "ann", **wish: Any) -> Reply:
        body = {"plan_id": "coin_club"} | wish
        return self.call("POST", "/v1/memberships", key=self.clock.new_id() if key is NEW else key, fan=fan, body=body)

    def stock_membership(self, **changes: Any) -> Membership:
        """Give the fan a former subscription."""
        membership = a_membership(**{"user_id": "ann", "customer_id": "cus_ann"} | changes)
        self.members.known[membership.user_id, membership.membership_id] = membership
        return membership

    def act(self, name: str, body: Any, key: Any = NEW, **parts: Any) -> Reply:
        """Post an operator's act."""
        key = self.clock.new_id() if key is NEW else key
        parts = {"fan": "olga", "scope": "operator"} | parts
        return self.call("POST", f"/v1/operator/{name}", key=key, body=body, **parts)

    def refund(self, purchase_id: str, amount_minor: int) -> None:
        """Set the refunded amount that the provider reports for a payment."""
        back = [a_refund(amount_minor)] if amount_minor else []
        self.gateway.money[f"pi_{purchase_id}"] = MoneyState(captured_minor=74, refunds=back)

    def fund(self, fan: str = "ann", coins: int = 1000) -> None:
        self.ledger.coins[fan] = coins

    def purchase(self, purchase_id: str, fan: str = "ann") -> Purchase:
        entry = self.ledger.find_entry(fan, purchase_id)
        assert isinstance(entry, Purchase)
        return entry

    def gifts(self, fan: str = "ann") -> list[Gift]:
        return [entry for entry in self.ledger.entries.get(fan, {}).values() if isinstance(entry, Gift)]

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        """Check that the block changes neither the ledger nor the payment provider."""
        before = self._traces()
        yield
        assert self._traces() == before

    def logs(self) -> list[dict[str, Any]]:
        """Return what was logged beside the line that each request has."""
        return [line for line in self._lines() if line["message"] != "answered"]

    def answers(self) -> list[dict[str, Any]]:
        return [line for line in self._lines() if line["message"] == "answered"]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.logged.getvalue().splitlines()]

    def _traces(self) -> Any:
        acts = self.operators.freezes, self.operators.reversed_by
        opened = self.gateway.opened, self.billing.opened, self.members.known
        return deepcopy((vars(self.ledger), acts, self.gateway.sessions, opened))


def put_in_place(api: Api, monkeypatch: Any) -> None:
    """Put the fakes into `services`, and capture the logs."""
    for name in api.ports:
        monkeypatch.setitem(vars(services), name, api.ports[name])
    api.ports = vars(services)
    for logger in ("coinpurse", "coinpurse.requests", "chalicelib"):
        for handler in logging.getLogger(logger).handlers:
            if type(handler) is logging.StreamHandler:
                monkeypatch.setattr(handler, "stream", api.logged)


def proxy_event(
    method: str,
    url: str,
    *,
    fan: str | None = "ann",
    scope: str = "",
    key: Any = ABSENT,
    body: Any = None,
    headers: Mapping[str, Any] | None = None,
    as_base64: bool = False,
) -> dict[str, Any]:
    """Build the event of a request. `body`: bytes or text unchanged, anything else as JSON."""
    path, _, query = url.partition("?")
    resource, path_parameters = _resource(path)
    sent: dict[str, Any] = {"Content-Type": "application/json"} if body is not None else {}
    sent |= {"Authorization": f"Bearer {token_of(fan, scope)}"} if fan else {}
    sent |= {"Idempotency-Key": key}
    sent |= headers or {}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {name: value for name, value in sent.items() if value is not ABSENT},
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None,
        "pathParameters": path_parameters or None,
        "stageVariables": None,
        "requestContext": {"resourcePath": resource, "httpMethod": method, "requestId": REQUEST_ID, "path": path},
        "body": _text(body, as_base64=as_base64),
        "isBase64Encoded": as_base64,
    }


def routes() -> Sequence[tuple[str, str]]:
    """List the method and path of every operation, without the HEAD and OPTIONS that the router adds."""
    return [(operation.method, operation.path) for operation in app.api.operations]


def _text(body: Any, *, as_base64: bool) -> str | None:
    if body is None:
        return None
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    raw = text.encode() if isinstance(text, str) else text
    return b64encode(raw).decode() if as_base64 else raw.decode()


def _resource(path: str) -> tuple[str, dict[str, str]]:
    """Match a path as API Gateway does: resource and undecoded path parameters."""
    for resource in sorted(app.app.routes, key=lambda resource: "{" in resource):
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]*)", re.escape(resource))
        if found := re.fullmatch(pattern, path, re.DOTALL):
            return resource, found.groupdict()
    raise AssertionError(f"API Gateway has no resource for {path}")
