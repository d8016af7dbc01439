"""Idempotency keys at Stripe: the keys of one object, and the walk past errors that Stripe keeps under them."""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, TypeVar

import stripe

from chalicelib.domain.purchases import FORMER_KEY_FORM

Answer = TypeVar("Answer")

MAX_KEYS: Final = 5
LAST_CALL_SECONDS: Final = 1.9
"""Time after which no further call begins. The next request walks on: a kept error is answered at once."""

_SERVER_ERROR: Final = 500


def keys_of(kind: str, user_id: str, object_id: str, key_form: int) -> Sequence[str]:
    """Return the keys of an object, in the order in which they are tried.

    They hold a hash in place of the user id. An object of the first release keeps its single key as the first.
    """
    hashed = sha256(user_id.encode()).hexdigest()[:32]
    keys = [f"{kind}/{hashed}/{object_id}/{number}" for number in range(1, MAX_KEYS + 1)]
    if key_form == FORMER_KEY_FORM:
        keys[0] = f"{kind}/{user_id}/{object_id}"
    return keys


def walk(
    keys: Sequence[str],
    send: Callable[[str], Answer],
    seconds: float = LAST_CALL_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> Answer:
    """Send a request under the first of the keys that Stripe keeps no server error for.

    Stripe keeps the first answer to a key for at least 24 hours, a 5xx included, and marks it as `Idempotent-Replayed`
    when it is sent again (docs.stripe.com/api/idempotent_requests, docs.stripe.com/error-low-level). A kept error never
    changes, so the next key takes its place. A key has one final answer, and every call begins at the first key: all of
    them end at the same key, and so at the same object.

    After any other error the same key may still lead to a success (no answer, a request in progress, a rate limit), or
    the answer is final (a 4xx): the walk ends there. After a 5xx that is not marked the key is sent again, which shows
    if Stripe keeps it.

    No call begins after `seconds`. Raises the stripe.StripeError of the last call.
    """
    deadline = monotonic() + seconds
    number, is_second = 0, False
    while True:
        try:
            return send(keys[number])
        except stripe.StripeError as error:
            if (error.http_status or 0) < _SERVER_ERROR or monotonic() >= deadline:
                raise
            if (error.headers or {}).get("Idempotent-Replayed") == "true":
                number, is_second = number + 1, False
            elif is_second:
                raise
            else:
                is_second = True
            if number == len(keys):
                raise
