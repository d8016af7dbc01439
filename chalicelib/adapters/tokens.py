"""Bearer tokens: JWTs of the platform's issuer."""

from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Final

from chalicelib.adapters.pyjwt import jwt
from chalicelib.domain.identity import Caller
from chalicelib.domain.ids import is_party_id
from chalicelib.errors import TryAgain, Unauthenticated

ALGORITHMS: Final = ("RS256", "ES256")
MAX_TOKEN_CHARACTERS: Final = 8_192
KEYS_SECONDS: Final = 300
REFETCH_FLOOR_SECONDS: Final = 30
KEYS_TIMEOUT_SECONDS: Final = 2
LEEWAY_SECONDS: Final = 30


class JwtVerifier:
    """Verifies bearer tokens with the issuer's public keys.

    Keys are cached for five minutes; an unknown `kid` triggers a new fetch, at most every thirty seconds. The
    address of the keys is a setting: `jku` and `x5u` are ignored.

    Args:
        issuer: required `iss`.
        audience: required `aud`.
        jwks_url: address of the issuer's key set.
    """

    def __init__(self, *, issuer: str, audience: str, jwks_url: str) -> None:
        self._issuer = issuer
        self._audience = audience
        # Without a context, urllib loads all CA certificates from Python 3.12 on, for a plain HTTP address as well.
        context = SSLContext(PROTOCOL_TLS_CLIENT) if jwks_url.startswith("http:") else None
        self._keys = _Keys(
            jwks_url,
            lifespan=KEYS_SECONDS,
            timeout=KEYS_TIMEOUT_SECONDS,
            ssl_context=context,
            cooldown_duration=REFETCH_FLOOR_SECONDS,
        )

    def verify(self, token: str) -> Caller:
        """Verify the token and return its subject.

        Raises:
            Unauthenticated: invalid token; the response does not give the reason.
            TryAgain: the issuer's keys are unavailable.
        """
        # Non-ASCII input would crash the base64 decoder instead of being refused.
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise Unauthenticated
        try:
            claims = jwt.decode(
                token,
                self._keys.get_signing_key(jwt.get_unverified_header(token).get("kid", "")),
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated from error
        return _caller(claims.get("sub"), claims.get("scope", ""))


class _Keys(jwt.PyJWKClient):
    """Return the cached keys, fetched if needed. A failure is never the token's fault."""

    def fetch_data(self) -> object:
        """Fetch the keys; earlier ones stay until new ones arrive.

        Raises:
            TryAgain: no response, or not a key set.
        """
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, OSError, ValueError, RecursionError) as error:
            raise TryAgain("The token issuer's keys cannot be read.") from error


def _caller(user_id: object, scope: object) -> Caller:
    if not (isinstance(user_id, str) and is_party_id(user_id) and isinstance(scope, str)):
        raise Unauthenticated
    return Caller(user_id=user_id, scopes=frozenset(scope.split()))
