"""Verification of bearer tokens: JWTs as the issuers in use write them (chalicelib/http/README.md, Issuers)."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from chalicelib.adapters.pyjwt import jwt
from chalicelib.adapters.tokens.issuer_keys import ALGORITHMS, IssuerKeys
from chalicelib.domain.identity import Caller
from chalicelib.domain.ids import is_party_id
from chalicelib.errors import Unauthenticated

MAX_TOKEN_CHARACTERS: Final = 8_192
LEEWAY_SECONDS: Final = 30
MAX_LIFETIME_SECONDS: Final = 24 * 3_600
TYPES: Final = frozenset({"jwt", "at+jwt"})
"""Values of `typ`, without the prefix that RFC 9068 (2.1) allows. Tokens without one are accepted, too."""

_MAX_TIME: Final = 2**53 - 1


class JwtVerifier:
    """Verifies bearer tokens with the issuer's public keys. `jku`, `x5u` and `jwk` in a token are ignored.

    Args:
        issuer: required `iss`.
        audiences: one of them must be in `aud`, or without `aud` be `client_id` or `azp`.
        keys: the issuer's keys.
    """

    def __init__(self, *, issuer: str, audiences: Collection[str], keys: IssuerKeys) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._keys = keys

    def verify(self, token: str) -> Caller:
        # Non-ASCII input would crash the base64 decoder instead of being refused.
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise Unauthenticated
        try:
            # PyJWT decodes the whole token for its header, and `decode` does it again.
            header = jwt.get_unverified_header(f"{token.partition('.')[0]}..")
            _require_type(header)
            claims = jwt.decode(
                token,
                self._keys.find(header.get("kid")),
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "sub"], "verify_aud": False},
            )
            _require_lifetime(claims)
            self._require_audience(claims)
        except jwt.PyJWTError as error:
            raise Unauthenticated from error
        return _caller(claims)

    def _require_audience(self, claims: Mapping[str, Any]) -> None:
        # Access tokens of Amazon Cognito have no `aud`, and those of Keycloak only for clients with roles.
        named = claims["aud"] if "aud" in claims else [claims.get("client_id"), claims.get("azp")]
        names = named if isinstance(named, list) else [named]
        if not any(name in self._audiences for name in names if isinstance(name, str)):
            raise jwt.InvalidAudienceError


def _require_type(header: Mapping[str, Any]) -> None:
    """Refuse tokens for other purposes, such as signed offers (RFC 8725, 3.11), before keys are fetched for them."""
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise jwt.InvalidTokenError
    if header.get("alg") not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError


def _require_lifetime(claims: Mapping[str, Any]) -> None:
    """Refuse times that are no numbers, which PyJWT converts, and tokens that live longer than a day."""
    times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
    # NaN compares as False.
    if not all(type(time) in {int, float} and 0 <= time <= _MAX_TIME for time in times):
        raise jwt.InvalidTokenError
    if claims["exp"] - claims.get("iat", claims["exp"]) > MAX_LIFETIME_SECONDS:
        raise jwt.InvalidTokenError


def _caller(claims: Mapping[str, Any]) -> Caller:
    user_id = claims["sub"]
    if not is_party_id(user_id):
        raise Unauthenticated
    return Caller(user_id=user_id, scopes=_scopes(claims.get("scope", claims.get("scp"))))


def _scopes(named: object) -> frozenset[str]:
    """Read the scopes from a text or a list. Anything else names none."""
    if isinstance(named, str):
        return frozenset(named.split())
    return frozenset(name for name in named if isinstance(name, str)) if isinstance(named, list) else frozenset()
