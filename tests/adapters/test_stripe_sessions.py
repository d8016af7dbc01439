"""Checkout sessions: requests to Stripe, and the mapping of its responses and errors."""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import stripe
from msgspec.structs import replace

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.stripe.gateway import StripeGateway
from chalicelib.adapters.stripe.keys import keys_of
from chalicelib.domain.payments import PurchaseRef
from chalicelib.domain.purchases import FORMER_KEY_FORM, KEY_FORM, SESSION_LIFE, Purchase
from chalicelib.errors import IdempotencyConflict, PaymentUnavailable, TryAgain
from infra.local import loopback
from infra.local.stripe_sandbox import StripeSandbox
from tests.adapters.samples import a_purchase, new_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass
class FixedResponse:
    """A Stripe API with one fixed response, which records the requests."""

    status: str = "200 OK"
    body: Any = None
    requests: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        form = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        self.requests.append((headers, dict(parse_qsl(form, strict_parsing=True))))
        start_response(self.status, [("Content-Type", "application/json"), ("Stripe-Should-Retry", "false")])
        return [self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()]


@contextmanager
def gateway_at(url: str) -> Iterator[StripeGateway]:
    gateway = StripeGateway(
        api_key=lambda: "sk_test_gateway",
        webhook_secrets=list,
        api_url=url,
        success_url="https://shop.example/thanks",
        cancel_url="https://shop.example/basket",
        on_rejected=lambda: None,
    )
    yield gateway
    gateway._http.close()  # type: ignore[no-untyped-call]  # Stripe leaves it so


@pytest.fixture
def stripe_api() -> FixedResponse:
    created = {"id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "unpaid"}
    return FixedResponse(
        body=created | {"created": 1_795_000_000, "currency": "eur", "url": "https://pay.example/cs_1"}
    )


@pytest.fixture
def gateway(stripe_api: FixedResponse) -> Iterator[StripeGateway]:
    with loopback.running(lambda _: stripe_api) as url, gateway_at(url) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def sandbox() -> Iterator[StripeSandbox]:
    with StripeSandbox.start(webhook_secret="whsec_unused") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox_gateway(sandbox: StripeSandbox) -> Iterator[StripeGateway]:
    sandbox.knobs.update({"lost_answers": 0, "down": False, "slow_seconds": 0})
    with gateway_at(sandbox.url) as gateway:
        yield gateway


def todays_purchase(**changes: Any) -> Purchase:
    """Build a purchase created now: Stripe opens no session whose expiry is in the past."""
    now = SystemClock().now()
    return a_purchase(purchase_id=new_id(now), created_at=now, **changes)


def test_open_session_sends_values_of_purchase_only(gateway: StripeGateway, stripe_api: FixedResponse) -> None:
    created_at = datetime(2026, 11, 22, 12, 0, 0, 999_000, UTC)
    purchase = a_purchase("|:@._-=", coins=1_234, amount_minor=999, currency="eur", created_at=created_at)
    gateway.open_session(purchase)

    ((_, form),) = stripe_api.requests

    metadata = {"purchase_id": purchase.purchase_id, "user_id": "|:@._-=", "coins": "1234"}
    assert form == {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "client_reference_id": purchase.purchase_id,
        **{f"metadata[{name}]": value for name, value in metadata.items()},
        **{f"payment_intent_data[metadata][{name}]": value for name, value in metadata.items()},
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "999",
        "line_items[0][price_data][tax_behavior]": "inclusive",
        "line_items[0][price_data][product_data][name]": "1234 coins",
        "adaptive_pricing[enabled]": "false",
        "expires_at": str(int(created_at.timestamp()) + 7_200),
        "success_url": f"https://shop.example/thanks?purchase={purchase.purchase_id}",
        "cancel_url": f"https://shop.example/basket?purchase={purchase.purchase_id}",
    }


def test_open_session_with_return_url_comes_back_there_with_the_purchase(
    gateway: StripeGateway, stripe_api: FixedResponse
) -> None:
    purchase = a_purchase()
    gateway.open_session(purchase, "https://live.example/stream?id=7&purchase=old#chat")

    ((_, form),) = stripe_api.requests
    paid = f"https://live.example/stream?id=7&purchase={purchase.purchase_id}"
    assert form["success_url"] == f"{paid}#chat"
    assert form["cancel_url"] == f"{paid}&canceled=1#chat"


def test_open_session_with_another_return_url_is_a_conflict(sandbox_gateway: StripeGateway) -> None:
    purchase = todays_purchase()
    there = "https://live.example/stream"
    assert sandbox_gateway.open_session(purchase, there) == sandbox_gateway.open_session(purchase, there)
    with pytest.raises(IdempotencyConflict):
        sandbox_gateway.open_session(purchase)


def test_open_session_repeat_sends_same_form_and_idempotency_key(
    gateway: StripeGateway, stripe_api: FixedResponse
) -> None:
    purchase = a_purchase("f" * 128)
    for _ in range(2):
        gateway.open_session(purchase)

    (first, form), (repeat, form_again) = stripe_api.requests
    assert form == form_again
    assert first["HTTP_IDEMPOTENCY_KEY"] == keys_of("checkout", "f" * 128, purchase.purchase_id, KEY_FORM)[0]
    assert first["HTTP_IDEMPOTENCY_KEY"] == repeat["HTTP_IDEMPOTENCY_KEY"]


def test_open_session_repeat_returns_same_session(sandbox_gateway: StripeGateway) -> None:
    purchase = todays_purchase()

    session = sandbox_gateway.open_session(purchase)

    assert session == sandbox_gateway.open_session(purchase)
    assert session.url is not None
    assert session.url.startswith("http")
    assert session.ref == PurchaseRef(purchase_id=purchase.purchase_id, user_id=purchase.user_id, coins=purchase.coins)
    assert (session.subtotal_minor, session.total_minor, session.currency) == (529, 529, "usd")
    assert (session.mode, session.payment_status, session.payment_intent) == ("payment", "unpaid", None)


def test_open_session_charges_what_was_quoted_whatever_the_dashboard_says(
    sandbox: StripeSandbox, sandbox_gateway: StripeGateway
) -> None:
    sandbox.knobs.update({"adaptive_pricing": True})
    former = todays_purchase(key_form=FORMER_KEY_FORM)
    opened = [sandbox_gateway.open_session(each) for each in (todays_purchase(), former)]
    sent = [sandbox.store.sessions[each.session_id].to_json()["adaptive_pricing"] for each in opened]
    assert sent == [{"enabled": False}, {"enabled": True}], "a former key keeps its parameters"


def test_read_session_is_the_present_one(sandbox_gateway: StripeGateway) -> None:
    opened = sandbox_gateway.open_session(todays_purchase())
    assert sandbox_gateway.read_session(opened.session_id) == opened
    assert sandbox_gateway.read_session("cs_test_gone") is None


@pytest.mark.parametrize("currency", ["jpy", "eur", "isk"])
def test_open_session_accepts_zero_and_two_decimal_currencies(sandbox_gateway: StripeGateway, currency: str) -> None:
    session = sandbox_gateway.open_session(todays_purchase(currency=currency, amount_minor=50_000))

    assert (session.currency, session.subtotal_minor) == (currency, 50_000)


def test_open_session_with_other_quote_is_a_conflict(sandbox_gateway: StripeGateway) -> None:
    purchase = todays_purchase()
    sandbox_gateway.open_session(purchase)

    with pytest.raises(IdempotencyConflict):
        sandbox_gateway.open_session(replace(purchase, amount_minor=530))


def test_open_session_with_lost_response_opens_one_session(
    sandbox: StripeSandbox, sandbox_gateway: StripeGateway
) -> None:
    purchase = todays_purchase()
    known = len(sandbox.store.sessions)
    sandbox.knobs.update({"lost_answers": 2})

    with pytest.raises(TryAgain):
        sandbox_gateway.open_session(purchase)

    assert sandbox_gateway.open_session(purchase) == sandbox_gateway.open_session(purchase)
    assert len(sandbox.store.sessions) == known + 1


def test_open_session_time_out_raises_try_again() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        gateway_at(f"http://127.0.0.1:{silent.getsockname()[1]}") as gateway,
    ):
        gateway._http = stripe.RequestsClient(timeout=(1, 0.05))
        with pytest.raises(TryAgain):
            gateway.open_session(a_purchase())


