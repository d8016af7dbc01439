"""Fetching and caching of the issuer's key set."""

import time
from collections.abc import Iterator

import pytest

from chalicelib.adapters.tokens import KEYS_SECONDS, REFETCH_FLOOR_SECONDS, JwtVerifier
from chalicelib.errors import TryAgain, Unauthenticated
from infra.local.token_issuer import make_keys
from tests.adapters.tokens_lab import AUDIENCE, ISSUER, Lab, claims, open_lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


class Clock:
    """A monotonic clock that tests can move forward."""

    def __init__(self) -> None:
        self._monotonic = time.monotonic
        self._shifted = 0.0

    def __call__(self) -> float:
        return self._monotonic() + self._shifted

    def shift(self, seconds: float) -> None:
        self._shifted += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_verify_fetches_keys_with_first_token(lab: Lab) -> None:
    assert lab.issuer.requests == []

    for _ in range(20):
        lab.verifier.verify(lab.issuer.sign(claims()))

    assert lab.issuer.requests == ["/keys"]


def test_verify_fetches_keys_again_after_five_minutes(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))

    clock.shift(KEYS_SECONDS - 1)
    lab.verifier.verify(lab.issuer.sign(claims()))
    assert len(lab.issuer.requests) == 1

    clock.shift(2)
    lab.verifier.verify(lab.issuer.sign(claims()))
    assert len(lab.issuer.requests) == 2


def test_verify_accepts_new_key_after_refetch_floor(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))
    lab.issuer.keys = make_keys()

    with pytest.raises(Unauthenticated):
        lab.verifier.verify(lab.issuer.sign(claims()))
    clock.shift(REFETCH_FLOOR_SECONDS + 1)

    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"


def test_verify_rejects_withdrawn_key_after_five_minutes(lab: Lab, clock: Clock) -> None:
    token = lab.issuer.sign(claims())
    lab.verifier.verify(token)
    lab.issuer.keys = make_keys()

    clock.shift(KEYS_SECONDS + 1)
    with pytest.raises(Unauthenticated):
        lab.verifier.verify(token)


def test_verify_unknown_keys_do_not_flood_the_issuer(lab: Lab, clock: Clock) -> None:
    for number in range(100):
        with pytest.raises(Unauthenticated):
            lab.verifier.verify(lab.issuer.sign(claims(), kid=f"unknown-{number}"))
        clock.shift(1)

    assert len(lab.issuer.requests) <= 1 + 100 // REFETCH_FLOOR_SECONDS


def test_verify_malformed_token_does_not_fetch_keys(lab: Lab) -> None:
    for token in ("", "a.b.c", "x" * 9_000):
        with pytest.raises(Unauthenticated):
            lab.verifier.verify(token)

    assert lab.issuer.requests == []


@pytest.mark.parametrize("status", ["500 Internal Server Error", "404 Not Found", "302 Found", "204 No Content"])
def test_verify_issuer_outage_raises_try_again(lab: Lab, status: str) -> None:
    lab.issuer.status = status
    lab.issuer.body = b""

    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims()))


def test_verify_unreachable_issuer_raises_try_again(lab: Lab) -> None:
    verifier = JwtVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_url="http://127.0.0.1:1/keys")

    with pytest.raises(TryAgain):
        verifier.verify(lab.issuer.sign(claims()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"keys": null}',
        b'{"keys": []}',
        b'{"keys": {}}',
        b'{"keys": "RS256"}',
        b'{"keys": [null]}',
        b'{"keys": [{"kty": "RSA"}]}',
        b"[" * 100_000,
    ],
)
def test_verify_malformed_key_set_raises_try_again(lab: Lab, body: bytes) -> None:
    lab.issuer.body = body

    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims()))


def test_verify_known_keys_survive_issuer_outage(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))
    lab.issuer.status = "500 Internal Server Error"

    clock.shift(KEYS_SECONDS - 1)
    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"
    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims(), kid="unknown"))
    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"


def test_verify_malformed_key_set_keeps_old_keys(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))
    clock.shift(REFETCH_FLOOR_SECONDS + 1)

    for body in (b"<html>", b"[]", b"{}"):
        lab.issuer.body = body
        with pytest.raises(TryAgain):
            lab.verifier.verify(lab.issuer.sign(claims(), kid="unknown"))
        assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"


def test_verify_recovers_after_malformed_key_set(lab: Lab) -> None:
    lab.issuer.body = b"<html>"
    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims()))
    lab.issuer.body = None

    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"
