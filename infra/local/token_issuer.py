"""Double of the platform's identity provider: issues a bearer token for any name, without authentication.

`python -m infra.local.token_issuer --port 0` prints one line `{"url": ...}` when it is ready.

- `POST /token`, form `sub` and optionally `scope` and `alg` (RS256, ES256): 200
  `{"access_token", "token_type": "Bearer", "expires_in"}`; 400 `{"error", "error_description"}` (RFC 6749).
- `GET /.well-known/jwks.json`: both public keys (RFC 7517).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from flask import Flask, Response, jsonify, request
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from infra.local import loopback

AUDIENCE = "coinpurse"
LIFETIME_SECONDS = 3600


@dataclass(frozen=True)
class SigningKey:
    """A private key. `key_id` is new at every start, so that verifiers do not use a cached key of an earlier one."""

    algorithm: str
    key_id: str
    private: RSAPrivateKey | EllipticCurvePrivateKey
    public_jwk: Mapping[str, Any]

    def sign(self, claims: Mapping[str, object]) -> str:
        """Encode and sign the claims as a JWT."""
        return jwt.encode(dict(claims), self.private, self.algorithm, headers={"kid": self.key_id})

    def to_json(self) -> dict[str, object]:
        """Render the public key as a JWK."""
        return {**self.public_jwk, "kid": self.key_id, "alg": self.algorithm, "use": "sig"}


def make_keys() -> dict[str, SigningKey]:
    """Generate a key for each algorithm."""
    rsa, elliptic = generate_rsa_key(public_exponent=65537, key_size=2048), generate_private_key(SECP256R1())
    return {
        "RS256": SigningKey("RS256", uuid4().hex, rsa, RSAAlgorithm.to_jwk(rsa.public_key(), as_dict=True)),
        "ES256": SigningKey("ES256", uuid4().hex, elliptic, ECAlgorithm.to_jwk(elliptic.public_key(), as_dict=True)),
    }


def create_app(issuer_url: str) -> Flask:
    """Build the issuer with new keys. `issuer_url` is its base URL, and the `iss` of its tokens."""
    app = Flask(__name__, static_folder=None)
    keys = make_keys()

    @app.post("/token")
    def issue_token() -> tuple[Response, int]:
        subject, key = request.form.get("sub", ""), keys.get(request.form.get("alg", "RS256"))
        if not subject or key is None:
            return jsonify(error="invalid_request", error_description="sub is required; alg is RS256 or ES256"), 400
        token = key.sign(make_claims(issuer_url, subject, request.form.get("scope", "")))
        answer = jsonify(access_token=token, token_type="Bearer", expires_in=LIFETIME_SECONDS)  # noqa: S106
        answer.headers["Cache-Control"] = "no-store"
        return answer, 200

    @app.get("/.well-known/jwks.json")
    def show_keys() -> Response:
        return jsonify(keys=[key.to_json() for key in keys.values()])

    return app


def make_claims(issuer_url: str, subject: str, scope: str) -> dict[str, object]:
    """Build the claims of a token. Times are in Unix seconds."""
    now = int(time.time())
    claims: dict[str, object] = {"iss": issuer_url, "aud": AUDIENCE, "sub": subject, "jti": uuid4().hex}
    return claims | {"iat": now, "exp": now + LIFETIME_SECONDS, "scope": scope}


if __name__ == "__main__":
    loopback.run(create_app, loopback.port_parser(__doc__).parse_args().port)
