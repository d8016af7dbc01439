"""Invalid bodies are refused with a stable code and the field, and write nothing."""

import json
from typing import Any

import pytest

from chalicelib.http.bodies import MAX_BODY_BYTES
from chalicelib.http.strict_json import in_json_terms
from tests.http.api import ABSENT, Api, Reply

GIFT: dict[str, Any] = {"creator_id": "cleo", "item_id": "rose", "quantity": 1}
CHECKOUT = {"bundle_id": "coins_70"}
MEMBERSHIP = {"plan_id": "coin_club"}
VALID: dict[str, dict[str, Any]] = {
    "/v1/gifts": GIFT,
    "/v1/checkout-sessions": CHECKOUT,
    "/v1/memberships": MEMBERSHIP,
}
POSTS = list(VALID)

NO_JSON = {
    "nothing": b"",
    "blanks": b" \n\t",
    "null": b"null",
    "a list": b"[]",
    "a list of one": b'[{"creator_id":"cleo","item_id":"rose","bundle_id":"coins_70"}]',
    "a text": b'"rose"',
    "a number": b"7",
    "a form": b"bundle_id=coins_70&item_id=rose",
    "an open end": b"{",
    "single quotes": b"{'bundle_id':'coins_70'}",
    "a comma": b"{,}",
    "a comment": b"{/* */}",
    "deep nesting": b"[" * 8000 + b"]" * 8000,
}

BROKEN_AFTERWARDS = {
    "trailing garbage": lambda text: text + " x",
    "a second object": lambda text: text + "{}",
    "a NUL at the end": lambda text: text + "\x00",
    "a byte order mark": lambda text: "\ufeff" + text,
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "bytes that are no UTF-8": lambda text: text.encode().replace(b"o", b"\xff", 1),
    "half a character, escaped": lambda text: text.replace("o", "\\ud800", 1),
    "half a character, encoded": lambda text: text.encode().replace(b"o", b"\xed\xa0\x80", 1),
    "an overlong slash": lambda text: text.encode().replace(b"o", b"\xc0\xaf", 1),
    "a line break in a text": lambda text: text.replace("o", "\n", 1),
    "a name twice": lambda text: text[:-1] + ", " + text[1:],
    "a name twice, once escaped": lambda text: text[:-1] + ", " + text[1:].replace("id", "\\u0069d", 1),
    "a comma at the end": lambda text: text[:-1] + ",}",
    "a comment": lambda text: text[:-1] + "/* */}",
    "no end": lambda text: text[:-1],
}

GIFT_FIELDS: list[tuple[str, str]] = [
    *[("quantity", text) for text in ("1.0", "1.5", "1e0", "1e3", "-1", "0", "-0", "10000", "true", "null", '"1"')],
    *[("quantity", text) for text in (str(2**53), str(2**63), str(2**64), "9" * 5000, "1e400", "[1]", "{}")],
    *[("message", text) for text in ("[" * 8000 + "]" * 8000, '{"a":' * 1600 + "1" + "}" * 1600)],
    *[("item_id", text) for text in ("1", "null", '""', '"a b"', '"ro#se"', '"rosé"', '"a\\u0000"', f'"{"a" * 65}"')],
    *[("creator_id", text) for text in ("1", "null", '""', '"a#b"', '"a\\u0000b"', '"a/b"', '"clé"', '"a b"', '["c"]')],
    *[
        ("creator_id", text)
        for text in (f'"{"a" * 129}"', '"cleo\\n"', '"\\u202ecleo"', '"🎁"', '"cleo\\ud83c\\udf81"')
    ],
    *[("message", text) for text in ("1", "null", "[]", f'"{"a" * 401}"', f'"{"🎁" * 401}"')],
    *[("sender_name", text) for text in ("1", "null", "[]", f'"{"a" * 41}"', f'"{"🎁" * 13}"')],
    *[("kind", text) for text in ("1", "null", '""', '"raffle"', '"GIFT"')],
    *[("coins", text) for text in ("1", "1.0", "true", "null", '"1"', "-1", "1e3")],
    *[("streak_id", text) for text in ("1", "null", '"streak"', f'"{"0" * 36}"')],
    *[("anonymous", text) for text in ("0", "1", '"true"', "null")],
    *[("stream_id", text) for text in ("1", "null", '"a#b"', '"a b"', f'"{"a" * 65}"', "{}")],
]

CHECKOUT_FIELDS: list[tuple[str, str]] = [
    *[("bundle_id", text) for text in ("70", "null", '""', '"a#b"', '"coins 70"', "true", f'"{"a" * 65}"', '"münzen"')],
    *[("currency", text) for text in ("1", "null", '""', '"USD"', '"zzz"', '"usdt"', '"u$d"', '"\\u00fcsd"', '"u d"')],
    *[("channel", text) for text in ("1", "null", '""', '"moon"', '"WEB"', '["web"]')],
    *[("quantity", text) for text in ("0", "-1", "100", "1.5", '"1"', "null", "true", "1e30")],
    *[("coins", text) for text in ("1.5", '"70"', "null", "true")],
    ("bundle_id", '"coins_70", "coins": 70'),
]

