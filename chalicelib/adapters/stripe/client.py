"""The account at Stripe, and what its silence means."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import stripe

from chalicelib.errors import TryAgain

TIMEOUTS_SECONDS: Final = (1.0, 5.0)
"""To connect, and to wait for the answer. Whoever asks sends again, so the client does not: no two waits in a row."""
NETWORK_RETRIES: Final = 0


class StripeAccount:
    """An account that is asked by its key of the moment.

    Args:
        api_key: gives the key of the moment.
        api_url: base address, without `/v1`.
    """

    def __init__(self, *, api_key: Callable[[], str], api_url: str) -> None:
        self._api_key = api_key
        self._api_url = api_url
        self._http = stripe.RequestsClient(timeout=TIMEOUTS_SECONDS)

    # Quoted, because Stripe's package imports what it is asked for: a webhook needs no client, and pays for none.
    def _client(self) -> "stripe.StripeClient":
        return stripe.StripeClient(
            self._api_key(),
            base_addresses={"api": self._api_url},
            max_network_retries=NETWORK_RETRIES,
            http_client=self._http,
        )


@contextmanager
def answering() -> Iterator[None]:
    """Turn what may pass by itself into TryAgain: the network, rate limits, the provider's own trouble."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise TryAgain("The payment provider did not answer.", retry_after_seconds=5) from error
