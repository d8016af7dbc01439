"""A value of another service, read again every few minutes, and kept for a while if that service fails."""

import logging
import threading
import time
from collections.abc import Callable
from math import ceil
from typing import Generic, TypeVar

from msgspec import Struct

from chalicelib.errors import TryAgain

log = logging.getLogger(__name__)
Value = TypeVar("Value")


class SourceFailed(Exception):
    """Raised if the source has no usable value now. The message names the cause, never a value."""


class Limits(Struct, frozen=True, kw_only=True):
    """Times in seconds: a value is read again at the age of `fresh`, and used for `stale` longer if that fails.

    `floor` passes after each read, successful or not, before the next one. `patience` limits the time that a request
    waits while another thread reads.
    """

    fresh: float
    stale: float
    floor: float
    patience: float


class RefreshedValue(Generic[Value]):
    """A value that is read when it is first used, by one thread at a time.

    Args:
        name: the value's name in logs and errors, such as "secrets".
        read: returns the value. Raises SourceFailed.
        limits: the times that it keeps.
        on_stale: called for each failed read while an earlier value is used.
        monotonic: returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], Value],
        *,
        limits: Limits,
        on_stale: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._read = read
        self._limits = limits
        self._on_stale = on_stale
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: tuple[float, Value] | None = None
        self._tried_at: float | None = None
        self._failure: SourceFailed | None = None

    def get(self) -> Value:
        """Return the value. Raises TryAgain if there is none that may be used."""
        last = self._younger_than(self._limits.fresh)
        if last is None:
            # A request that can use the value it has does not wait for the thread that reads.
            self.refresh(waits=not self.is_usable)
            last = self._usable()
        if last is None:
            wait = max(1, self.seconds_to_next_read)
            raise TryAgain(f"The {self._name} cannot be read.", retry_after_seconds=wait) from self._failure
        return last[1]

    def refresh(self, *, waits: bool = True) -> None:
        """Read the value again, unless the floor holds. Keep the earlier one if the source fails.

        Args:
            waits: wait for another thread that reads, instead of returning at once.
        """
        if not self._lock.acquire(timeout=self._limits.patience if waits else 0):
            return
        try:
            if not self.seconds_to_next_read:
                self._try()
        finally:
            self._lock.release()

    @property
    def is_usable(self) -> bool:
        """Check if there is a value that is not too old."""
        return self._usable() is not None

    @property
    def seconds_to_next_read(self) -> int:
        """Seconds until the floor allows the next read."""
        if self._tried_at is None:
            return 0
        return max(0, ceil(self._tried_at + self._limits.floor - self._monotonic()))

    def _try(self) -> None:
        try:
            value = self._read()
        except SourceFailed as failure:
            self._failure = failure
            log.warning("source_failed", extra={"source": self._name, "cause": str(failure)})
            if self.is_usable:
                self._on_stale()
        else:
            self._last = (self._monotonic(), value)
        finally:
            self._tried_at = self._monotonic()

    def _usable(self) -> tuple[float, Value] | None:
        return self._younger_than(self._limits.fresh + self._limits.stale)

    def _younger_than(self, seconds: float) -> tuple[float, Value] | None:
        last = self._last
        return last if last and self._monotonic() - last[0] < seconds else None
