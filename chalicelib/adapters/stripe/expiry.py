"""Expiry of open checkout sessions: best effort, side by side, within one deadline."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import stripe

from chalicelib.adapters.stripe.client import answering
from chalicelib.errors import TryAgain

log = logging.getLogger(__name__)

EXPIRY_SECONDS: Final = 6.0
"""Time after which no further call begins."""
MAX_THREADS: Final = 12


def expire_all(
    client: stripe.StripeClient, finders: Sequence[Callable[[], str]], seconds: float = EXPIRY_SECONDS
) -> Sequence[bool]:
    """Expire the sessions whose ids the finders return. Returns True for each that cannot be paid any more.

    Only an open session can be expired (docs.stripe.com/api/checkout/sessions/expire). Stripe refuses any other with a
    400, and that one is paid or over.
    """
    deadline = time.monotonic() + seconds

    def expire(find: Callable[[], str]) -> bool:
        try:
            with answering():
                _require_time(deadline)
                session_id = find()
                _require_time(deadline)
                return _expire(client, session_id)
        except (TryAgain, stripe.StripeError) as error:
            log.warning("session_not_expired", extra={"cause": type(error.__cause__ or error).__name__})
            return False

    with ThreadPoolExecutor(MAX_THREADS) as threads:
        return list(threads.map(expire, finders))


def _require_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TryAgain("The payment provider is slow.")


def _expire(client: stripe.StripeClient, session_id: str) -> bool:
    try:
        client.v1.checkout.sessions.expire(session_id)
    except stripe.InvalidRequestError as refusal:
        log.info("session_not_open", extra={"stripe_status": refusal.http_status})
    return True
