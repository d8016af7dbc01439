"""Failures behind the API: the caller's response, and logs and metrics without secrets."""

import json
from typing import Any

import pytest

from chalicelib.errors import PaymentUnavailable, TryAgain
from tests.fakes import START, FakeLedger, uuid7_at
from tests.http.api import REQUEST_ID, Api, Reply, routes
from tests.http.broken import Broken
from tests.http.events import counters, event_for, event_of

ID = uuid7_at(START, 7)
CANARY = "canary-4f1c2b"

NEEDS_THE_LEDGER = [
    ("POST", "/v1/checkout-sessions"),
    ("GET", "/v1/checkout-sessions/{id}"),
    ("POST", "/v1/webhooks/stripe"),
    ("GET", "/v1/wallet"),
    ("GET", "/v1/wallet/entries"),
    ("POST", "/v1/gifts"),
    ("GET", "/v1/gifts/{id}"),
]
NEEDS_THE_MEMBERSHIPS = [
    ("POST", "/v1/memberships"),
    ("GET", "/v1/membership"),
    ("POST", "/v1/membership/portal-sessions"),
]
NEEDS_THE_GATEWAY = [("POST", "/v1/checkout-sessions"), ("POST", "/v1/webhooks/stripe")]
NEEDS_THE_CATALOGUE = [
    ("GET", "/v1/bundles"),
    ("GET", "/v1/gift-catalogue"),
    ("GET", "/v1/membership-plans"),
    ("GET", "/"),
    ("POST", "/v1/checkout-sessions"),
    ("POST", "/v1/gifts"),
    ("POST", "/v1/memberships"),
]
MAY_PASS = [
    *[("ledger", *route) for route in NEEDS_THE_LEDGER],
    *[("gateway", *route) for route in NEEDS_THE_GATEWAY],
    *[("memberships", *route) for route in NEEDS_THE_MEMBERSHIPS],
    ("subscriptions", "POST", "/v1/memberships"),
]
BREAKS = [
    *MAY_PASS,
    *[("catalogue", *route) for route in NEEDS_THE_CATALOGUE],
    *[("tokens", "GET", "/v1/wallet"), ("settings", "GET", "/v1/health"), ("clock", "POST", "/v1/gifts")],
]


def ask(api: Api, method: str, path: str) -> Reply:
    """Build a complete request."""
    bodies: dict[str, Any] = {
        "/v1/gifts": {"creator_id": "cleo", "item_id": "rose"},
        "/v1/checkout-sessions": {"bundle_id": "coins_70"},
        "/v1/memberships": {"plan_id": "coin_club"},
        "/v1/webhooks/stripe": "event 0",
    }
    signed = {"Stripe-Signature": "signed"}
    return api.call(method, path.format(id=ID), body=bodies.get(path), key=ID, headers=signed)


def broken(api: Api, port: str, error: Exception) -> Api:
    """Call the API after a failure behind it."""
    api.fund()
    api.gateway.sign(event_for(api))
    api.ports[port] = Broken(error)
    return api


# --- responses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("port", "method", "path"), MAY_PASS)
@pytest.mark.parametrize("seconds", [1, 5])
def test_transient_failure_gets_try_again(api: Api, port: str, method: str, path: str, seconds: int) -> None:
    reply = ask(broken(api, port, TryAgain("Busy.", retry_after_seconds=seconds)), method, path)
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "try_again", str(seconds))
    assert reply.json["retry_after_seconds"] == seconds
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.untraced
@pytest.mark.parametrize(("port", "method", "path"), BREAKS)
@pytest.mark.parametrize("error", [RuntimeError(CANARY), KeyError(CANARY), RecursionError(CANARY), AssertionError()])
def test_unforeseen_error_is_a_problem_without_details(
    api: Api, port: str, method: str, path: str, error: Exception
) -> None:
    reply = ask(broken(api, port, error), method, path)
    assert reply.status == 500
    if path == "/":
        assert reply.headers["content-type"].startswith("text/html")
    else:
        assert reply.code == "internal_error"
        assert reply.json.keys() == {"type", "title", "status", "detail", "code", "request_id"}
    for telling in (CANARY, "Traceback", "Error(", ".py"):
        assert telling not in reply.text


