"""Authentication: a test key as Basic or Bearer, the sandbox's own account, a well-formed API version."""

import base64
import binascii
import re
from collections.abc import Mapping

from .errors import ApiError

_TEST_KEY = re.compile(r"[sr]k_test_\w{1,250}")
_VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?")


def check_headers(headers: Mapping[str, str], account_id: str) -> None:
    """Check a request's credentials and version; header names in lower case.

    Raises:
        ApiError: 401 for the key, 403 for the account, 400 for the version.
    """
    key = _api_key(headers.get("authorization", ""))
    if not key:
        message = "You did not provide an API key. Send it in the Authorization header, as Bearer or Basic."
        raise ApiError(message, 401, headers={"WWW-Authenticate": 'Basic realm="Stripe"'})
    if not _TEST_KEY.fullmatch(key):
        # Only the prefix is quoted: an error message must not carry a live key into a log.
        kind = re.match(r"(sk_live_|rk_live_|pk_test_|pk_live_)?", key)
        raise ApiError(f"Invalid API Key provided: {kind[0] if kind else ''}****", 401)
    account = headers.get("stripe-account", account_id)
    if account != account_id:
        raise ApiError(f"The provided key does not have access to account '{account}'.", 403, code="account_invalid")
    version = headers.get("stripe-version", "2026-01-01")
    if not _VERSION.fullmatch(version):
        raise ApiError(f"Invalid Stripe API version: {version}", 400)


def _api_key(authorization: str) -> str:
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
