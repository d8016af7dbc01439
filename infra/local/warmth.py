"""Warm the API: so many function workers that so many requests at once meet no cold start."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.local.client import Fan, Reply, UnexpectedError, call
from infra.local.facts import StackFacts


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
        replies = list(pool.map(lambda _: ask(), range(times)))
    for reply in replies:
        if reply.status not in healthy:
            said = reply.body[:500].decode(errors="replace")
            raise UnexpectedError(f"the API answered {reply.status} while it was warmed: {said}")