def test_open_session_refused_connection_raises_try_again() -> None:
    with gateway_at("http://127.0.0.1:1") as gateway, pytest.raises(TryAgain) as error_raised:
        gateway.open_session(a_purchase())
    assert error_raised.value.retry_after_seconds == 5


def test_session_life_is_within_stripes_limits() -> None:
    assert timedelta(minutes=30) < SESSION_LIFE < timedelta(hours=24), "Stripe takes no others"


def error(kind: str, **members: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "told by Stripe", **members}}


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        ("400 Bad Request", error("idempotency_error"), IdempotencyConflict),
        ("409 Conflict", error("invalid_request_error", code="idempotency_key_in_use"), TryAgain),
        ("409 Conflict", error("idempotency_error", code="idempotency_key_in_use"), TryAgain),
        ("429 Too Many Requests", error("invalid_request_error", code="rate_limit"), TryAgain),
        ("429 Too Many Requests", error("invalid_request_error", code="lock_timeout"), TryAgain),
        ("500 Internal Server Error", error("api_error"), TryAgain),
        ("502 Bad Gateway", b"<html>", TryAgain),
        ("503 Service Unavailable", error("api_error"), TryAgain),
        ("504 Gateway Timeout", b"", TryAgain),
        ("200 OK", b"<html>", TryAgain),
        ("400 Bad Request", error("invalid_request_error", param="line_items"), PaymentUnavailable),
        ("401 Unauthorized", error("invalid_request_error"), PaymentUnavailable),
        ("403 Forbidden", error("invalid_request_error"), PaymentUnavailable),
    ],
)
def test_open_session_maps_each_stripe_error(
    gateway: StripeGateway, stripe_api: FixedResponse, status: str, body: object, raised: type[Exception]
) -> None:
    stripe_api.status, stripe_api.body = status, body

    with pytest.raises(raised):
        gateway.open_session(a_purchase())
    assert len(stripe_api.requests) == 1 + status.startswith("5"), "a server error is asked again under its key"


def test_open_session_uses_current_api_key(stripe_api: FixedResponse) -> None:
    keys = ["sk_test_new", "sk_test_old"]
    next_key: Callable[[], str] = keys.pop
    with loopback.running(lambda _: stripe_api) as url, gateway_at(url) as gateway:
        gateway._api_key = next_key
        for _ in range(2):
            gateway.open_session(a_purchase())

    authorizations = [headers["HTTP_AUTHORIZATION"] for headers, _ in stripe_api.requests]
    assert authorizations == ["Bearer sk_test_old", "Bearer sk_test_new"]
