"""Fetching, rotation and selection of the issuer's keys."""

from collections.abc import Iterator
from http.client import HTTPMessage
from io import BytesIO
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import pytest
from jwt.algorithms import RSAAlgorithm

from chalicelib.adapters.tokens.download import HEADERS, Redirects
from chalicelib.adapters.tokens.issuer_keys import (
    KEYS_SECONDS,
    REFETCH_FLOOR_SECONDS,
    IssuerKeys,
)
from chalicelib.errors import TryAgain, Unauthenticated
from infra.local import loopback
from infra.local.token_issuer import SigningKey
from tests.adapters.tokens_lab import Lab, claims, ignore, open_lab, other_keys, refused, rsa_key, user_of

FLOOR = REFETCH_FLOOR_SECONDS


@pytest.fixture
def lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


class TestFetching:
    def test_keys_are_fetched_for_the_first_token_and_kept(self, lab: Lab) -> None:
        assert lab.issuer.requests == []
        assert {user_of(lab) for _ in range(20)} == {"ann"}
        assert lab.issuer.requests == ["/keys"]

    def test_request_names_its_sender_and_takes_gzip(self, lab: Lab) -> None:
        user_of(lab)

        [headers] = lab.issuer.received
        assert headers["HTTP_USER_AGENT"] == "coinpurse"
        assert headers["HTTP_ACCEPT"] == "application/jwk-set+json, application/json"
        assert headers["HTTP_ACCEPT_ENCODING"] == "gzip"

    def test_compressed_keys_are_read(self, lab: Lab) -> None:
        lab.issuer.compress()
        assert user_of(lab) == "ann"

    def test_redirects_are_followed(self, lab: Lab) -> None:
        lab.issuer.moved_to = {"/old": "/older", "/older": f"{lab.url}/keys"}

        assert lab.verifier_at("/old").verify(lab.issuer.sign(claims())).user_id == "ann"
        assert lab.issuer.requests == ["/old", "/older", "/keys"]

    @pytest.mark.parametrize("target", ["/old", "file:///etc/passwd", "ftp://127.0.0.1/keys", "data:,{}", "//", ""])
    def test_redirects_elsewhere_are_not_followed(self, lab: Lab, target: str) -> None:
        lab.issuer.moved_to = {"/old": target}

        with pytest.raises(TryAgain):
            lab.verifier_at("/old").verify(lab.issuer.sign(claims()))

    @pytest.mark.parametrize("target", ["http://id.example/keys", "ftp://id.example/keys", "HTTP://id.example/keys"])
    def test_redirects_from_https_stay_with_https(self, target: str) -> None:
        request = Request("https://id.example/old", headers=dict(HEADERS))

        with pytest.raises(HTTPError, match="redirect to another scheme"):
            Redirects().redirect_request(request, BytesIO(), 302, "Found", HTTPMessage(), target)
        followed = Redirects().redirect_request(
            request, BytesIO(), 302, "Found", HTTPMessage(), "https://cdn.example/keys"
        )
        assert followed is not None
        assert (followed.full_url, followed.get_header("User-agent")) == ("https://cdn.example/keys", "coinpurse")

    def test_garbage_fetches_no_keys(self, lab: Lab) -> None:
        for token in ("", "a.b.c", "x" * 9_000, lab.issuer.sign(claims(), typ="coinpurse-offer+jwt")):
            with pytest.raises(Unauthenticated):
                lab.verifier.verify(token)

        assert lab.issuer.requests == []

    def test_limited_requests_are_repeated_within_the_fetch(self) -> None:
        statuses = iter(["429 Too Many Requests", "429 Too Many Requests", "200 OK"])
        with open_lab() as lab:

            def limited(environ: Any, start_response: Any) -> Any:
                lab.issuer.status = next(statuses)
                return lab.issuer(environ, start_response)

            with loopback.running(lambda _url: limited) as url:
                pauses: list[float] = []
                keys = IssuerKeys(f"{url}/keys", on_stale=ignore, timeout_seconds=10, sleep=pauses.append)
                assert keys.find(lab.issuer.key_id).key_id == lab.issuer.key_id
        assert len(pauses) == 2
        assert all(0 <= pause <= 0.5 for pause in pauses)


