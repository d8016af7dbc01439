"""Verification of bearer tokens."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.adapters.tokens.verifier import LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, MAX_TOKEN_CHARACTERS
from chalicelib.domain.identity import Caller
from chalicelib.errors import Unauthenticated
from tests.adapters.tokens_lab import AUDIENCE, ISSUER, Issuer, Lab, claims, in_seconds, open_lab, raw, unrelated_keys

SLACK = 5
"""Seconds that may pass between signing and verifying on a slow machine."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


VALID: dict[str, Callable[[Issuer], str]] = {
    "RS256": lambda issuer: issuer.sign(claims()),
    "ES256": lambda issuer: issuer.sign(claims(), "ES256"),
    "an audience among others": lambda issuer: issuer.sign(claims(aud=["other", AUDIENCE])),
    "expired, but within the leeway": lambda issuer: issuer.sign(claims(exp=in_seconds(SLACK - LEEWAY_SECONDS))),
    "not valid yet, but within the leeway": lambda issuer: issuer.sign(claims(nbf=in_seconds(LEEWAY_SECONDS - SLACK))),
    "issued in the future, but within the leeway": lambda issuer: issuer.sign(claims(iat=in_seconds(SLACK))),
    "no iat": lambda issuer: issuer.sign(claims(iat=None)),
    "claims we do not know": lambda issuer: issuer.sign(claims(email="ann@mail.example", roles=["operator"])),
    "type of access tokens": lambda issuer: issuer.sign(claims(), typ="at+jwt"),
    "type with its prefix": lambda issuer: issuer.sign(claims(), typ="application/at+JWT"),
    "no type": lambda issuer: issuer.sign(claims(), typ=None),
    "client_id in place of aud": lambda issuer: issuer.sign(claims(aud=None, client_id=AUDIENCE)),
    "azp in place of aud": lambda issuer: issuer.sign(claims(aud=None, azp=AUDIENCE)),
    "azp beside another client_id": lambda issuer: issuer.sign(claims(aud=None, client_id="other", azp=AUDIENCE)),
    "lifetime of a day": lambda issuer: issuer.sign(claims(exp=claims()["iat"] + MAX_LIFETIME_SECONDS)),
    "times with fractions": lambda issuer: issuer.sign(claims(exp=in_seconds(60) + 0.5, iat=in_seconds(0) + 0.5)),
}


@pytest.mark.parametrize("make", VALID.values(), ids=VALID.keys())
def test_verify_valid_token_returns_caller(lab: Lab, make: Callable[[Issuer], str]) -> None:
    assert lab.verifier.verify(make(lab.issuer)) == Caller(user_id="ann")


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        (None, set()),
        ("", set()),
        ("creator", {"creator"}),
        ("creator operator", {"creator", "operator"}),
        ("  creator \t operator  creator", {"creator", "operator"}),
        ("creators Creator", {"creators", "Creator"}),
        (["creator", "operator"], {"creator", "operator"}),
        (["creator", 1, None, ["operator"]], {"creator"}),
        ([], set()),
        (1, set()),
        ({"operator": True}, set()),
    ],
)
@pytest.mark.parametrize("claim", ["scope", "scp"])
def test_verify_reads_scopes_from_text_and_list(lab: Lab, claim: str, scope: object, scopes: set[str]) -> None:
    assert lab.verifier.verify(lab.issuer.sign(claims(**{claim: scope}))).scopes == scopes


def test_verify_prefers_scope_to_scp(lab: Lab) -> None:
    assert lab.verifier.verify(lab.issuer.sign(claims(scope="creator", scp="operator"))).scopes == {"creator"}


@pytest.mark.parametrize("subject", ["a", "f" * 128, "auth0|5f7c", "|:@._-=", "Ann.B@x"])
def test_verify_accepts_every_valid_subject(lab: Lab, subject: str) -> None:
    assert lab.verifier.verify(lab.issuer.sign(claims(sub=subject))).user_id == subject


def with_hmac(issuer: Issuer, secret: bytes) -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": issuer.key_id}
    return raw(header, claims(), lambda signed: hmac.digest(secret, signed, hashlib.sha256))


def with_rs256(issuer: Issuer, payload: object, **header: Any) -> str:
    """Sign any payload with the issuer's key."""
    private: Any = issuer.keys["RS256"].private
    full = {"alg": "RS256", "typ": "JWT", "kid": issuer.key_id} | header
    return raw(full, payload, lambda signed: private.sign(signed, PKCS1v15(), SHA256()))


def signed_by_unrelated_key(issuer: Issuer, algorithm: str = "RS256", **headers: Any) -> str:
    unrelated = unrelated_keys()[algorithm]
    return jwt.encode(claims(), unrelated.private, algorithm, headers={"kid": issuer.keys[algorithm].key_id} | headers)


def carrying_its_own_key(issuer: Issuer) -> str:
    unrelated = unrelated_keys()["RS256"]
    headers = {"kid": issuer.key_id, "jwk": dict(unrelated.public_jwk)}
    return jwt.encode(claims(), unrelated.private, "RS256", headers=headers)


