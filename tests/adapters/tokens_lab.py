"""An issuer with a key set on loopback, and tokens signed by it or forged."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.adapters.tokens.issuer_keys import IssuerKeys
from chalicelib.adapters.tokens.verifier import JwtVerifier
from chalicelib.errors import Unauthenticated
from infra.local import loopback
from infra.local.token_issuer import SigningKey, make_keys

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ISSUER, AUDIENCE = "https://id.example", "coinpurse"
SETS_OF_KEYS = 4
"""Sets of keys of all issuers: to generate an RSA key takes a twentieth of a second."""
Claims = dict[str, Any]


@cache
def _sets_of_keys() -> Sequence[dict[str, SigningKey]]:
    return [make_keys() for _ in range(SETS_OF_KEYS + 1)]


_turns = count()


def other_keys() -> dict[str, SigningKey]:
    """Return another set of keys than the last three calls did."""
    return dict(_sets_of_keys()[next(_turns) % SETS_OF_KEYS])


def unrelated_keys() -> dict[str, SigningKey]:
    """Return a set of keys that no issuer has."""
    return _sets_of_keys()[-1]


@cache
def rsa_key(bits: int) -> RSAPrivateKey:
    """Return a private key of that length, the same one each time."""
    return generate_private_key(public_exponent=65_537, key_size=bits)


@dataclass
class Issuer:
    """Serves its key set at any address, and records the requests."""

    keys: dict[str, SigningKey] = field(default_factory=other_keys)
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    moved_to: dict[str, str] = field(default_factory=dict)
    """Redirects by path."""
    requests: list[str] = field(default_factory=list)
    """Their paths."""
    received: list[dict[str, str]] = field(default_factory=list)
    """Their headers."""

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.requests.append(path)
        self.received.append({name: value for name, value in environ.items() if name.startswith("HTTP_")})
        if path in self.moved_to:
            start_response("302 Found", [("Location", self.moved_to[path])])
            return [b""]
        start_response(self.status, [("Content-Type", "application/json"), *self.headers.items()])
        return [self.key_set() if self.body is None else self.body]

    def key_set(self) -> bytes:
        return json.dumps({"keys": [key.to_json() for key in self.keys.values()]}).encode()

    def show(self, *keys: object) -> None:
        """Send this key set from now on."""
        self.body = json.dumps({"keys": keys}).encode()

    def compress(self) -> None:
        """Send the key set compressed from now on."""
        self.body, self.headers = gzip.compress(self.key_set()), {"Content-Encoding": "gzip"}

    def sign(self, claims: Claims, algorithm: str = "RS256", **headers: Any) -> str:
        """Sign the claims. The headers replace `kid` and `typ`; None leaves one out."""
        key = self.keys[algorithm]
        named = {"kid": key.key_id, **headers}
        kept = {name: value for name, value in named.items() if value is not None}
        return jwt.encode(claims, key.private, algorithm, headers=kept | {"typ": named.get("typ", "JWT") or ""})

    def public_pem(self) -> bytes:
        """The RSA public key, as an attacker would use it for an HMAC."""
        return self.keys["RS256"].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self) -> str:
        return self.keys["RS256"].key_id


class Clock:
    """Seconds of a monotonic clock that tests set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Lab:
    """An issuer, and a verifier that has none of its keys yet."""

    issuer: Issuer
    url: str
    clock: Clock
    stale: list[None]
    """One element for each failed fetch while earlier keys were used."""
    verifier: JwtVerifier

    def verifier_at(self, path: str, timeout_seconds: float = 10) -> JwtVerifier:
        """A verifier that fetches the keys from another path."""
        return _verifier(f"{self.url}{path}", self.clock, self.stale, timeout_seconds)


@contextmanager
def open_lab() -> Iterator[Lab]:
    issuer, clock, stale = Issuer(), Clock(), list[None]()
    with loopback.running(lambda _url: issuer) as url:
        yield Lab(issuer, url, clock, stale, _verifier(f"{url}/keys", clock, stale, 10))


def _verifier(url: str, clock: Clock, stale: list[None], timeout_seconds: float) -> JwtVerifier:
    keys = IssuerKeys(url, on_stale=lambda: stale.append(None), timeout_seconds=timeout_seconds, monotonic=clock)
    return JwtVerifier(issuer=ISSUER, audiences=(AUDIENCE,), keys=keys)


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


def ignore() -> None:
    """Take no notice of a failed fetch."""


def user_of(lab: Lab, token: str | None = None) -> str:
    return lab.verifier.verify(token or lab.issuer.sign(claims())).user_id


def refused(lab: Lab, **headers: Any) -> Unauthenticated:
    """The error for a token of a present key, under another id unless the headers say otherwise."""
    with pytest.raises(Unauthenticated) as error:
        lab.verifier.verify(lab.issuer.sign(claims(), **({"kid": "unknown"} | headers)))
    return error.value
