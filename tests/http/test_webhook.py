"""Stripe's webhook accepts only authentic bodies, byte for byte."""

from typing import Any

import pytest

from chalicelib.http.bodies import MAX_WEBHOOK_BYTES
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, Api, proxy_event
from tests.http.events import event_for, refused

KEY = uuid7_at(START, 7)


@pytest.mark.parametrize(
    "signature", [ABSENT, None, "", "forged", ["signed"], 7, "signed, signed", "t=1,v1=signed", "é", "x" * 100_000]
)
def test_webhook_with_an_invalid_signature_is_refused(api: Api, signature: Any) -> None:
    event = api.gateway.sign(event_for(api))
    with api.nothing_written():
        assert refused(api.tell(event, signature)) == (400, "not_authentic", None)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"event 1", "event 0 ".encode("utf-16")])
def test_webhook_with_altered_bytes_is_refused(api: Api, body: bytes) -> None:
    api.gateway.sign(event_for(api))
    with api.nothing_written():
        assert refused(api.tell(body, as_base64=True)) == (400, "not_authentic", None)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "*/*", ABSENT, None, ["application/json"]])
@pytest.mark.parametrize("as_base64", [False, True])
def test_webhook_ignores_its_content_type(api: Api, content_type: Any, as_base64: bool) -> None:
    event = api.gateway.sign(event_for(api))
    reply = api.tell(event, headers={"Content-Type": content_type}, as_base64=as_base64)
    assert (reply.status, reply.json) == (200, {"outcome": "credited"})


def test_webhook_with_bytes_that_are_no_text_is_unchanged(api: Api) -> None:
    raw = b"\xef\xbb\xbf\r\n\xff\x00"
    api.gateway.events[raw] = event_for(api)
    assert api.tell(raw, as_base64=True).json == {"outcome": "credited"}


@pytest.mark.parametrize(("body", "as_base64"), [("abc", True), ("é", True), ("half a \ud800", False)])
def test_webhook_with_an_unreadable_body_is_refused(api: Api, body: str, as_base64: bool) -> None:
    for url in ("/v1/webhooks/stripe", "/v1/gifts"):
        event = proxy_event("POST", url, key=KEY, headers={"Content-Type": "application/json"})
        with api.nothing_written():
            reply = api.pass_on(event | {"body": body, "isBase64Encoded": as_base64})
        assert refused(reply) == (400, "invalid_json", None)


@pytest.mark.parametrize("as_base64", [False, True])
def test_webhook_of_exactly_the_limit_is_accepted(api: Api, as_base64: bool) -> None:
    assert MAX_WEBHOOK_BYTES == 262_144
    api.gateway.events[b"x" * 262_144] = api.gateway.events[b"x" * 262_145] = event_for(api)
    with api.nothing_written():
        assert refused(api.tell(b"x" * 262_145, as_base64=as_base64)) == (413, "payload_too_large", None)
    assert api.tell(b"x" * 262_144, as_base64=as_base64).json == {"outcome": "credited"}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"livemode": True}, "other_mode"),
        ({"account": "acct_1"}, "other_account"),
        ({"type": "payment_intent.succeeded"}, "ignored"),
        ({"session": {"ref": None}}, "stranger"),
        ({"session": {"mode": "subscription"}}, "stranger"),
    ],
)
def test_webhook_of_an_unrelated_event_is_ignored(api: Api, changes: dict[str, Any], outcome: str) -> None:
    event = api.gateway.sign(event_for(api, **changes))
    with api.nothing_written():
        reply = api.tell(event)
    assert (reply.status, reply.json) == (200, {"outcome": outcome})


@pytest.mark.parametrize(
    "changes",
    [{"subtotal_minor": 73}, {"currency": "eur"}, {"total_minor": 1}, {"payment_status": "no_payment_required"}],
)
def test_webhook_of_a_mismatched_payment_files_a_review(api: Api, changes: dict[str, Any]) -> None:
    event = api.gateway.sign(event_for(api, session=changes))
    assert api.tell(event).json == {"outcome": "in_review"}
    assert (len(api.ledger.reviews), api.ledger.coins) == (1, {})
