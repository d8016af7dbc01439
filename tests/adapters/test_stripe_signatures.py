"""Signatures of Stripe's webhooks."""

import json
from datetime import timedelta

import pytest
from stripe import WebhookSignature

from chalicelib.errors import NotAuthentic
from tests.adapters.webhooks_lab import BODY, NOW, OLD_SECRET, SECRET, an_event, gateway, read, sign
from tests.fakes import START


def test_stripes_own_signature_is_taken() -> None:
    header = WebhookSignature.generate_signature_header(BODY.decode(), SECRET, NOW)

    assert read(BODY, header).stripe_event_id == "evt_1"


@pytest.mark.parametrize("text", ["é", "日本語 🎉", "\u2028", "e\u0301"])
def test_bytes_are_verified_as_they_came(text: str) -> None:
    body = json.dumps(an_event(note=text), ensure_ascii=False, indent=2).encode()

    assert read(body).stripe_event_id == "evt_1"


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_a_signature_is_good_for_five_minutes(seconds: int) -> None:
    assert read(BODY, sign(BODY, NOW + seconds)).stripe_event_id == "evt_1"


@pytest.mark.parametrize(
    "at", [NOW - 301, NOW + 301, 0, 1, NOW - 10**8, NOW + 10**9, 253_402_300_800, 999_999_999_999, 10**15]
)
def test_no_other_time_is_good(at: int) -> None:
    with pytest.raises(NotAuthentic):
        read(BODY, sign(BODY, at))


def test_five_minutes_are_counted_to_the_millisecond() -> None:
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
def test_secrets_can_be_rotated(header: str, secrets: list[str]) -> None:
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
def test_no_other_signature_is_taken(header: str) -> None:
    with pytest.raises(NotAuthentic):
        read(BODY, header)


def test_a_dropped_secret_is_worth_nothing() -> None:
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


def test_no_bit_of_a_body_can_be_flipped() -> None:
    signature, one = sign(BODY), gateway()
    assert len(flips(BODY)) > 4_000
    for flipped in flips(BODY):
        with pytest.raises(NotAuthentic):
            one.read_event(flipped, signature, START)


def test_no_bit_of_a_signature_can_be_flipped() -> None:
    one = gateway()
    for flipped in flips(sign(BODY).encode()):
        with pytest.raises(NotAuthentic):
            one.read_event(BODY, flipped.decode("latin-1"), START)
