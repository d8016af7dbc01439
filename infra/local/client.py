"""A fan of the platform: the HTTP API as the website uses it, for the demo and the tests."""

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

Shape = TypeVar("Shape")
Fields = Mapping[str, str | int | bool | list[str] | dict[str, int]]

MAX_IN_FLIGHT = 8
"""The front door lets no more through at once, so more would only wait."""

_HTTP = urllib3.PoolManager(maxsize=MAX_IN_FLIGHT, timeout=60, retries=False)


class Bundle(msgspec.Struct, frozen=True):
    """A coin bundle on sale."""

    bundle_id: str
    coins: int


class Bundles(msgspec.Struct, frozen=True):
    """The answer of GET /v1/bundles."""

    bundles: list[Bundle]


class GiftItem(msgspec.Struct, frozen=True):
    """A gift of the catalogue; `coins` is the price of one."""

    item_id: str
    name: str
    coins: int


class GiftCatalogue(msgspec.Struct, frozen=True):
    """The answer of GET /v1/gift-catalogue."""

    gifts: list[GiftItem]


class Price(msgspec.Struct, frozen=True):
    """What a bundle costs."""

    amount_minor: int
    currency: str
    exponent: int

    def __str__(self) -> str:
        return f"{self.amount_minor / 10**self.exponent:.{self.exponent}f} {self.currency.upper()}"


class Checkout(msgspec.Struct, frozen=True):
    """A checkout session of ours. `url` is the payment provider's page while there is something to pay."""

    id: str
    status: str
    coins: int
    price: Price
    url: str | None = None


class Wallet(msgspec.Struct, frozen=True):
    """A fan's wallet."""

    coins: int
    owed: int


class Entry(msgspec.Struct, frozen=True):
    """A line of a wallet's statement. `coins` is signed."""

    id: str
    kind: str
    status: str
    coins: int


class Entries(msgspec.Struct, frozen=True):
    """The answer of GET /v1/wallet/entries."""

    entries: list[Entry]


class Gift(msgspec.Struct, frozen=True):
    """A gift that was sent."""

    id: str
    event_id: str
    coins: int


class Problem(msgspec.Struct, frozen=True):
    """A problem document (RFC 9457)."""

    code: str
    status: int


class UnexpectedError(AssertionError):
    """The stack did not do what it should have; the message says what it did."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. Header names are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, status: int, shape: type[Shape]) -> Shape:
        """The body, if the status is the one expected.

        Raises:
            UnexpectedError: it is another.
        """
        if self.status != status:
            raise UnexpectedError(f"expected {status}, got {self.status}: {self.body[:500].decode(errors='replace')}")
        return msgspec.json.decode(self.body, type=shape)


def call(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
    """One HTTP request. Redirects are answers like any other."""
    answer = _HTTP.request(method, url, headers=dict(headers or {}), body=body, redirect=False)
    return Reply(answer.status, answer.headers, answer.data)


def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply:
    """Post what a plain HTML form would."""
    form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return call("POST", url, form, urlencode(fields).encode())


class Fan:
    """A fan of the platform, signed in: the HTTP API as the website uses it."""

    def __init__(self, facts: StackFacts, user_id: str, scope: str = "") -> None:
        class _Token(msgspec.Struct):
            access_token: str

        reply = post_form(f"{facts.issuer_url}/token", {"sub": user_id, "scope": scope})
        self.user_id = user_id
        self._base = f"{facts.api_url}/v1"
        self._signed_in = {"Authorization": f"Bearer {reply.read(200, _Token).access_token}"}

    def bundles(self) -> list[Bundle]:
        """What is on sale on the web, in US dollars."""
        return self.get("/bundles?currency=usd&channel=web").read(200, Bundles).bundles

    def gifts(self) -> list[GiftItem]:
        """The gift catalogue, the cheapest first."""
        catalogue = self.get("/gift-catalogue").read(200, GiftCatalogue)
        return sorted(catalogue.gifts, key=lambda item: item.coins)

    def open_checkout(self, bundle_id: str, key: str | None = None) -> Reply:
        """Open a checkout; read it as Checkout."""
        return self.post("/checkout-sessions", {"bundle_id": bundle_id, "currency": "usd", "channel": "web"}, key)

    def checkout(self, checkout_id: str) -> Checkout:
        """What became of a checkout."""
        return self.get(f"/checkout-sessions/{checkout_id}").read(200, Checkout)

    def send_gift(self, creator_id: str, item_id: str, quantity: int = 1, key: str | None = None) -> Reply:
        """Send a gift; read it as Gift."""
        return self.post("/gifts", {"creator_id": creator_id, "item_id": item_id, "quantity": quantity}, key)

    def wallet(self) -> Wallet:
        """The fan's wallet."""
        return self.get("/wallet").read(200, Wallet)

    def entries(self) -> list[Entry]:
        """How the balance came about: the newest hundred entries, the newest first."""
        return self.get("/wallet/entries?limit=100").read(200, Entries).entries

    def get(self, path: str) -> Reply:
        """Any route, below /v1."""
        return call("GET", self._base + path, self._signed_in)

    def put(self, path: str, fields: Fields) -> Reply:
        """Any route, below /v1, that takes a whole document."""
        headers = {"Content-Type": "application/json"}
        return call("PUT", self._base + path, self._signed_in | headers, json.dumps(fields).encode())

    def post(self, path: str, fields: Fields, key: str | None = None) -> Reply:
        """Any route, below /v1; a fresh idempotency key unless one is given."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid7())}
        return call("POST", self._base + path, self._signed_in | headers, json.dumps(fields).encode())


def wait_until(what: str, done: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so.

    Raises:
        UnexpectedError: it is not, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise UnexpectedError(f"not after {seconds:.0f} s: {what}")
        time.sleep(0.1)
