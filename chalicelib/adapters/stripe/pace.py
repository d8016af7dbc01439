"""Pace of a background worker's requests to Stripe, so that checkouts keep the rest of the account's limit."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

import stripe

LONGEST_PAUSE_SECONDS: Final = 30.0
"""Longest pause that a call waits for. Until a longer one is over, calls fail without a request."""

RATE_LIMITED: Final = 429


class Pace:
    """Times at which requests may begin, shared by the threads and clients of one function.

    Args:
        per_second: the most requests in a second.
        monotonic: seconds since some beginning.
        sleep: wait for some seconds.
    """

    def __init__(
        self,
        per_second: int,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._next = monotonic()
        self._lock = Lock()

    def wait(self) -> None:
        """Wait for the next place.

        Raises:
            stripe.RateLimitError: requests are held back for longer than a call waits.
        """
        with self._lock:
            now = self._monotonic()
            place = max(self._next, now)
            if place - now > LONGEST_PAUSE_SECONDS:
                raise stripe.RateLimitError("Stripe asked for a longer pause.", http_status=RATE_LIMITED)
            self._next = place + self._interval
        if place > now:
            self._sleep(place - now)

    def hold(self, seconds: float) -> None:
        """Begin no request for some seconds."""
        with self._lock:
            self._next = max(self._next, self._monotonic() + seconds)
