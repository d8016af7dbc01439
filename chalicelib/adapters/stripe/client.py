"""Stripe client construction, and mapping of Stripe's errors."""

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

import stripe

from chalicelib.adapters.stripe.pace import RATE_LIMITED, Pace
from chalicelib.domain.addresses import with_parameters
from chalicelib.domain.payments import CustomerGone
from chalicelib.domain.purchases import FORMER_KEY_FORM
from chalicelib.errors import IdempotencyConflict, PaymentUnavailable, TryAgain

log = logging.getLogger(__name__)

Found = TypeVar("Found")

TIMEOUTS_SECONDS: Final = (1.0, 4.0)
"""Timeouts to connect and to read."""
NETWORK_RETRIES: Final = 0
"""Retries of the SDK, which would repeat time-outs and server errors too. `keys.walk` repeats what can be repeated."""


class Connections(stripe.RequestsClient):
    """HTTP connections that are kept between calls.

    A connection may be dead after the function was frozen, and then fails with its first request. The request is sent
    again at once, on a new connection: it is a GET, or its idempotency key makes the repeat safe. A time-out is not
    repeated, because the caller's time is limited.
    """

    def request(  # type: ignore[override]  # the SDK's own types of it differ
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            return self._send(method, url, headers, post_data)
        except stripe.APIConnectionError as error:
            is_timeout = isinstance(error.__cause__, self.requests.exceptions.Timeout)
            if is_timeout or not error.should_retry:
                raise
            self.close()  # type: ignore[no-untyped-call]  # Stripe leaves it so
            return self._send(method, url, headers, post_data)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object
    ) -> tuple[bytes, int, Mapping[str, str]]:
        return super().request(method, url, headers, post_data)


PAUSES_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)
"""Pauses after rate-limited requests that name none. The last request of a call is not repeated."""
_LOCKED: Final = b'"lock_timeout"'


