"""Cross-origin resource sharing (CORS): pages of other origins that may read a response.

Tokens travel in a header and never in a cookie, so `*` exposes nothing: a page can only send a token that it has. For
the same reason no response has `Access-Control-Allow-Credentials`.
"""

from collections.abc import Collection, Iterable
from typing import Final, Literal

Sharing = Literal["allowed", "any", "none"]
"""Origins that may read a route's responses: those of the setting ALLOWED_ORIGINS, any, or none but its own."""

ANY: Final = "*"

REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
EXPOSED_HEADERS: Final = "Idempotent-Replayed, Retry-After, X-Request-Id, ETag"
MAX_AGE_SECONDS: Final = 7200
"""The longest that Chromium keeps a preflight's response."""


def shared_headers(origin: str, sharing: Sharing, allowed: Collection[str]) -> dict[str, str]:
    """Return the headers that let a page read a response of any status.

    Args:
        origin: the request's `Origin`, or an empty text.
        sharing: the route's.
        allowed: the setting ALLOWED_ORIGINS.
    """
    if sharing == "none":
        return {}
    if sharing == "any":
        # An asset may also be embedded by pages that isolate themselves (Cross-Origin-Embedder-Policy).
        return {**_readable(ANY), "Cross-Origin-Resource-Policy": "cross-origin"}
    if ANY in allowed:
        return _readable(ANY)
    # `Vary` also without a match: a cache must not give this response to a page whose origin is allowed.
    return {"Vary": "Origin", **(_readable(origin) if origin in allowed else {})}


def preflight_headers(methods: Iterable[str], shared: dict[str, str]) -> dict[str, str]:
    """Return the headers of a response to OPTIONS, given the path's methods and the headers of `shared_headers`."""
    served = ", ".join(methods)
    if "Access-Control-Allow-Origin" not in shared:
        return {"Allow": served}
    return {
        "Allow": served,
        "Access-Control-Allow-Methods": served,
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
    }


def _readable(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED_HEADERS}