def test_problem_has_the_members_of_rfc_9457(api: Api) -> None:
    reply = api.give(item_id="rose")
    assert reply.json == {
        "type": "urn:coinpurse:problem:insufficient_coins",
        "title": "Not enough coins",
        "status": 402,
        "detail": "The gift costs 1 coins.",
        "code": "insufficient_coins",
        "request_id": REQUEST_ID,
        "coins": 0,
        "needed": 1,
    }
    assert reply.headers == {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": REQUEST_ID,
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "Idempotent-Replayed, Retry-After, X-Request-Id, ETag",
    }


def test_checkout_without_a_session_is_opened_by_a_repeat(api: Api) -> None:
    gateway, api.ports["gateway"] = api.ports["gateway"], Broken(TryAgain())
    assert api.buy(ID).status == 503
    api.ports["gateway"] = gateway
    again = api.buy(ID)
    assert (again.status, again.json["url"]) == (200, f"https://pay.example/{ID}")


def test_checkout_that_the_provider_refuses_for_good_is_unavailable(api: Api) -> None:
    api.ports["gateway"] = Broken(PaymentUnavailable())
    for _ in range(2):
        reply = api.buy(ID)
        assert (reply.status, reply.code) == (422, "payment_unavailable")
    assert api.get(f"/v1/checkout-sessions/{ID}").json["status"] == "failed"


def test_gift_without_a_response_is_found_by_a_repeat(api: Api) -> None:
    class LosesItsResponse(FakeLedger):
        def post_gift(self, gift: Any, change: Any = None, ended: Any = None) -> Any:
            super().post_gift(gift, change, ended)
            raise TryAgain

    api.fund()
    api.ports["ledger"] = losing = LosesItsResponse()
    losing.coins, losing.entries = api.ledger.coins, api.ledger.entries
    assert api.give(ID).status == 503
    api.ports["ledger"] = api.ledger
    assert (api.give(ID).status, api.ledger.coins["ann"]) == (200, 999)


# --- logs and metrics -------------------------------------------------------------------------------------------------


def test_unforeseen_error_is_logged_once_and_counted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    ask(broken(api, "ledger", RuntimeError("the disk is full")), "GET", "/v1/wallet")
    [error] = [line for line in api.logs() if line["level"] == "ERROR"]
    assert (error["message"], error["path"], error["request_id"]) == ("unforeseen", "/v1/wallet", REQUEST_ID)
    assert "the disk is full" in error["exception"]
    assert counters(capsys) == {"Unforeseen": 1}


def test_refusal_is_one_log_line_with_fields(api: Api) -> None:
    api.give(item_id="moon")
    [line] = api.logs()
    expected = {"level": "INFO", "message": "refused", "code": "unknown_item", "status": 422, "path": "/v1/gifts"}
    assert line.items() >= (expected | {"request_id": REQUEST_ID, "service": "coinpurse"}).items()


def test_success_is_one_log_line(api: Api) -> None:
    api.fund()
    for path in ("/v1/wallet", "/v1/bundles", "/"):
        api.get(path)
    api.give()
    assert api.logs() == []
    assert len(api.answers()) == 4


@pytest.mark.parametrize(
    ("changes", "counter"),
    [
        ({}, "WebhookCredited"),
        ({"session": {"subtotal_minor": 1}}, "PaymentInReview"),
        ({"session": {"payment_status": "unpaid"}}, "WebhookProcessing"),
        ({"session": {"ref": None}}, "WebhookStranger"),
        ({"livemode": True}, "WebhookOtherMode"),
        ({"account": "acct_1"}, "WebhookOtherAccount"),
        ({"type": "payment_intent.succeeded"}, "WebhookIgnored"),
        ({"type": "checkout.session.expired"}, "WebhookExpired"),
        ({"type": "checkout.session.async_payment_failed"}, "WebhookFailed"),
    ],
)
def test_webhook_outcome_is_counted(
    api: Api, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], counter: str
) -> None:
    api.tell(api.gateway.sign(event_for(api, **changes)))
    assert counters(capsys) == {counter: 1}


