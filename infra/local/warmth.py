"""Warm the API: so many function workers that so many requests at once meet no cold start."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.local.client import Fan, Reply, UnexpectedError, call
from infra.local.facts import StackFacts

PATIENCE_SECONDS = 240


def warm_api(facts: StackFacts, workers: int) -> None:
    """Ask twice, by so many at once: for what only the webhook imports, then for what a signed-in fan needs.

    Raises:
        UnexpectedError: an answer is none of those that a healthy stack gives.
    """
    fan = Fan(facts, "warmer")
    _ask_at_once(workers, lambda: call("POST", f"{facts.api_url}/v1/webhooks/stripe", _JSON, b"{}"), {400})
    _ask_at_once(workers, lambda: fan.get("/wallet"), {200})


_JSON = {"Content-Type": "application/json", "Stripe-Signature": "t=1,v1=none"}


def _ask_at_once(times: int, ask: Callable[[], Reply], healthy: set[int]) -> None:
    with ThreadPoolExecutor(times) as pool:
        for answered in [pool.submit(_ask_until_warm, ask, healthy) for _ in range(times)]:
            answered.result()


def _ask_until_warm(ask: Callable[[], Reply], healthy: set[int]) -> None:
    """On a busy machine a worker may take longer to unpack than its function may run: that is no illness yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (reply := ask()).status not in healthy:
        if reply.status < 500 or time.monotonic() > deadline:
            said = reply.body[:500].decode(errors="replace")
            raise UnexpectedError(f"the API answered {reply.status} while it was warmed: {said}")
