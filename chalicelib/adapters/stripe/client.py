"""Stripe client construction, and mapping of transient Stripe errors to TryAgain."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import stripe

from chalicelib.domain.addresses import with_parameters
from chalicelib.errors import TryAgain

TIMEOUTS_SECONDS: Final = (1.0, 5.0)
"""Timeouts to connect and to read. The caller retries, so the client does not."""
NETWORK_RETRIES: Final = 0


class StripeAccount:
    """Base of the Stripe adapters; reads the current API key for each call.

    Args:
        api_key: returns the current API key.
        api_url: base address, without `/v1`.
        success_url: return address after payment.
        cancel_url: return address without payment.
    """

    def __init__(self, *, api_key: Callable[[], str], api_url: str, success_url: str, cancel_url: str) -> None:
        self._api_key = api_key
        self._api_url = api_url
        self._success_url = success_url
        self._cancel_url = cancel_url
        self._http = stripe.RequestsClient(timeout=TIMEOUTS_SECONDS)

    # Quoted: stripe imports StripeClient lazily, and a webhook needs none.
    def _client(self) -> "stripe.StripeClient":
        return stripe.StripeClient(
            self._api_key(),
            base_addresses={"api": self._api_url},
            max_network_retries=NETWORK_RETRIES,
            http_client=self._http,
        )

    def _pages(self, return_url: str | None, **ids: str) -> tuple[str, str]:
        """Build a session's return addresses after payment and without one."""
        if return_url:
            return with_parameters(return_url, **ids), with_parameters(return_url, **ids, canceled="1")
        return with_parameters(self._success_url, **ids), with_parameters(self._cancel_url, **ids)


@contextmanager
def answering() -> Iterator[None]:
    """Convert transient errors (network, rate limits, server errors) to TryAgain."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise TryAgain("The payment provider did not answer.", retry_after_seconds=5) from error
