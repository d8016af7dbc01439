"""Idempotency keys: the first answer to a key is kept for a day, whatever its status, and given again."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import ApiError, JsonObject

KEPT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is written."""

    status: int
    body: JsonObject
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Entry:
    path: str
    pairs: tuple[tuple[str, str], ...]
    at: int
    answer: Answer | None = None


class IdempotencyKeys:
    """Keys by name; `answer` is None while the first request with a key is still at work."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._entries: dict[str, _Entry] = {}

    def clear(self) -> None:
        """Forget every key."""
        with self._lock:
            self._entries.clear()

    def run(
        self, key: str, path: str, pairs: tuple[tuple[str, str], ...], now: int, work: Callable[[], Answer]
    ) -> Answer:
        """Do the work once per key; raises ApiError for a key in use or used for something else."""
        if len(key) > 255:
            raise ApiError("Idempotency keys have at most 255 characters.", type="idempotency_error")
        with self._lock:
            kept = self._entries.get(key)
            if kept is not None and now - kept.at < KEPT_SECONDS:
                return _repeat(kept, key, path, pairs)
            entry = self._entries[key] = _Entry(path, tuple(sorted(pairs)), now)
        try:
            entry.answer = work()
        finally:
            # Nothing was begun: the key stays free.
            if entry.answer is None:
                with self._lock:
                    self._entries.pop(key, None)
        return entry.answer


def _repeat(kept: _Entry, key: str, path: str, pairs: tuple[tuple[str, str], ...]) -> Answer:
    if kept.path != path or kept.pairs != tuple(sorted(pairs)):
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise ApiError(message, type="idempotency_error")
    if kept.answer is None:
        message = f"There is currently another in-progress request using this Idempotent Key: {key}. Try again later."
        raise ApiError(message, 409, code="idempotency_key_in_use", headers={"Stripe-Should-Retry": "true"})
    return Answer(kept.answer.status, kept.answer.body, kept.answer.headers | {"Idempotent-Replayed": "true"})
