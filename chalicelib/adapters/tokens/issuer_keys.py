"""The issuer's public keys: a JSON Web Key Set (RFC 7517)."""

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from chalicelib.adapters.pyjwt import jwt
from chalicelib.adapters.refreshed_value import Limits, RefreshedValue, SourceFailed
from chalicelib.adapters.tokens.download import download
from chalicelib.errors import Unauthenticated

ALGORITHMS: Final = ("RS256", "ES256")
MIN_RSA_BITS: Final = 2_048
KEYS_SECONDS: Final = 300
STALE_KEYS_SECONDS: Final = 6 * 3_600
REFETCH_FLOOR_SECONDS: Final = 30
KEYS_TIMEOUT_SECONDS: Final = 2


class IssuerKeys:
    """Keys that are fetched every five minutes, and used for up to six hours while the issuer does not send them.

    Args:
        url: address of the key set.
        on_stale: called for each failed fetch while earlier keys are used.
        timeout_seconds: limit of one fetch, and so of the time that a request waits for it.
        monotonic: returns the seconds of a monotonic clock.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        on_stale: Callable[[], None],
        timeout_seconds: float = KEYS_TIMEOUT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        limits = Limits(
            fresh=KEYS_SECONDS, stale=STALE_KEYS_SECONDS, floor=REFETCH_FLOOR_SECONDS, patience=timeout_seconds
        )
        self._keys = RefreshedValue(
            "token issuer's keys",
            lambda: _usable_keys(download(url, seconds=timeout_seconds, sleep=sleep)),
            limits=limits,
            on_stale=on_stale,
            monotonic=monotonic,
        )

    def find(self, key_id: str | None) -> jwt.PyJWK:
        """Return the key of this id, or the only key for a token without an id.

        An unknown id means one more fetch, if the floor allows it: the issuer may have a new key.

        Raises:
            Unauthenticated: there is no such key; says when it is worth trying again.
            TryAgain: the issuer does not send its keys, and no earlier ones may be used.
        """
        key = _match(self._keys.get(), key_id)
        if key is None:
            self._keys.refresh()
            key = _match(self._keys.get(), key_id)
        if key is None:
            raise Unauthenticated(retry_after_seconds=self._keys.seconds_to_next_read)
        return key


def _match(keys: list[jwt.PyJWK], key_id: str | None) -> jwt.PyJWK | None:
    if key_id is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.key_id == key_id), None)


def _usable_keys(body: bytes) -> list[jwt.PyJWK]:
    """Read the keys that can verify tokens. Others, such as keys for encryption, are skipped.

    Raises:
        SourceFailed: there is none.
    """
    try:
        described = msgspec.json.decode(body, type=dict[str, Any]).get("keys")
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SourceFailed("JWKS is no JSON object") from error
    keys = [key for jwk in described if (key := _key(jwk))] if isinstance(described, list) else []
    if not keys:
        raise SourceFailed("JWKS has no usable key")
    return keys


def _key(jwk: object) -> jwt.PyJWK | None:
    """Read a key, or None for one that verifies none of ALGORITHMS. Without `alg`, the type of the key decides."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(jwk)
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
        return None
    if key.algorithm_name not in ALGORITHMS or (key.key_type == "RSA" and key.key.key_size < MIN_RSA_BITS):
        return None
    return key