def flipped(token: str, part: int) -> str:
    parts = token.split(".")
    parts[part] = parts[part][:-4] + ("A" if parts[part][-4] != "A" else "B") + parts[part][-3:]
    return ".".join(parts)


DUPLICATES = json.dumps(claims())[:-1].encode() + b', "sub": "bob"'
RS_HEADER = {"alg": "RS256"}
INVALID: dict[str, Callable[[Issuer], str]] = {
    # signature
    "alg none": lambda issuer: raw({"alg": "none", "kid": issuer.key_id}, claims()),
    "alg None": lambda issuer: raw({"alg": "None", "kid": issuer.key_id}, claims()),
    "alg empty": lambda issuer: raw({"alg": "", "kid": issuer.key_id}, claims()),
    "no alg": lambda issuer: raw({"kid": issuer.key_id}, claims()),
    "alg a list": lambda issuer: raw({"alg": ["RS256"], "kid": issuer.key_id}, claims()),
    "alg a number": lambda issuer: raw({"alg": 256, "kid": issuer.key_id}, claims()),
    "HS256 with the public key": lambda issuer: with_hmac(issuer, issuer.public_pem()),
    "HS256 with nothing": lambda issuer: with_hmac(issuer, b""),
    "PS256": lambda issuer: jwt.encode(claims(), issuer.keys["RS256"].private, "PS256", headers={"kid": issuer.key_id}),
    "RS512": lambda issuer: jwt.encode(claims(), issuer.keys["RS256"].private, "RS512", headers={"kid": issuer.key_id}),
    "ES256 said, RSA signed": lambda issuer: with_rs256(issuer, claims(), alg="ES256"),
    "the other key's id": lambda issuer: issuer.sign(claims(), kid=issuer.keys["ES256"].key_id),
    "an unrelated key": signed_by_unrelated_key,
    "an unrelated curve": lambda issuer: signed_by_unrelated_key(issuer, "ES256"),
    "no signature": lambda issuer: issuer.sign(claims()).rpartition(".")[0] + ".",
    "a flipped header": lambda issuer: flipped(issuer.sign(claims()), 0),
    "a flipped payload": lambda issuer: flipped(issuer.sign(claims()), 1),
    "a flipped signature": lambda issuer: flipped(issuer.sign(claims()), 2),
    # key id
    "no kid": lambda issuer: with_rs256(issuer, claims(), kid=None),
    "an unknown kid": lambda issuer: issuer.sign(claims(), kid="who-knows"),
    "an empty kid": lambda issuer: issuer.sign(claims(), kid=""),
    "a kid that is a path": lambda issuer: issuer.sign(claims(), kid="../../../dev/null"),
    "a kid that is SQL": lambda issuer: issuer.sign(claims(), kid="' UNION SELECT 'key' --"),
    "a kid that is a URL": lambda issuer: issuer.sign(claims(), kid="http://127.0.0.1:1/keys"),
    "a kid with a line break": lambda issuer: issuer.sign(claims(), kid=f"{issuer.key_id}\n"),
    "a kid that is no text": lambda issuer: with_rs256(issuer, claims(), kid=1),
    "a kid that is a list": lambda issuer: with_rs256(issuer, claims(), kid=[issuer.key_id]),
    "a critical extension": lambda issuer: with_rs256(issuer, claims(), crit=["exp"]),
    "a payload left outside": lambda issuer: with_rs256(issuer, claims(), b64=False, crit=["b64"]),
    "its own key": carrying_its_own_key,
    # issuer and audience
    "another issuer": lambda issuer: issuer.sign(claims(iss="https://evil.example")),
    "an issuer with a slash": lambda issuer: issuer.sign(claims(iss=f"{ISSUER}/")),
    "issuers in a list": lambda issuer: with_rs256(issuer, claims(iss=[ISSUER])),
    "no issuer": lambda issuer: issuer.sign(claims(iss=None)),
    "another audience": lambda issuer: issuer.sign(claims(aud="other")),
    "other audiences": lambda issuer: issuer.sign(claims(aud=["other", "coinpurse2"])),
    "an audience of numbers": lambda issuer: with_rs256(issuer, claims(aud=[1])),
    "no audience": lambda issuer: issuer.sign(claims(aud=None)),
    "no audiences": lambda issuer: issuer.sign(claims(aud=[])),
    "null as audience": lambda issuer: with_rs256(issuer, {**claims(client_id=AUDIENCE), "aud": None}),
    "another audience beside client_id": lambda issuer: issuer.sign(claims(aud="other", client_id=AUDIENCE)),
    "another client_id": lambda issuer: issuer.sign(claims(aud=None, client_id="other", azp="other")),
    "client_ids in a list": lambda issuer: issuer.sign(claims(aud=None, client_id=[AUDIENCE])),
    # times
    "expired": lambda issuer: issuer.sign(claims(exp=in_seconds(-LEEWAY_SECONDS - SLACK))),
    "not valid yet": lambda issuer: issuer.sign(claims(nbf=in_seconds(LEEWAY_SECONDS + SLACK))),
    "no expiry": lambda issuer: issuer.sign(claims(exp=None)),
    "an expiry in words": lambda issuer: with_rs256(issuer, claims(exp="tomorrow")),
    "an expiry beyond all numbers": lambda issuer: with_rs256(
        issuer, json.dumps(claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()
    ),
    "an expiry in a text": lambda issuer: with_rs256(issuer, claims(exp=str(in_seconds(60)))),
    "an expiry that is true": lambda issuer: with_rs256(issuer, claims(exp=True)),
    "an expiry that is no number": lambda issuer: with_rs256(
        issuer, json.dumps(claims(exp=0)).replace('"exp": 0', '"exp": NaN').encode()
    ),
    "an expiry in the far future": lambda issuer: issuer.sign(claims(iat=None, exp=2**53)),
    "an issue in a text": lambda issuer: with_rs256(issuer, claims(iat=str(in_seconds(0)))),
    "a lifetime of more than a day": lambda issuer: issuer.sign(
        claims(exp=claims()["iat"] + MAX_LIFETIME_SECONDS + SLACK)
    ),
    # type
    "the type of a signed offer": lambda issuer: issuer.sign(claims(), typ="coinpurse-offer+jwt"),
    "the type of a logout token": lambda issuer: issuer.sign(claims(), typ="logout+jwt"),
    "a type in a list": lambda issuer: with_rs256(issuer, claims(), typ=["JWT"]),
    # subject
    "no subject": lambda issuer: issuer.sign(claims(sub=None)),
    "an empty subject": lambda issuer: issuer.sign(claims(sub="")),
    "a subject that is a number": lambda issuer: with_rs256(issuer, claims(sub=7)),
    "a subject that is a list": lambda issuer: with_rs256(issuer, claims(sub=["ann"])),
    "a subject with the key's separator": lambda issuer: issuer.sign(claims(sub="ann#1")),
    "a subject with a space": lambda issuer: issuer.sign(claims(sub="ann ")),
    "a subject with a line break": lambda issuer: issuer.sign(claims(sub="ann\n")),
    "a subject beyond ASCII": lambda issuer: issuer.sign(claims(sub="änn")),
    "a subject that is too long": lambda issuer: issuer.sign(claims(sub="f" * 129)),
    # format
    "nothing": lambda _: "",
    "one part": lambda _: "token",
    "two parts": lambda issuer: issuer.sign(claims()).rpartition(".")[0],
    "four parts": lambda issuer: issuer.sign(claims()) + ".more",
    "truncated": lambda issuer: issuer.sign(claims())[:-1],
    "padded": lambda issuer: issuer.sign(claims()) + "===",
    "a space inside": lambda issuer: issuer.sign(claims()).replace(".", ". "),
    "a header that is no JSON": lambda _: raw(b"{", claims()),
    "a header that is a list": lambda _: raw([RS_HEADER], claims()),
    "a header that is no UTF-8": lambda _: raw(b"\xff\xfe", claims()),
    "a header that is deep": lambda _: raw(b'{"alg":' + b"[" * 2_000, claims()),
    "a header with a huge number": lambda _: raw(b'{"alg":' + b"1" * 5_000 + b"}", claims()),
    "a payload that is no JSON": lambda issuer: with_rs256(issuer, b"{"),
    "a payload that is a list": lambda issuer: with_rs256(issuer, [claims()]),
    "a payload that is deep, of nobody": lambda issuer: raw(RS_HEADER | {"kid": issuer.key_id}, b"[" * 5_000),
    "a payload that is deep": lambda issuer: with_rs256(issuer, b"[" * 5_000),
    "a payload with a huge number": lambda issuer: with_rs256(issuer, b'{"exp":' + b"1" * 5_000 + b"}"),
    "characters beyond ASCII": lambda issuer: issuer.sign(claims()) + "ü",
    "half a character": lambda issuer: issuer.sign(claims()) + "\ud800",
    "a NUL": lambda issuer: issuer.sign(claims()) + "\0",
    "huge": lambda issuer: issuer.sign(claims(more="x" * MAX_TOKEN_CHARACTERS)),
}


@pytest.mark.parametrize("make", INVALID.values(), ids=INVALID.keys())
def test_verify_invalid_token_is_rejected_without_reason(lab: Lab, make: Callable[[Issuer], str]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        lab.verifier.verify(make(lab.issuer))
    assert refused.value.detail == Unauthenticated.title, "it does not say why"


def test_verify_duplicate_claim_takes_the_last(lab: Lab) -> None:
    """JSON with a repeated name has one reading, the last, and the signature covers all of it."""
    token = with_rs256(lab.issuer, DUPLICATES + b"}")

    assert lab.verifier.verify(token) == Caller(user_id="bob")


@pytest.mark.parametrize("header", ["jku", "x5u"])
def test_verify_ignores_key_set_urls_in_header(lab: Lab, header: str) -> None:
    other_key_set = f"{lab.url}/other-keys"

    assert lab.verifier.verify(lab.issuer.sign(claims(), **{header: other_key_set})).user_id == "ann"
    with pytest.raises(Unauthenticated):
        lab.verifier.verify(signed_by_unrelated_key(lab.issuer, **{header: other_key_set}))

    assert set(lab.issuer.requests) == {"/keys"}
