"""The flows of one user through the functions, called in this process."""

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any, cast

import msgspec
from msgspec.structs import replace
from uuid_utils import uuid7

import app
from chalicelib import workers
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import Posted
from chalicelib.services import services
from infra.local.client import Checkout, call
from infra.local.stripe_side import StripeSide
from infra.recorder import Recorder
from tests.bench.calls import Call, Fan, webhook
from tests.bench.children import require
from tests.bench.stack import Stack

Response = Mapping[str, Any]

BUNDLE = "coins_8500"
"""The largest bundle: one purchase pays for every gift."""


class Flows:
    """Calls of the functions for one user.

    Args:
        stack: where the functions run; its environment must be applied to this process.
        user_id: the user.
    """

    def __init__(self, stack: Stack, user_id: str) -> None:
        # The lines of requests would hide the table that the bench prints.
        logging.getLogger("coinpurse.requests").disabled = True
        self.user_id = user_id
        self.fan = Fan(stack, user_id)
        self.recorder = Recorder()
        # The clients are private to the adapters; only this recorder needs them.
        ledger, publisher = cast("Any", services.ledger), cast("Any", services.publisher)
        self.recorder.attach(ledger._connection.client, publisher._sns)
        self._stack = stack
        self._stripe = StripeSide(stack.facts)

    def api(self, event: Call) -> Response:
        """Call the API function."""
        return _quietly(cast("Callable[[Call, None], Response]", app.app), event)

    def relay(self, event: Call) -> Response:
        """Call the relay function."""
        return _quietly(cast("Callable[[Call, None], Response]", workers.relay), event)

    def pay(self, opened: Response) -> str:
        """Pay a checkout. Returns the payload of Stripe's event.

        Args:
            opened: the response that opened it.
        """
        checkout = msgspec.convert(require(opened, 201), Checkout)
        self._stripe.pay(checkout)
        return self._stripe.completed_payload(checkout).decode()

    def webhook(self, payload: str) -> Call:
        """Sign a webhook call now."""
        return webhook(self._stack, payload)

    def stripe_requests(self) -> int:
        """Count the requests that the Stripe sandbox has received so far."""
        return len(json.loads(call("GET", f"{self._stack.facts.stripe_api_url}/_sandbox/requests").body)["requests"])

    def purchases(self) -> Iterator[str]:
        """Open purchases without end. Yields the payload of Stripe's event for each.

        Only the first one is opened and paid at Stripe; the others are copies of it in the ledger.
        """
        payload = self.pay(self.api(self.fan.checkout(BUNDLE)))
        first_id = json.loads(payload)["data"]["object"]["client_reference_id"]
        first = services.ledger.find_entry(self.user_id, first_id)
        assert isinstance(first, Purchase), "its checkout was opened"
        while True:
            purchase_id = str(uuid7())
            opened = services.ledger.open_purchase(replace(first, purchase_id=purchase_id), limit=10**6)
            assert opened == Posted(), "the id is new"
            yield payload.replace(first_id, purchase_id)


def _quietly(function: Callable[[Call, None], Response], event: Call) -> Response:
    """Call a function without the metrics that it prints for CloudWatch."""
    with redirect_stdout(io.StringIO()):
        return function(event, None)
