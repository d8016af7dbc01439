"""Idempotency keys: the first response to a key is kept for 24 hours, errors included, and replayed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import ApiError, JsonObject

KEPT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class ApiResponse:
    """An HTTP response."""

    status: int
    body: JsonObject
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Entry:
    path: str
    pairs: tuple[tuple[str, str], ...]
    at: int
    response: ApiResponse | None = None


class IdempotencyKeys:
    """The responses by key; `response` is None while the first request with a key is in progress."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._entries: dict[str, _Entry] = {}

    def clear(self) -> None:
        """Forget every key."""
        with self._lock:
            self._entries.clear()

    def run(
        self, key: str, path: str, pairs: tuple[tuple[str, str], ...], now: int, work: Callable[[], ApiResponse]
    ) -> ApiResponse:
        """Run `work` once per key, and replay its response afterwards.

        Raises:
            ApiError: the key is in use, or was used with other parameters.
        """
        if len(key) > 255:
            raise ApiError("Idempotency keys have at most 255 characters.", type="idempotency_error")
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and now - entry.at < KEPT_SECONDS:
                return _repeat(entry, key, path, pairs)
            entry = self._entries[key] = _Entry(path, tuple(sorted(pairs)), now)
        try:
            entry.response = work()
        finally:
            # The request failed validation or crashed: the key stays free.
            if entry.response is None:
                with self._lock:
                    self._entries.pop(key, None)
        return entry.response


def _repeat(entry: _Entry, key: str, path: str, pairs: tuple[tuple[str, str], ...]) -> ApiResponse:
    if entry.path != path or entry.pairs != tuple(sorted(pairs)):
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise ApiError(message, type="idempotency_error")
    if entry.response is None:
        message = f"There is currently another in-progress request using this Idempotent Key: {key}. Try again later."
        raise ApiError(message, 409, code="idempotency_key_in_use", headers={"Stripe-Should-Retry": "true"})
    return ApiResponse(
        entry.response.status, entry.response.body, entry.response.headers | {"Idempotent-Replayed": "true"}
    )
