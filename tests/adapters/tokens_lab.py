"""An issuer with a key set on loopback, and tokens signed by it or forged."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.adapters.tokens import JwtVerifier
from infra.local import loopback
from infra.local.token_issuer import SigningKey, make_keys

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ISSUER, AUDIENCE = "https://id.example", "coinpurse"
Claims = dict[str, Any]


@dataclass
class Issuer:
    """Serves its key set at `/keys` and records the requested paths."""

    keys: dict[str, SigningKey] = field(default_factory=make_keys)
    status: str = "200 OK"
    body: bytes | None = None
    requests: list[str] = field(default_factory=list)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self.requests.append(environ["PATH_INFO"])
        key_set = json.dumps({"keys": [key.to_json() for key in self.keys.values()]}).encode()
        start_response(self.status, [("Content-Type", "application/json")])
        return [key_set if self.body is None else self.body]

    def sign(self, claims: Claims, algorithm: str = "RS256", **headers: Any) -> str:
        key = self.keys[algorithm]
        return jwt.encode(claims, key.private, algorithm, headers={"kid": key.key_id, **headers})

    def public_pem(self) -> bytes:
        """Return the RSA public key in PEM, which an attacker might use as an HMAC secret."""
        return self.keys["RS256"].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self) -> str:
        return self.keys["RS256"].key_id


@dataclass
class Lab:
    """An issuer, and a verifier that trusts only this issuer."""

    issuer: Issuer
    url: str
    verifier: JwtVerifier

    def new_verifier(self) -> JwtVerifier:
        """Return a verifier with an empty cache."""
        return JwtVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_url=f"{self.url}/keys")


@contextmanager
def open_lab() -> Iterator[Lab]:
    issuer = Issuer()
    with loopback.running(lambda _url: issuer) as url:
        lab = Lab(issuer, url, JwtVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_url=f"{url}/keys"))
        yield lab


def claims(**changes: Any) -> Claims:
    """Build the claims of a valid token with `changes`; None removes a claim."""
    now = int(time.time())
    valid = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600}
    return {name: value for name, value in (valid | changes).items() if value is not None}


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


def raw(header: object, payload: object, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """Build a token of any parts: bytes as they are, objects as JSON."""
    signed = b".".join(_part(part) for part in (header, payload))
    return (signed + b"." + _part(sign(signed))).decode()


def _part(part: object) -> bytes:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=")