NEVER_THE_CALLERS = ["price_coins", "price", "amount_minor", "balance", "role", "livemode", "status", "user_id",
                     "lane", "id", "event_id", "bonus_coins", "sequence", "frozen", "posted_at", "Quantity",
                     ""]  # fmt: skip


def post(api: Api, path: str, body: Any, **parts: Any) -> Reply:
    """Send a POST with enough coins and a valid key, and check that nothing is written."""
    api.fund()
    with api.nothing_written():
        return api.call("POST", path, body=body, key=api.clock.new_id(), **parts)


def with_field(fields: dict[str, Any], name: str, text: str) -> str:
    """Build a JSON object with one field written as `text`."""
    written = {field: json.dumps(value) for field, value in fields.items()} | {name: text}
    return "{" + ", ".join(f'"{field}": {value}' for field, value in written.items()) + "}"


def ascii_start(text: str) -> str:
    """Shorten the id of a case."""
    return ascii(text[:24])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_body_that_is_no_json_object_is_refused(api: Api, path: str, body: bytes) -> None:
    reply = post(api, path, body)
    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("path", POSTS)
def test_absent_body_is_refused(api: Api, path: str) -> None:
    reply = post(api, path, None, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("spoil", BROKEN_AFTERWARDS.values(), ids=BROKEN_AFTERWARDS)
def test_corrupted_json_is_refused(api: Api, path: str, spoil: Any) -> None:
    reply = post(api, path, spoil(json.dumps(VALID[path])), as_base64=True)
    assert (reply.status, reply.code) == (400, "invalid_json")


def test_body_with_a_number_json_lacks_is_refused(api: Api) -> None:
    for text in ("NaN", "Infinity", "-Infinity", "01", "+1", "1_000", "0x1", ".5", "1."):
        assert post(api, "/v1/gifts", with_field(GIFT, "quantity", text)).code == "invalid_json"


@pytest.mark.parametrize(("field", "text"), GIFT_FIELDS, ids=ascii_start)
def test_gift_with_an_invalid_field_names_it(api: Api, field: str, text: str) -> None:
    reply = post(api, "/v1/gifts", with_field(GIFT, field, text))
    assert (reply.status, reply.code, reply.json["field"]) == (400, "invalid_field", field)
    assert reply.json["rule"]


@pytest.mark.parametrize(("field", "text"), CHECKOUT_FIELDS, ids=ascii_start)
def test_checkout_with_an_invalid_field_names_it(api: Api, field: str, text: str) -> None:
    reply = post(api, "/v1/checkout-sessions", with_field(CHECKOUT, field, text))
    assert (reply.status, reply.code, reply.json["field"]) == (400, "invalid_field", field)
    assert reply.json["rule"]


@pytest.mark.parametrize("quantity", [1, 9999])
def test_gift_of_the_least_and_largest_quantity_is_sent(api: Api, quantity: int) -> None:
    api.fund(coins=9999)
    assert api.give(quantity=quantity).json["coins"] == quantity


def test_gift_with_the_longest_message_is_sent(api: Api) -> None:
    api.fund()
    assert [api.give(message=text).status for text in ("a" * 200, "")] == [201, 201]


def test_gift_with_empty_fields_is_sent_without_them(api: Api) -> None:
    api.fund()
    empty = {"sender_name": "", "stream_id": "", "streak_id": ""}
    sent = api.give(**empty)
    assert (sent.status, [sent.json[field] for field in empty]) == (201, [None, None, None])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("field", NEVER_THE_CALLERS)
def test_unknown_field_is_refused(api: Api, path: str, field: str) -> None:
    reply = post(api, path, VALID[path] | {field: 1})
    assert (reply.status, reply.code, reply.json["field"]) == (400, "unknown_field", field)


def test_long_unknown_field_is_shortened(api: Api) -> None:
    reply = post(api, "/v1/gifts", GIFT | {"x" * 5000: 1})
    assert (reply.code, reply.json["field"]) == ("unknown_field", "x" * 64)


@pytest.mark.parametrize(
    ("path", "field", "rule"),
    [
        ("/v1/gifts", "creator_id", "required"),
        ("/v1/checkout-sessions", "bundle_id", "exactly one of bundle_id and coins"),
    ],
)
def test_missing_field_is_named(api: Api, path: str, field: str, rule: str) -> None:
    reply = post(api, path, {name: value for name, value in VALID[path].items() if name != field})
    assert (reply.code, reply.json["field"], reply.json["rule"]) == ("invalid_field", field, rule)


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("quantity", '"7"', "expected a whole number, got a text"),
        ("quantity", "1.5", "expected a whole number, got a decimal number"),
        ("quantity", "null", "expected a whole number, got null"),
        ("message", "[]", "expected a text, got a list"),
        ("anonymous", "{}", "expected true or false, got an object"),
        ("sender_name", "true", "expected a text, got true or false"),
    ],
)
def test_rule_of_a_type_is_in_plain_terms(api: Api, field: str, text: str, rule: str) -> None:
    assert post(api, "/v1/gifts", with_field(GIFT, field, text)).json["rule"] == rule


