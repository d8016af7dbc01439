"""Bugs in the verification of tokens, and in what is kept while its source fails."""

from typing import Final

from tests.faults.planted.bug import Bug

_VERIFIER: Final = "chalicelib/adapters/tokens/verifier.py"
_KEYS: Final = "chalicelib/adapters/tokens/issuer_keys.py"
_REFRESHED: Final = "chalicelib/adapters/refreshed_value.py"

IN_TOKENS: Final = [
    Bug(
        "client_id replaces another audience",
        _VERIFIER,
        'claims["aud"] if "aud" in claims else [claims.get("client_id"), claims.get("azp")]',
        'claims.get("client_id", claims.get("aud"))',
        ("tests/adapters/test_tokens.py",),
    ),
    Bug(
        "a token lives as long as it says",
        _VERIFIER,
        '    if claims["exp"] - claims.get("iat", claims["exp"]) > MAX_LIFETIME_SECONDS:\n',
        "    if False:\n",
        ("tests/adapters/test_tokens.py",),
    ),
    Bug(
        "short RSA keys are used",
        _KEYS,
        ' or (key.key_type == "RSA" and key.key.key_size < MIN_RSA_BITS)',
        "",
        ("tests/adapters/test_token_keys.py",),
    ),
    Bug(
        "a token without kid takes the first of several keys",
        _KEYS,
        "return keys[0] if len(keys) == 1 else None",
        "return keys[0]",
        ("tests/adapters/test_token_keys.py",),
    ),
    Bug(
        "a failed read is repeated at once",
        _REFRESHED,
        "        finally:\n            self._tried_at = self._monotonic()\n",
        "            self._tried_at = self._monotonic()\n",
        ("tests/adapters/test_token_key_failures.py",),
    ),
    Bug(
        "each request reads for itself",
        _REFRESHED,
        "            if not self.seconds_to_next_read:\n                self._try()\n",
        "            self._try()\n",
        ("tests/adapters/test_token_key_failures.py",),
    ),
    Bug(
        "a value is lost when its source fails",
        _REFRESHED,
        "            self._failure = failure\n",
        "            self._failure, self._last = failure, None\n",
        ("tests/adapters/test_token_key_failures.py",),
    ),
    Bug(
        "a stale value is not counted",
        _REFRESHED,
        "            if self.is_usable:\n                self._on_stale()\n",
        "",
        ("tests/adapters/test_token_key_failures.py",),
    ),
]
