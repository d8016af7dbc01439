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


def test_keys_are_fetched_when_the_first_token_comes(lab: Lab) -> None:
    assert lab.issuer.asked == []

    for _ in range(20):
        lab.verifier.verify(lab.issuer.sign(claims()))

    assert lab.issuer.asked == ["/keys"]


def test_keys_are_fetched_again_after_five_minutes(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))

    clock.shift(KEYS_SECONDS - 1)
    lab.verifier.verify(lab.issuer.sign(claims()))
    assert len(lab.issuer.asked) == 1

    clock.shift(2)
    lab.verifier.verify(lab.issuer.sign(claims()))
    assert len(lab.issuer.asked) == 2


def test_a_new_key_is_found_as_soon_as_the_floor_allows(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))
    lab.issuer.keys = make_keys()

    with pytest.raises(Unauthenticated):
        lab.verifier.verify(lab.issuer.sign(claims()))
    clock.shift(REFETCH_FLOOR_SECONDS + 1)

    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"


def test_a_key_that_was_withdrawn_ends_within_five_minutes(lab: Lab, clock: Clock) -> None:
    token = lab.issuer.sign(claims())
    lab.verifier.verify(token)
    lab.issuer.keys = make_keys()

    clock.shift(KEYS_SECONDS + 1)
    with pytest.raises(Unauthenticated):
        lab.verifier.verify(token)


def test_a_flood_of_unknown_keys_does_not_reach_the_issuer(lab: Lab, clock: Clock) -> None:
    for number in range(100):
        with pytest.raises(Unauthenticated):
            lab.verifier.verify(lab.issuer.sign(claims(), kid=f"unknown-{number}"))
        clock.shift(1)

    assert len(lab.issuer.asked) <= 1 + 100 // REFETCH_FLOOR_SECONDS


def test_garbage_does_not_make_the_keys_be_fetched(lab: Lab) -> None:
    for token in ("", "a.b.c", "x" * 9_000):
        with pytest.raises(Unauthenticated):
            lab.verifier.verify(token)

    assert lab.issuer.asked == []


@pytest.mark.parametrize("status", ["500 Internal Server Error", "404 Not Found", "302 Found", "204 No Content"])
def test_an_issuer_that_is_down_is_nobodys_fault(lab: Lab, status: str) -> None:
    lab.issuer.status = status
    lab.issuer.body = b""

    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims()))


def test_an_issuer_that_is_not_there_is_nobodys_fault(lab: Lab) -> None:
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
def test_keys_that_are_none_are_nobodys_fault(lab: Lab, body: bytes) -> None:
    lab.issuer.body = body

    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims()))


def test_a_short_outage_of_the_issuer_is_not_noticed(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))
    lab.issuer.status = "500 Internal Server Error"

    clock.shift(KEYS_SECONDS - 1)
    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"
    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims(), kid="unknown"))
    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"


def test_garbage_instead_of_new_keys_leaves_the_old_ones(lab: Lab, clock: Clock) -> None:
    lab.verifier.verify(lab.issuer.sign(claims()))
    clock.shift(REFETCH_FLOOR_SECONDS + 1)

    for body in (b"<html>", b"[]", b"{}"):
        lab.issuer.body = body
        with pytest.raises(TryAgain):
            lab.verifier.verify(lab.issuer.sign(claims(), kid="unknown"))
        assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"


def test_the_issuer_comes_back(lab: Lab) -> None:
    lab.issuer.body = b"<html>"
    with pytest.raises(TryAgain):
        lab.verifier.verify(lab.issuer.sign(claims()))
    lab.issuer.body = None

    assert lab.verifier.verify(lab.issuer.sign(claims())).user_id == "ann"
