"""Warm-up of the API's function workers, so that as many concurrent requests meet no cold start."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.local.client import Fan, Reply, UnexpectedError, call
from infra.local.facts import StackFacts

TIMEOUT_SECONDS = 240


def warm_api(facts: StackFacts, workers: int) -> None:
    """Send `workers` concurrent requests to the webhook and then to the wallet, which import different modules.

    Without a token issuer of the stack's own, the wallet is requested without a token.

    Raises:
        UnexpectedError: a response has a status that a healthy stack does not return.
    """
    _call_concurrently(workers, lambda: call("POST", f"{facts.api_url}/v1/webhooks/stripe", _JSON, b"{}"), {400})
    if facts.has_token_issuer:
        fan = Fan(facts, "warmer")
        _call_concurrently(workers, lambda: fan.get("/wallet"), {200})
    else:
        _call_concurrently(workers, lambda: call("GET", f"{facts.api_url}/v1/wallet"), {401})


_JSON = {"Content-Type": "application/json", "Stripe-Signature": "t=1,v1=none"}


def _call_concurrently(times: int, send: Callable[[], Reply], healthy: set[int]) -> None:
    with ThreadPoolExecutor(times) as pool:
        for future in [pool.submit(_call_until_warm, send, healthy) for _ in range(times)]:
            future.result()


def _call_until_warm(send: Callable[[], Reply], healthy: set[int]) -> None:
    """Repeat a request while it returns 5xx: a busy machine may need longer to unpack a worker than its timeout."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (reply := send()).status not in healthy:
        if reply.status < 500 or time.monotonic() > deadline:
            body = reply.body[:500].decode(errors="replace")
            raise UnexpectedError(f"the API returned {reply.status} during the warm-up: {body}")