class TestRotation:
    def test_keys_are_fetched_again_after_five_minutes(self, lab: Lab) -> None:
        user_of(lab)
        lab.clock.seconds += KEYS_SECONDS - 1
        user_of(lab)
        assert len(lab.issuer.requests) == 1

        lab.clock.seconds += 1
        user_of(lab)
        assert len(lab.issuer.requests) == 2

    def test_new_key_is_found_as_soon_as_the_floor_allows(self, lab: Lab) -> None:
        user_of(lab)
        lab.issuer.keys = other_keys()
        lab.clock.seconds += 10

        assert refused(lab, kid=lab.issuer.key_id).retry_after_seconds == FLOOR - 10
        lab.clock.seconds += FLOOR - 10

        assert user_of(lab) == "ann"
        assert len(lab.issuer.requests) == 2

    def test_withdrawn_key_ends_within_five_minutes(self, lab: Lab) -> None:
        token = lab.issuer.sign(claims())
        user_of(lab, token)
        lab.issuer.keys = other_keys()
        lab.clock.seconds += KEYS_SECONDS

        with pytest.raises(Unauthenticated):
            user_of(lab, token)

    def test_unknown_keys_cause_one_fetch_in_thirty_seconds(self, lab: Lab) -> None:
        for number in range(100):
            assert 0 < refused(lab, kid=f"unknown-{number}").retry_after_seconds <= FLOOR
            lab.clock.seconds += 1

        assert len(lab.issuer.requests) <= 1 + 100 // FLOOR

    def test_other_refusals_do_not_say_when_to_retry(self, lab: Lab) -> None:
        with pytest.raises(Unauthenticated) as error:
            lab.verifier.verify(lab.issuer.sign(claims(iss="https://other.example")))
        assert error.value.retry_after_seconds == 0


def jwk_of_rsa(bits: int, **changes: Any) -> tuple[SigningKey, dict[str, Any]]:
    private = rsa_key(bits)
    key = SigningKey("RS256", "rsa", private, RSAAlgorithm.to_jwk(private.public_key(), as_dict=True))
    return key, {**key.to_json(), **changes}


class TestSelection:
    def test_single_key_verifies_tokens_without_kid(self, lab: Lab) -> None:
        del lab.issuer.keys["ES256"]
        described = [{name: value for name, value in lab.issuer.keys["RS256"].to_json().items() if name != "kid"}]
        encrypting = jwk_of_rsa(2_048, kid="enc", use="enc", alg="RSA-OAEP")[1]
        lab.issuer.show(encrypting, *described)

        assert user_of(lab, lab.issuer.sign(claims(), kid=None)) == "ann"

    def test_several_keys_verify_no_token_without_kid(self, lab: Lab) -> None:
        refused(lab, kid=None)

    def test_key_without_alg_is_used_by_its_type(self, lab: Lab) -> None:
        keys = [key.to_json() for key in lab.issuer.keys.values()]
        lab.issuer.show(*({name: value for name, value in key.items() if name != "alg"} for key in keys))

        assert user_of(lab) == "ann"
        assert user_of(lab, lab.issuer.sign(claims(), "ES256")) == "ann"

    @pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
    @pytest.mark.parametrize(
        ("bits", "changes"),
        [
            (1_024, {}),
            (2_040, {}),
            (2_048, {"use": "enc"}),
            (2_048, {"alg": "RS512"}),
            (2_048, {"alg": ["RS256"]}),
            (2_048, {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
            (2_048, {"n": 1}),
        ],
    )
    def test_other_keys_are_not_used(self, lab: Lab, bits: int, changes: dict[str, Any]) -> None:
        key, jwk = jwk_of_rsa(bits, **changes)
        known = [each.to_json() for each in lab.issuer.keys.values()]
        lab.issuer.show(jwk, None, *known)
        lab.issuer.keys["other"] = key

        assert user_of(lab) == "ann"
        with pytest.raises(Unauthenticated):
            lab.verifier.verify(key.sign(claims()))
