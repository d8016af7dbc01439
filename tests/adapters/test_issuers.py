"""Tokens as real issuers write them, verified with the settings that the API's document lists for that issuer."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.adapters.tokens.issuer_keys import IssuerKeys
from chalicelib.adapters.tokens.verifier import JwtVerifier
from chalicelib.domain.identity import Caller
from chalicelib.errors import Unauthenticated
from tests.adapters.tokens_lab import Issuer, Lab, ignore, open_lab
from tests.house.documents import table

Json = dict[str, Any]
DAY = 24 * 3_600
USER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


@dataclass(frozen=True)
class Sample:
    """A token of an issuer.

    Args:
        values: replace the placeholders of the document's row.
        claims: the payload without `iss`, for the time of issue.
        user_id, scopes: of the caller that it names.
        headers: change the header of the token.
        jwk: changes each key of the key set as that issuer shows it.
    """

    values: dict[str, str]
    claims: Callable[[int], Json]
    user_id: str = USER
    scopes: frozenset[str] = frozenset({"openid", "operator"})
    headers: Json = field(default_factory=dict)
    jwk: Callable[[Json], Json] = dict

    def filled(self, cell: str) -> str:
        return re.sub("<(.+?)>", lambda found: self.values[found[1]], cell.strip("` "))


COGNITO = {"region": "eu-central-1", "pool": "eu-central-1_AbCdEfGhI", "app client id": "1example23456789"}
AUTH0 = {"domain": "shop.eu.auth0.com", "API identifier": "https://shop.example/coins"}
OKTA = {"domain": "shop.okta.com", "authorization server": "default", "audience of the server": "api://default"}
ENTRA = {"tenant id": "aaaabbbb-0000-cccc-1111-dddd2222eeee", "application id of the API": "00001111-aaaa-2222-bbbb"}
KEYCLOAK = {"host": "sso.shop.example", "realm": "fans", "client id": "coinpurse"}
FIREBASE = {"project id": "shop-12345"}
SPRING = {"host": "auth.shop.example", "client id": "shop"}


def keycloak(now: int) -> Json:
    return {
        "exp": now + 300,
        "iat": now,
        "auth_time": now - 9,
        "jti": "onrtac:2f",
        "sub": USER,
        "typ": "Bearer",
        "azp": "coinpurse",
        "sid": "d58f5dc8",
        "acr": "1",
        "allowed-origins": ["https://shop.example"],
        "realm_access": {"roles": ["offline_access"]},
        "scope": "openid operator",
        "preferred_username": "ann",
    }


def without(*names: str) -> Callable[[Json], Json]:
    return lambda values: {name: value for name, value in values.items() if name not in names}


SAMPLES: dict[str, list[Sample]] = {
    "Amazon Cognito": [
        Sample(
            COGNITO,
            lambda now: {
                "sub": USER,
                "cognito:groups": ["staff"],
                "version": 2,
                "client_id": "1example23456789",
                "origin_jti": "f5e6",
                "event_id": "e1f2",
                "token_use": "access",
                "scope": "openid operator",
                "auth_time": now,
                "exp": now + DAY,
                "iat": now,
                "jti": "j1k2",
                "username": "ann@mail.example",
            },
            headers={"typ": None},
        ),
        Sample(
            COGNITO,
            lambda now: {
                "sub": USER,
                "email_verified": True,
                "cognito:username": "ann",
                "aud": "1example23456789",
                "event_id": "e1f2",
                "token_use": "id",
                "auth_time": now,
                "exp": now + 3_600,
                "iat": now,
            },
            headers={"typ": None},
            scopes=frozenset(),
        ),
    ],
    "Auth0": [
        Sample(
            AUTH0,
            lambda now: {
                "sub": "auth0|123456",
                "aud": [AUTH0["API identifier"], "https://shop.eu.auth0.com/userinfo"],
                "azp": "my_client_id",
                "iat": now,
                "exp": now + DAY,
                "scope": "openid operator",
            },
            user_id="auth0|123456",
        ),
        Sample(
            AUTH0,
            lambda now: {
                "sub": "google-oauth2|103547991597142817347",
                "aud": AUTH0["API identifier"],
                "client_id": "my_client_id",
                "iat": now,
                "exp": now + DAY,
                "jti": "73WakrfVbNJBaAmhQtEeDv",
                "scope": "openid operator",
                "permissions": ["operator"],
            },
            user_id="google-oauth2|103547991597142817347",
            headers={"typ": "at+jwt"},
        ),
    ],
    "Okta": [
        Sample(
            OKTA,
            lambda now: {
                "ver": 1,
                "jti": "AT.MNAoEQ_jbKqoinrQo1D0XKjMX28U5d7Z",
                "aud": "api://default",
                "iat": now,
                "exp": now + 3_600,
                "cid": "0oa5sso3mrYKdvde0357",
                "uid": "00ugi4dbxSUVca12X356",
                "scp": ["openid", "operator"],
                "auth_time": now,
                "sub": "ann@mail.example",
            },
            user_id="ann@mail.example",
            headers={"typ": None},
        )
    ],
    "Microsoft Entra ID": [
        Sample(
            ENTRA,
            lambda now: {
                "aud": ENTRA["application id of the API"],
                "iat": now,
                "nbf": now,
                "exp": now + 4_500,
                "aio": "AXQAi/8TAAAA",
                "azp": "my-client",
                "azpacr": "0",
                "name": "Ann",
                "oid": USER,
                "rh": "0.",
                "scp": "openid operator",
                "sub": "bxcPpSTHdBCzLJPnGrx2bE3qFgz96y8xj9RWSObiSao",
                "tid": ENTRA["tenant id"],
                "uti": "fY8mCV0E1EmGBtqK-Za_AA",
                "ver": "2.0",
            },
            user_id="bxcPpSTHdBCzLJPnGrx2bE3qFgz96y8xj9RWSObiSao",
            # https://github.com/agentgateway/agentgateway/issues/477: Entra's keys have no `alg`.
            jwk=lambda jwk: {**without("alg")(jwk), "x5t": jwk["kid"], "issuer": "https://login.microsoftonline.com/"},
        )
    ],
    "Keycloak": [
        Sample(KEYCLOAK, lambda now: {**keycloak(now), "aud": ["coinpurse", "account"]}),
        Sample(KEYCLOAK, keycloak),
    ],
    "Firebase": [
        Sample(
            FIREBASE,
            lambda now: {
                "aud": "shop-12345",
                "auth_time": now - 60,
                "user_id": "Xk893R23H9SH893",
                "sub": "Xk893R23H9SH893",
                "iat": now,
                "exp": now + 3_600,
                "scope": "openid operator",
                "email_verified": False,
                "firebase": {"identities": {}, "sign_in_provider": "anonymous"},
            },
            user_id="Xk893R23H9SH893",
        )
    ],
    "Spring Authorization Server": [
        Sample(
            SPRING,
            lambda now: {
                "sub": "ann",
                "aud": "shop",
                "nbf": now,
                "scope": ["openid", "operator"],
                "exp": now + 300,
                "iat": now,
                "jti": "6f4a2d0e",
            },
            user_id="ann",
            headers={"typ": None},
        ),
        Sample(
            SPRING,
            lambda now: {"sub": "ann", "aud": ["shop"], "scope": ["openid", "operator"], "exp": now + 300, "iat": now},
            user_id="ann",
            headers={"typ": None, "kid": None},
            jwk=without("kid"),
        ),
    ],
}
ROWS = {re.sub(r"\[(.+?)\].*", r"\1", row[0].strip()): row for row in table("chalicelib/http/README.md", "Issuers")}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with open_lab() as lab:
        yield lab


def test_each_listed_issuer_has_a_sample() -> None:
    assert list(ROWS) == list(SAMPLES)


@pytest.mark.parametrize(("issuer", "sample"), [(name, each) for name, samples in SAMPLES.items() for each in samples])
def test_token_of_issuer_verifies_with_the_listed_settings(lab: Lab, issuer: str, sample: Sample) -> None:
    token_issuer, jwks_url, audience = (sample.filled(cell) for cell in ROWS[issuer][1:4])
    show_keys(lab.issuer, sample)
    keys = IssuerKeys(f"{lab.url}{urlsplit(jwks_url).path}", on_stale=ignore)
    token = lab.issuer.sign({"iss": token_issuer, **sample.claims(int(time.time()))}, **sample.headers)

    verifier = JwtVerifier(issuer=token_issuer, audiences=(audience,), keys=keys)
    assert verifier.verify(token) == Caller(user_id=sample.user_id, scopes=sample.scopes)
    for other in (
        JwtVerifier(issuer=token_issuer, audiences=("other",), keys=keys),
        JwtVerifier(issuer=f"{token_issuer}x", audiences=(audience,), keys=keys),
    ):
        with pytest.raises(Unauthenticated):
            other.verify(token)


def show_keys(issuer: Issuer, sample: Sample) -> None:
    """Show one RSA key as that issuer does, beside Keycloak's key for encryption."""
    described = issuer.keys["RS256"].to_json()
    encrypting = {**described, "kid": "enc", "use": "enc", "alg": "RSA-OAEP"}
    issuer.show(sample.jwk(described), encrypting)
