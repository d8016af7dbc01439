"""The issuer's keys while the issuer fails."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from chalicelib.adapters.tokens.download import MAX_BYTES
from chalicelib.adapters.tokens.issuer_keys import (
    KEYS_SECONDS,
    REFETCH_FLOOR_SECONDS,
    STALE_KEYS_SECONDS,
    IssuerKeys,
)
from chalicelib.errors import TryAgain, Unauthenticated
from infra.local import loopback
from tests.adapters.tokens_lab import Lab, claims, ignore, open_lab, refused, user_of

FLOOR = REFETCH_FLOOR_SECONDS


@pytest.fixture
def lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


class TestFailure:
    @pytest.mark.parametrize("status", ["500 Internal Server Error", "404 Not Found", "302 Found", "204 No Content"])
    def test_failing_issuer_without_keys_means_503(self, lab: Lab, status: str) -> None:
        lab.issuer.status = status
        lab.issuer.body = b""

        with pytest.raises(TryAgain) as error:
            user_of(lab)
        assert error.value.retry_after_seconds == FLOOR

    @pytest.mark.parametrize(
        ("status", "cause"), [("403 Forbidden", "HTTP 403 from JWKS"), ("200 OK", "JWKS is no JSON object")]
    )
    def test_cause_is_kept_for_the_log(self, lab: Lab, status: str, cause: str) -> None:
        lab.issuer.status = status
        lab.issuer.body = b""

        with pytest.raises(TryAgain) as error:
            user_of(lab)
        assert str(error.value.__cause__) == cause

    def test_unreachable_issuer_means_503(self) -> None:
        keys = IssuerKeys("http://127.0.0.1:1/keys", on_stale=ignore)

        with pytest.raises(TryAgain) as error:
            keys.find("any")
        assert str(error.value.__cause__) == "ConnectionRefusedError from JWKS"

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
            b'{"keys": [' + b" " * MAX_BYTES + b"]}",
        ],
    )
    def test_unusable_key_set_means_503(self, lab: Lab, body: bytes) -> None:
        lab.issuer.body = body

        with pytest.raises(TryAgain):
            user_of(lab)

    @pytest.mark.parametrize("body", [b"plain", gzip.compress(b" " * 10 * MAX_BYTES)])
    def test_unusable_compression_means_503(self, lab: Lab, body: bytes) -> None:
        lab.issuer.compress()
        lab.issuer.body = body

        with pytest.raises(TryAgain):
            user_of(lab)

    @pytest.mark.parametrize("answer", ["nothing", "a byte now and then"])
    def test_slow_issuer_holds_no_request_longer_than_the_limit(self, answer: str) -> None:
        over = Event()

        def slow(_environ: Any, start_response: Any) -> Iterator[bytes]:
            if answer == "nothing":
                over.wait()
            start_response("200 OK", [])
            while not over.wait(0.01):
                yield b" "

        with loopback.running(lambda _url: slow) as url:
            keys = IssuerKeys(url, on_stale=ignore, timeout_seconds=0.2)
            with pytest.raises(TryAgain) as error:
                keys.find("any")
            over.set()
        assert str(error.value.__cause__) in {"no response from JWKS within 0.2 s", "TimeoutError from JWKS"}


class TestOutage:
    def test_outage_of_an_hour_is_not_noticed(self, lab: Lab) -> None:
        user_of(lab)
        lab.issuer.status = "500 Internal Server Error"

        for _ in range(60):
            lab.clock.seconds += 60
            assert user_of(lab) == "ann"
            assert refused(lab).retry_after_seconds == FLOOR
        assert len(lab.stale) == len(lab.issuer.requests) - 1 == 60

        lab.issuer.status = "200 OK"
        lab.clock.seconds += FLOOR
        assert user_of(lab) == "ann"
        assert len(lab.stale) == 60

    def test_last_good_keys_end_after_six_hours(self, lab: Lab) -> None:
        user_of(lab)
        lab.issuer.status = "500 Internal Server Error"

        lab.clock.seconds += KEYS_SECONDS + STALE_KEYS_SECONDS - 1
        assert user_of(lab) == "ann"
        lab.clock.seconds += 1
        with pytest.raises(TryAgain):
            user_of(lab)

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
    def test_garbage_in_place_of_keys_leaves_the_earlier_ones(self, lab: Lab, body: bytes) -> None:
        user_of(lab)
        lab.clock.seconds += FLOOR
        lab.issuer.body = body

        refused(lab)
        assert user_of(lab) == "ann"

    def test_issuer_that_recovers_is_asked_after_the_floor(self, lab: Lab) -> None:
        lab.issuer.status = "500 Internal Server Error"
        for _ in range(FLOOR):
            with pytest.raises(TryAgain):
                user_of(lab)
            lab.clock.seconds += 1
        assert len(lab.issuer.requests) == 1
        lab.issuer.status = "200 OK"

        assert user_of(lab) == "ann"

    @pytest.mark.parametrize("has_keys", [False, True])
    def test_200_forged_tokens_at_once_cause_one_fetch(self, lab: Lab, has_keys: bool) -> None:
        if has_keys:
            user_of(lab)
            lab.clock.seconds += FLOOR
        lab.issuer.status, before = "500 Internal Server Error", len(lab.issuer.requests)
        tokens = [lab.issuer.sign(claims(), kid=f"forged-{number}") for number in range(200)]

        def error_of(token: str) -> type[Exception]:
            with pytest.raises((TryAgain, Unauthenticated)) as error:
                lab.verifier.verify(token)
            return error.type

        with ThreadPoolExecutor(200) as executor:
            errors = set(executor.map(error_of, tokens))

        assert errors == {Unauthenticated if has_keys else TryAgain}
        assert len(lab.issuer.requests) - before == 1

    def test_requests_wait_for_a_fetch_under_way_up_to_the_limit(self) -> None:
        over = Event()

        def silent(_environ: Any, start_response: Any) -> list[bytes]:
            over.wait()
            start_response("200 OK", [])
            return [b"{}"]

        with loopback.running(lambda _url: silent) as url, ThreadPoolExecutor(20) as executor:
            keys = IssuerKeys(url, on_stale=ignore, timeout_seconds=0.2)
            found = [executor.submit(keys.find, f"forged-{number}") for number in range(20)]
            errors = {type(each.exception()) for each in found}
            over.set()
        assert errors == {TryAgain}