class PacedConnections(Connections):
    """Connections whose requests keep a pace. A rate-limited request is repeated after the pause that Stripe names.

    Stripe answers 429 above 100 requests a second, 25 for each endpoint or in a sandbox (docs.stripe.com/rate-limits).
    It documents no `Retry-After` there, so without one the pauses grow, with jitter. A `lock_timeout` has the same
    status and is about one object: the other threads do not wait for it.
    """

    def __init__(self, timeout: tuple[float, float], pace: Pace) -> None:
        super().__init__(timeout=timeout)
        self._pace = pace

    def request(  # type: ignore[override]  # as in Connections
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        for pause in PAUSES_SECONDS:
            response = super().request(method, url, headers, post_data)
            body, status, answered = response
            if status != RATE_LIMITED or _LOCKED in body:
                return response
            self._pace.hold(_retry_after(answered) or random.uniform(pause / 2, pause))  # noqa: S311  # jitter
        return super().request(method, url, headers, post_data)

    def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: object
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self._pace.wait()
        return super()._send(method, url, headers, post_data)


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """Parse the header's seconds. None without them; its other form, a date, is not used by Stripe."""
    value = headers.get("Retry-After", "")
    return int(value) if value.isascii() and value.isdigit() else None


class StripeAccount:
    """Base of the Stripe adapters; reads the current API key for each call.

    Args:
        api_key: returns the current API key.
        api_url: base address, without `/v1`.
        success_url: return address after payment.
        cancel_url: return address without payment.
        on_rejected: called when Stripe rejects a request that our configuration should have made possible.
        pace: that of a background worker's requests, or None for those of requests.
    """

    def __init__(
        self,
        *,
        api_key: Callable[[], str],
        api_url: str,
        success_url: str,
        cancel_url: str,
        on_rejected: Callable[[], None],
        pace: Pace | None = None,
    ) -> None:
        self._api_key = api_key
        self._api_url = api_url
        self._success_url = success_url
        self._cancel_url = cancel_url
        self._on_rejected = on_rejected
        self._http: stripe.RequestsClient = (
            PacedConnections(TIMEOUTS_SECONDS, pace) if pace else Connections(timeout=TIMEOUTS_SECONDS)
        )

    # Quoted: stripe imports StripeClient lazily, and a webhook needs none.
    def _client(self, http: stripe.RequestsClient | None = None) -> "stripe.StripeClient":
        return stripe.StripeClient(
            self._api_key(),
            base_addresses={"api": self._api_url},
            max_network_retries=NETWORK_RETRIES,
            http_client=http or self._http,
        )

    def _pages(self, return_url: str | None, **ids: str) -> tuple[str, str]:
        """Build a session's return addresses after payment and without one."""
        if return_url:
            return with_parameters(return_url, **ids), with_parameters(return_url, **ids, canceled="1")
        return with_parameters(self._success_url, **ids), with_parameters(self._cancel_url, **ids)

    @contextmanager
    def _creating(self, what: str) -> Iterator[None]:
        """Convert the errors of a request that opens something.

        Raises:
            IdempotencyConflict: the key was used with other parameters.
            CustomerGone: the customer that it names was deleted.
            PaymentUnavailable: any other 4xx, which is final: the object was not made, and never will be.
            TryAgain: the outcome is unknown.
        """
        try:
            with answering():
                yield
        except stripe.IdempotencyError as error:
            # Same key, other parameters. A key still in use is a 409, which is an APIError.
            raise IdempotencyConflict(f"This {what} cannot be opened again: use a new key.") from error
        except stripe.StripeError as error:
            self._log_rejection(what, error)
            if error.code == "resource_missing" and _param(error) == "customer":
                raise CustomerGone("Send the request with a new key.") from error
            raise PaymentUnavailable("The payment provider does not take this payment.") from error

    def _log_rejection(self, what: str, error: stripe.StripeError) -> None:
        """Log a final error, and report one that is not about the caller's own page.

        Only the message of an invalid request is logged: the others quote parts of the API key.
        """
        is_invalid, param = isinstance(error, stripe.InvalidRequestError), _param(error)
        details = {
            "what": what,
            "stripe_status": error.http_status,
            "stripe_code": error.code,
            "stripe_request": error.request_id,
            "param": param,
            "reason": str(error.user_message or "")[:_LONGEST_REASON] if is_invalid else None,
        }
        log.error("stripe_rejected", extra=details)
        if param not in _NOT_CONFIGURED_BY_US:
            self._on_rejected()


def _param(error: stripe.StripeError) -> str | None:
    return error.param if isinstance(error, stripe.InvalidRequestError) else None


_NOT_CONFIGURED_BY_US: Final = frozenset({"success_url", "cancel_url", "customer"})
"""Parameters that a request takes from its caller, or that were deleted at Stripe."""

_LONGEST_REASON: Final = 300


def as_quoted(
    params: "stripe.params.checkout.SessionCreateParams", key_form: int
) -> "stripe.params.checkout.SessionCreateParams":
    """Add that the buyer pays the quoted price in its currency. The account's dashboard decides where it is not said.

    The former keys were used without it, and a key keeps its parameters.
    Source: docs.stripe.com/api/checkout/sessions/create, `adaptive_pricing`.
    """
    return params if key_form == FORMER_KEY_FORM else {**params, "adaptive_pricing": {"enabled": False}}


@contextmanager
def answering() -> Iterator[None]:
    """Convert transient errors (network, rate limits, server errors) to TryAgain."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise TryAgain("The payment provider did not answer.", retry_after_seconds=5) from error


def existing(read: Callable[[], Found]) -> Found | None:
    """Return the object that `read` returns; None when it no longer exists at Stripe (`resource_missing`).

    Objects of a deleted test clock are gone while their events stay listed. Source: docs.stripe.com/billing/testing.
    """
    try:
        return read()
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            return None
        raise
