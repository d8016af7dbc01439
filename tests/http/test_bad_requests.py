"""Invalid keys, paths, queries, headers and methods."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

import app
from chalicelib.http.routing import Operation
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, Api, proxy_event, routes
from tests.http.events import refused

DAY = timedelta(days=1)
KEY = uuid7_at(START, 7)
UUID4 = "b9e3b7a4-6c3e-4f0a-9d53-0f3c8f4f5a11"

NO_KEYS = {
    "none": ABSENT,
    "null": None,
    "a list": [KEY],
    "a number": 7,
    "empty": "",
    "uppercase": uuid7_at(START, 0xABCDEF).upper(),
    "a UUIDv4": UUID4,
    "a UUIDv7 of another variant": KEY[:19] + "c" + KEY[20:],
    "short": KEY[:-1],
    "long": KEY + "0",
    "bare": KEY.replace("-", ""),
    "in braces": "{" + KEY + "}",
    "a URN": "urn:uuid:" + KEY,
    "quoted": f'"{KEY}"',
    "with blanks": f" {KEY} ",
    "with a line break": KEY + "\n",
    "two": f"{KEY}, {KEY}",
    "with other digits": KEY.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}", 1),
    "with a separator": KEY[:-1] + "#",
    "endless": "0" * 100_000,
}

NO_IDS = [
    "x",
    "%00",
    "..",
    "%2e%2e%2f",
    "a%23b",
    UUID4,
    KEY.upper(),
    KEY + "%0a",
    KEY[:-1] + "é",
    "0" * 5000,
    " ",
    "null",
]

NO_CURSORS = {
    "a word": "newest",
    "an id as it is": KEY,
    "half of one": urlsafe_b64encode(KEY.encode()).decode()[:10],
    "a UUIDv4": urlsafe_b64encode(UUID4.encode()).decode(),
    "an uppercase id": urlsafe_b64encode(uuid7_at(START, 0xABC).upper().encode()).decode(),
    "two ids": urlsafe_b64encode(f"{KEY}{KEY}".encode()).decode(),
    "an id and a condition": urlsafe_b64encode(f"{KEY}' OR 1=1".encode()).decode(),
    "bytes": urlsafe_b64encode(b"\xff\x00" * 18).decode(),
    "not ASCII": quote("é" * 12),
}


TOLD = {
    "a UUIDv4": "UUID of version 4, and must be of version 7",
    "a UUIDv7 of another variant": "no UUID of RFC 9562",
    "uppercase": "in lowercase",
    "none": "Send an Idempotency-Key header",
    "short": "Send an Idempotency-Key header",
}
"""Part of the detail, by what is wrong with the key."""

# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("post", [Api.buy, Api.give], ids=["checkout", "gift"])
@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS)
def test_request_without_a_valid_key_writes_nothing(api: Api, post: Any, key: Any) -> None:
    api.fund()
    with api.nothing_written():
        assert refused(post(api, key=key)) == (400, "missing_idempotency_key", "Idempotency-Key")


@pytest.mark.parametrize("post", [Api.buy, Api.give], ids=["checkout", "gift"])
@pytest.mark.parametrize(
    "away", [-400 * DAY, -DAY - timedelta(milliseconds=1), DAY + timedelta(milliseconds=1), 9 * DAY]
)
def test_new_key_of_another_day_is_refused_with_the_time(api: Api, post: Any, away: timedelta) -> None:
    api.fund()
    with api.nothing_written():
        reply = post(api, key=uuid7_at(START + away, 1))
    assert refused(reply) == (422, "key_too_old", None)
    assert reply.json["server_time"] == "2026-11-22T12:00:00.000Z"


@pytest.mark.parametrize("post", [Api.buy, Api.give], ids=["checkout", "gift"])
@pytest.mark.parametrize("key", ["00000000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"])
def test_key_of_the_first_or_last_uuid_time_is_refused(api: Api, post: Any, key: str) -> None:
    assert refused(post(api, key=key)) == (422, "key_too_old", None)


@pytest.mark.parametrize("post", [Api.buy, Api.give], ids=["checkout", "gift"])
@pytest.mark.parametrize("away", [-DAY, DAY])
def test_key_within_a_day_is_accepted(api: Api, post: Any, away: timedelta) -> None:
    api.fund()
    assert post(api, key=uuid7_at(START + away, 1)).status == 201


def test_used_key_never_becomes_too_old(api: Api) -> None:
    api.fund()
    sent = api.give(KEY)
    api.clock.advance(400 * DAY)
    again = api.give(KEY)
    assert (again.status, again.json) == (200, sent.json)


# --- paths and queries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/gifts", "/v1/checkout-sessions"])
@pytest.mark.parametrize("odd", NO_IDS, ids=lambda text: ascii(text[:40]))
def test_malformed_id_is_not_found(api: Api, path: str, odd: str) -> None:
    api.fund()
    api.give(KEY)
    reply = api.get(f"{path}/{odd}")
    assert refused(reply) == (404, "not_found", None)


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "%2e%2e", "shop.html", "", "coin.svg%00", "prices.py"])
def test_unknown_asset_is_not_found(api: Api, name: str) -> None:
    event = proxy_event("GET", "/assets/coin.svg")
    assert refused(api.pass_on(event | {"pathParameters": {"name": name}})) == (404, "not_found", None)


@pytest.mark.parametrize(("limit", "shown"), [("1", 1), ("100", 100), ("099", 99), ("20", 20)])
def test_limit_from_1_to_100_is_accepted(api: Api, limit: str, shown: int) -> None:
    api.fund()
    for _ in range(101):
        api.give()
    assert len(api.get(f"/v1/wallet/entries?limit={limit}").json["entries"]) == shown


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1.0", "1e1", "%201", "%2B5", "0x5", "9" * 400, "%D9%A5"])
def test_limit_outside_1_to_100_is_refused(api: Api, limit: str) -> None:
    assert refused(api.get(f"/v1/wallet/entries?limit={limit}")) == (400, "invalid_field", "limit")


@pytest.mark.parametrize("cursor", NO_CURSORS.values(), ids=NO_CURSORS)
def test_cursor_of_unknown_origin_is_refused(api: Api, cursor: str) -> None:
    assert refused(api.get(f"/v1/wallet/entries?cursor={cursor}")) == (400, "invalid_field", "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [*[(f"currency={currency}", "currency") for currency in ("", "xxx", "USD", "us", "u%23d", "usd%20", "1")],
     *[(f"channel={channel}", "channel") for channel in ("", "moon", "WEB", "web%00")]],
)  # fmt: skip
def test_unknown_channel_or_currency_is_refused(api: Api, query: str, field: str) -> None:
    assert refused(api.get(f"/v1/bundles?{query}")) == (400, "invalid_field", field)
    page = api.get(f"/?{query}")
    assert (page.status, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert f"{field}: " in page.text


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/bundles", "currency"), ("/v1/bundles", "channel"),
     ("/v1/wallet/entries", "cursor"), ("/v1/wallet/entries", "limit")],
)  # fmt: skip
def test_overlong_query_is_refused(api: Api, path: str, field: str) -> None:
    assert refused(api.get(f"{path}?{field}={'a' * 100_000}")) == (400, "invalid_field", field)


def test_query_without_values_is_ignored(api: Api) -> None:
    event = proxy_event("GET", "/v1/bundles") | {"multiValueQueryStringParameters": {"currency": []}}
    assert api.pass_on(event).text == api.get("/v1/bundles").text


@pytest.mark.parametrize("operation", app.api.operations, ids=lambda found: f"{found.method} {found.path}")
def test_unknown_query_is_refused(api: Api, operation: Operation) -> None:
    url = operation.path.format(id=KEY, name="coin.svg")
    with api.nothing_written():
        reply = api.call(operation.method, f"{url}?utm_source={'x' * 999}", key=KEY, scope="operator creator")
    if operation.path.startswith("/v1/webhooks/") or not operation.path.startswith(("/v1/", "/.well-known/")):
        assert "unknown_query" not in reply.text
    else:
        assert refused(reply) == (400, "unknown_query", "utm_source")
        assert all(name in reply.json["rule"] for name in operation.query or ())


def test_unknown_query_is_shown_shortened(api: Api) -> None:
    reply = api.get(f"/v1/bundles?{'y' * 999}=1")
    assert (reply.json["field"], reply.json["rule"]) == ("y" * 64, "one of currency, channel")
    assert api.get("/v1/wallet?user_id=ben", fan=None).code == "unauthenticated"


def test_query_never_becomes_html(api: Api) -> None:
    hostile = quote('"><script>alert(1)</script>')
    assert "<script>alert" not in api.get(f"/?currency={hostile}&channel={hostile}").text


# --- headers ----------------------------------------------------------------------------------------------------------

ODD_VALUES: list[Any] = [None, ["text/html"], 7, {}, "", "a" * 100_000, "text/html\r\nSet-Cookie: a=b", "\x00", "é"]


@pytest.mark.parametrize("name", ["Accept", "If-None-Match", "User-Agent", "Origin", "X-Request-Id"])
@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: ascii(value)[:40])
def test_unusual_header_is_ignored(api: Api, name: str, value: Any) -> None:
    api.fund()
    body, headers = {"creator_id": "cleo", "item_id": "rose"}, {name: value}
    assert api.call("POST", "/v1/gifts", key=api.clock.new_id(), body=body, headers=headers).status == 201
    assert api.get("/v1/bundles", headers=headers) == api.get("/v1/bundles")


def test_request_without_headers_is_handled(api: Api) -> None:
    assert api.pass_on(proxy_event("GET", "/v1/health") | {"headers": None}).status == 200
    assert api.pass_on(proxy_event("GET", "/v1/wallet") | {"headers": None}).status == 401


# --- unknown methods and paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted({path for _, path in routes()}))
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_route_with_another_method_is_refused(api: Api, method: str, path: str) -> None:
    """API Gateway blocks these; if one arrives, Chalice refuses it."""
    served = app.app.routes[path]
    if method in served:
        return
    with api.nothing_written():
        reply = api.call(method, path.format(id=KEY, name="coin.svg"), key=KEY, body={"bundle_id": "coins_70"})
    assert (reply.status, reply.json["Code"]) == (405, "MethodNotAllowedError")
    assert reply.headers["allow"].split(", ") == list(served)


def test_unknown_path_reveals_nothing(api: Api) -> None:
    """API Gateway answers these itself; if one arrives, Chalice reports a wrong method."""
    event = proxy_event("GET", "/v1/wallet")
    event["requestContext"] |= {"resourcePath": "/v1/secret"}
    reply = api.pass_on(event)
    assert (reply.status, reply.json["Code"], reply.headers["allow"]) == (405, "MethodNotAllowedError", "")