def test_request_writes_its_own_counters(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    event = api.gateway.sign(event_for(api))
    for counter in ("WebhookCredited", "WebhookRepeated", "WebhookRepeated"):
        api.tell(event)
        assert counters(capsys) == {counter: 1}


def test_late_failure_is_counted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    purchase_id = api.buy().json["id"]
    api.tell(api.gateway.sign(event_of(api, purchase_id)))
    api.tell(api.gateway.sign(event_of(api, purchase_id, type="checkout.session.async_payment_failed")))
    assert list(counters(capsys)) == ["WebhookCredited", "LateFailure"]


# --- secrets ----------------------------------------------------------------------------------------------------------

EMAIL = f"{CANARY}@example.com"
HEADERS = dict.fromkeys(("Cookie", "User-Agent", "Referer", "X-Forwarded-For", "If-None-Match", "Accept"), CANARY)
WISHES: list[dict[str, Any]] = [
    {"creator_id": "cleo", "item_id": "rose", "message": CANARY},
    {"creator_id": EMAIL, "item_id": "rose", "stream_id": CANARY},
    {"creator_id": "cleo", "item_id": CANARY},
    {"creator_id": f"#{CANARY}", "item_id": "rose"},
    {"creator_id": "cleo", "item_id": "rose", "message": f"\n{CANARY}"},
    {"creator_id": "cleo", "item_id": "rose", "quantity": CANARY},
    {"creator_id": "cleo", "item_id": "rose", CANARY: 1},
    {"bundle_id": CANARY},
    {"bundle_id": "coins_70", "currency": CANARY},
    {"bundle_id": "coins_70", "channel": CANARY},
]


def written(api: Api, capsys: pytest.CaptureFixture[str]) -> str:
    """Collect everything that the function wrote."""
    printed = capsys.readouterr()
    return api.logged.getvalue() + printed.out + printed.err


@pytest.mark.parametrize("path", ["/v1/gifts", "/v1/checkout-sessions"])
@pytest.mark.parametrize("fan", [EMAIL, None])
@pytest.mark.parametrize("wish", WISHES)
def test_fan_input_is_not_logged(
    api: Api, capsys: pytest.CaptureFixture[str], path: str, fan: str | None, wish: dict[str, Any]
) -> None:
    api.fund(EMAIL)
    for body in (wish, json.dumps(wish) + CANARY):
        for key in (ID, CANARY):
            api.call("POST", path, fan=fan, key=key, body=body, headers=HEADERS)
    assert CANARY not in written(api, capsys)


@pytest.mark.parametrize(("method", "path"), routes())
def test_request_content_is_not_logged_or_returned(
    api: Api, capsys: pytest.CaptureFixture[str], method: str, path: str
) -> None:
    query = f"?limit={CANARY}&cursor={CANARY}&x={CANARY}"
    sent = {**HEADERS, "Authorization": f"Bearer {CANARY}", "Stripe-Signature": CANARY}
    url = path.format(id=CANARY, name=CANARY) + query
    replies = [
        api.call(method, url, fan=None, key=CANARY, body=CANARY, headers=sent),
        api.call(method, url, fan="ann", key=CANARY, body={"message": CANARY}, headers=HEADERS),
    ]
    assert CANARY not in written(api, capsys)
    for reply in replies:
        assert CANARY not in reply.text
        assert CANARY not in str(reply.headers)


def test_message_is_returned_to_its_sender_only(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.fund()
    assert api.give(ID, message=CANARY).json["message"] == CANARY
    assert CANARY not in api.get(f"/v1/gifts/{ID}", fan="ben").text
    assert CANARY not in api.get("/v1/wallet/entries").text
    assert CANARY not in written(api, capsys)


def test_unforeseen_error_is_logged_without_the_request(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    broken(api, "ledger", RuntimeError("the disk is full"))
    api.give(fan=EMAIL, message=CANARY, creator_id=EMAIL)
    api.tell(b"event 0", headers=HEADERS)
    assert CANARY not in written(api, capsys)