def test_in_json_terms_names_null() -> None:
    assert in_json_terms("Expected `int | null`, got `str`") == "Expected a whole number or null, got a text"


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "wish", "status", "code"),
    [
        ("/v1/checkout-sessions", {"bundle_id": "coins_71"}, 422, "unknown_bundle"),
        ("/v1/checkout-sessions", {"bundle_id": "coins_70", "currency": "chf"}, 422, "unknown_bundle"),
        ("/v1/checkout-sessions", {"bundle_id": "coins_70", "currency": "krw"}, 422, "unknown_bundle"),
        ("/v1/checkout-sessions", {"bundle_id": "coins_70", "channel": "in_app"}, 422, "unknown_bundle"),
        ("/v1/checkout-sessions", {"bundle_id": "custom"}, 422, "unknown_bundle"),
        ("/v1/checkout-sessions", {"bundle_id": "coins_71", "quantity": 2}, 422, "unknown_bundle"),
        ("/v1/checkout-sessions", {"bundle_id": "coins_8500", "quantity": 99}, 422, "coins_not_for_sale"),
        ("/v1/checkout-sessions", {"coins": 69}, 422, "coins_not_for_sale"),
        ("/v1/checkout-sessions", {"coins": 200_001}, 422, "coins_not_for_sale"),
        ("/v1/gifts", GIFT | {"item_id": "moon"}, 422, "unknown_item"),
        ("/v1/gifts", GIFT | {"item_id": "Rose"}, 422, "unknown_item"),
        ("/v1/gifts", GIFT | {"creator_id": "ann"}, 422, "self_gift"),
        ("/v1/gifts", GIFT | {"item_id": "rocket"}, 402, "insufficient_coins"),
        ("/v1/gifts", GIFT | {"quantity": 1001}, 402, "insufficient_coins"),
    ],
)
def test_refused_request_writes_nothing(api: Api, path: str, wish: Any, status: int, code: str) -> None:
    reply = post(api, path, wish)
    assert (reply.status, reply.code) == (status, code)


def test_gift_without_enough_coins_returns_the_coins_needed(api: Api) -> None:
    api.fund(coins=34)
    refused = api.give(item_id="cake").json
    assert (refused["coins"], refused["needed"]) == (34, 35)


def test_gift_from_a_frozen_wallet_is_refused(api: Api) -> None:
    api.ledger.frozen.add("ann")
    reply = post(api, "/v1/gifts", GIFT)
    assert (reply.status, reply.code) == (403, "wallet_frozen")


# --- types and sizes --------------------------------------------------------------------------------------------------

JSON_BY_NAME = ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;q=1"]
NOT_JSON = ["text/plain", "text/plain; application/json", "*/*", "", ABSENT, None, ["application/json"],
            "application/jsonp", "application/json, text/plain", "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json", "application/merge-patch+json"]  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content_type", JSON_BY_NAME)
def test_content_type_of_json_is_accepted(api: Api, path: str, content_type: str) -> None:
    api.fund()
    body, key = VALID[path], api.clock.new_id()
    assert api.call("POST", path, body=body, key=key, headers={"Content-Type": content_type}).status == 201


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content_type", NOT_JSON)
def test_content_type_other_than_json_is_refused(api: Api, path: str, content_type: Any) -> None:
    reply = post(api, path, VALID[path], headers={"Content-Type": content_type})
    assert (reply.status, reply.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("as_base64", [False, True])
def test_body_of_exactly_the_limit_is_accepted(api: Api, path: str, as_base64: bool) -> None:
    api.fund()
    body = json.dumps(VALID[path]).ljust(MAX_BODY_BYTES)
    assert len(body) == 16_384
    assert api.call("POST", path, body=body, key=api.clock.new_id(), as_base64=as_base64).status == 201


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("as_base64", [False, True])
@pytest.mark.parametrize("more", [1, 1_000_000])
def test_body_beyond_the_limit_is_refused(api: Api, path: str, as_base64: bool, more: int) -> None:
    body = json.dumps(VALID[path]).ljust(MAX_BODY_BYTES + more)
    reply = post(api, path, body, as_base64=as_base64)
    assert (reply.status, reply.code) == (413, "payload_too_large")


def test_body_limit_counts_bytes(api: Api) -> None:
    assert post(api, "/v1/gifts", with_field(GIFT, "message", '"' + "é" * 8200 + '"')).code == "payload_too_large"
