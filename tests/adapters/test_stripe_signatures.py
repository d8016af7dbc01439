"""Signatures of Stripe's webhooks."""

import json
from datetime import timedelta

import pytest
from stripe import WebhookSignature

from chalicelib.errors import NotAuthentic
from tests.adapters.webhooks_lab import BODY, NOW, OLD_SECRET, SECRET, an_event, gateway, read, sign
from tests.fakes import START


def test_read_event_accepts_signature_of_stripes_client() -> None:
    header = WebhookSignature.generate_signature_header(BODY.decode(), SECRET, NOW)

    assert read(BODY, header).stripe_event_id == "evt_1"


@pytest.mark.parametrize("text", ["é", "日本語 🎉", "\u2028", "e\u0301"])
def test_read_event_verifies_the_raw_bytes(text: str) -> None:
    body = json.dumps(an_event(note=text), ensure_ascii=False, indent=2).encode()

    assert read(body).stripe_event_id == "evt_1"


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_read_event_accepts_signature_within_five_minutes(seconds: int) -> None:
    assert read(BODY, sign(BODY, NOW + seconds)).stripe_event_id == "evt_1"


@pytest.mark.parametrize(
    "at", [NOW - 301, NOW + 301, 0, 1, NOW - 10**8, NOW + 10**9, 253_402_300_800, 999_999_999_999, 10**15]
)
def test_read_event_rejects_signature_of_other_times(at: int) -> None:
    with pytest.raises(NotAuthentic):
        read(BODY, sign(BODY, at))


def test_read_event_rejects_signature_one_millisecond_late() -> None:
    with pytest.raises(NotAuthentic):
        read(BODY, sign(BODY), now=START + timedelta(seconds=300, milliseconds=1))


DIGEST = sign(BODY).partition(",v1=")[2]
OTHER = "0" * 64
BOTH_SECRETS = f"{sign(BODY)},v1={sign(BODY, secret=OLD_SECRET).partition(',v1=')[2]}"


@pytest.mark.parametrize(
    ("header", "secrets"),
    [
        (sign(BODY), [SECRET]),
        (sign(BODY), [OLD_SECRET, SECRET]),
        (sign(BODY), [SECRET, OLD_SECRET]),
        (sign(BODY, secret=OLD_SECRET), [SECRET, OLD_SECRET]),
        (BOTH_SECRETS, [SECRET]),
        (BOTH_SECRETS, [OLD_SECRET]),
        (f"t={NOW},v1={OTHER},v1={DIGEST}", [SECRET]),
        (f"t={NOW},v1={DIGEST},v0={OTHER}", [SECRET]),
    ],
)
def test_read_event_accepts_any_current_secret(header: str, secrets: list[str]) -> None:
    assert read(BODY, header, *secrets).stripe_event_id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        "=",
        ",",
        f"t={NOW}",
        f"t={NOW},",
        f"v1={DIGEST}",
        f"t=,v1={DIGEST}",
        f"t=now,v1={DIGEST}",
        f"t=-{NOW},v1={DIGEST}",
        f"t={NOW}.0,v1={DIGEST}",
        f"t= {NOW},v1={DIGEST}",
        f"t={NOW},v1={DIGEST}\n",
        f" t={NOW},v1={DIGEST}",
        f"t={NOW}, v1={DIGEST}",
        f"t={NOW},v1={DIGEST},",
        f"t={NOW};v1={DIGEST}",
        f"t={NOW},v1=",
        f"t={NOW},v1={OTHER}",
        f"t={NOW},v1={DIGEST[:-1]}",
        f"t={NOW},v1={DIGEST}0",
        f"t={NOW},v1={DIGEST.upper()}",
        f"t={NOW},v0={DIGEST}",
        f"t={NOW},v2={DIGEST}",
        f"t={NOW},V1={DIGEST}",
        f"t={NOW},v1={DIGEST},t={NOW}",
        f"t={NOW - 10_000},t={NOW},v1={DIGEST}",
        f"t={NOW},t={NOW - 10_000},v1={DIGEST}",
        f"t={NOW},v1={DIGEST[:-1]}é",
        f"t={NOW},v1={DIGEST[:-1]}\ud800",
        f"t=\u0661{str(NOW)[1:]},v1={DIGEST}",
        f"t={NOW}," + ",".join([f"v1={OTHER}"] * 17) + f",v1={DIGEST}",
        "t=" + "9" * 100_000,
        sign(BODY, secret=OLD_SECRET),
        sign(BODY, secret=""),
        sign(BODY + b" "),
        sign(b""),
    ],
)
def test_read_event_rejects_malformed_and_wrong_signatures(header: str) -> None:
    with pytest.raises(NotAuthentic):
        read(BODY, header)


def test_read_event_rejects_removed_secret() -> None:
    assert read(BODY, sign(BODY, secret=OLD_SECRET), SECRET, OLD_SECRET).stripe_event_id == "evt_1"
    with pytest.raises(NotAuthentic):
        read(BODY, sign(BODY, secret=OLD_SECRET), SECRET)


def flips(text: bytes) -> list[bytes]:
    """Return the copies of the bytes that differ in exactly one bit."""
    return [
        text[:place] + bytes([text[place] ^ 1 << bit]) + text[place + 1 :]
        for place in range(len(text))
        for bit in range(8)
    ]


def test_read_event_rejects_body_with_any_bit_flipped() -> None:
    signature, stripe_gateway = sign(BODY), gateway()
    assert len(flips(BODY)) > 4_000
    for flipped in flips(BODY):
        with pytest.raises(NotAuthentic):
            stripe_gateway.read_event(flipped, signature, START)


def test_read_event_rejects_signature_with_any_bit_flipped() -> None:
    stripe_gateway = gateway()
    for flipped in flips(sign(BODY).encode()):
        with pytest.raises(NotAuthentic):
            stripe_gateway.read_event(BODY, flipped.decode("latin-1"), START)
