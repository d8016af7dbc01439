"""Client of the public HTTP API, for the demo and the tests."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3
from uuid_utils import uuid7

from infra.local.facts import StackFacts

ModelT = TypeVar("ModelT")
Fields = Mapping[str, str | int | bool | list[str] | dict[str, int]]

MAX_IN_FLIGHT = 8
"""The front door's limit of concurrent requests; more would only wait."""

_HTTP = urllib3.PoolManager(maxsize=MAX_IN_FLIGHT, timeout=60, retries=False)


class Bundle(msgspec.Struct, frozen=True):
    bundle_id: str
    coins: int


class Bundles(msgspec.Struct, frozen=True):
    """Response of GET /v1/bundles."""

    bundles: list[Bundle]


class GiftItem(msgspec.Struct, frozen=True):
    """A gift of the catalogue. `coins` is its price."""

    item_id: str
    name: str
    coins: int


class GiftCatalogue(msgspec.Struct, frozen=True):
    """Response of GET /v1/gift-catalogue."""

    gifts: list[GiftItem]


class Price(msgspec.Struct, frozen=True):
    """An amount of money in minor units; `exponent` is the currency's number of decimals."""

    amount_minor: int
    currency: str
    exponent: int

    def __str__(self) -> str:
        return f"{self.amount_minor / 10**self.exponent:.{self.exponent}f} {self.currency.upper()}"


class Checkout(msgspec.Struct, frozen=True):
    """A checkout session of the API. `url` is Stripe's payment page while the session can be paid."""

    id: str
    status: str
    coins: int
    price: Price
    url: str | None = None


class Wallet(msgspec.Struct, frozen=True):
    coins: int
    owed: int


class Entry(msgspec.Struct, frozen=True):
    """An entry of a wallet's statement. `coins` is negative for debits."""

    id: str
    kind: str
    status: str
    coins: int


class Entries(msgspec.Struct, frozen=True):
    """Response of GET /v1/wallet/entries."""

    entries: list[Entry]


class Gift(msgspec.Struct, frozen=True):
    """A gift that a fan sent."""

    id: str
    event_id: str
    coins: int


class Problem(msgspec.Struct, frozen=True):
    """A problem document (RFC 9457)."""

    code: str
    status: int


class UnexpectedError(AssertionError):
    """The stack responded or behaved in an unexpected way; the message says how."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response. Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, status: int, model: type[ModelT]) -> ModelT:
        """Decode the body as `model`.

        Raises:
            UnexpectedError: the response has another status.
        """
        if self.status != status:
            raise UnexpectedError(f"expected {status}, got {self.status}: {self.body[:500].decode(errors='replace')}")
        return msgspec.json.decode(self.body, type=model)


def call(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
    """Send an HTTP request. Redirects are returned, not followed."""
    response = _HTTP.request(method, url, headers=dict(headers or {}), body=body, redirect=False)
    return Reply(response.status, response.headers, response.data)


def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply:
    """Post a form, URL-encoded as an HTML form is."""
    form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return call("POST", url, form, urlencode(fields).encode())


class Fan:
    """API client with the bearer token of one fan."""

    def __init__(self, facts: StackFacts, user_id: str, scope: str = "") -> None:
        class _Token(msgspec.Struct):
            access_token: str

        reply = post_form(f"{facts.issuer_url}/token", {"sub": user_id, "scope": scope})
        self.user_id = user_id
        self._base = f"{facts.api_url}/v1"
        self.signed_in = {"Authorization": f"Bearer {reply.read(200, _Token).access_token}"}

    def bundles(self) -> list[Bundle]:
        """List the bundles of the channel `web` in US dollars."""
        return self.get("/bundles?currency=usd&channel=web").read(200, Bundles).bundles

    def gifts(self) -> list[GiftItem]:
        """List the gift catalogue, cheapest first."""
        catalogue = self.get("/gift-catalogue").read(200, GiftCatalogue)
        return sorted(catalogue.gifts, key=lambda item: item.coins)

    def open_checkout(self, bundle_id: str, key: str | None = None) -> Reply:
        """Open a checkout. The body decodes as Checkout."""
        return self.post("/checkout-sessions", {"bundle_id": bundle_id, "currency": "usd", "channel": "web"}, key)

    def checkout(self, checkout_id: str) -> Checkout:
        return self.get(f"/checkout-sessions/{checkout_id}").read(200, Checkout)

    def send_gift(self, creator_id: str, item_id: str, quantity: int = 1, key: str | None = None) -> Reply:
        """Send a gift. The body decodes as Gift."""
        return self.post("/gifts", {"creator_id": creator_id, "item_id": item_id, "quantity": quantity}, key)

    def wallet(self) -> Wallet:
        return self.get("/wallet").read(200, Wallet)

    def entries(self) -> list[Entry]:
        """List the latest 100 entries of the wallet, newest first."""
        return self.get("/wallet/entries?limit=100").read(200, Entries).entries

    def get(self, path: str) -> Reply:
        """Send a GET request; `path` is relative to /v1."""
        return call("GET", self._base + path, self.signed_in)

    def put(self, path: str, fields: Fields) -> Reply:
        """Send a PUT request with a JSON body; `path` is relative to /v1."""
        headers = {"Content-Type": "application/json"}
        return call("PUT", self._base + path, self.signed_in | headers, json.dumps(fields).encode())

    def post(self, path: str, fields: Fields, key: str | None = None) -> Reply:
        """Send a POST request with a JSON body; `path` is relative to /v1. Without `key` the idempotency key is new."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid7())}
        return call("POST", self._base + path, self.signed_in | headers, json.dumps(fields).encode())


def wait_until(description: str, condition: Callable[[], bool], seconds: float = 30) -> None:
    """Poll a condition every 0.1 s until it is true.

    Raises:
        UnexpectedError: it is still false after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise UnexpectedError(f"not after {seconds:.0f} s: {description}")
        time.sleep(0.1)
