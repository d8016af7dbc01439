"""A fan's way through the functions, called in this very process against real stores."""

import io
import json
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
from tests.bench.world import World

Answer = Mapping[str, Any]

BUNDLE = "coins_8500"
"""The largest: one purchase pays for every gift."""


class Flows:
    """The functions, for one fan.

    Args:
        world: the stores; this process must have entered it.
        user_id: the fan.
    """

    def __init__(self, world: World, user_id: str) -> None:
        self.user_id = user_id
        self.fan = Fan(world, user_id)
        self.recorder = Recorder()
        # The adapters keep their clients to themselves, and rightly so: only who counts has to look.
        ledger, publisher = cast("Any", services.ledger), cast("Any", services.publisher)
        self.recorder.attach(ledger._connection.client, publisher._sns)
        self._world = world
        self._stripe = StripeSide(world.facts)

    def api(self, event: Call) -> Answer:
        """Call the API's function."""
        return _quietly(cast("Callable[[Call, None], Answer]", app.app), event)

    def relay(self, event: Call) -> Answer:
        """Call the relay."""
        return _quietly(cast("Callable[[Call, None], Answer]", workers.relay), event)

    def pay(self, opened: Answer) -> str:
        """Pay a checkout that was just opened; the event by which Stripe tells of it."""
        checkout = msgspec.convert(require(opened, 201), Checkout)
        self._stripe.pay(checkout)
        return self._stripe.completed_payload(checkout).decode()

    def webhook(self, payload: str) -> Call:
        """The event, signed now."""
        return webhook(self._world, payload)

    def stripe_requests(self) -> int:
        """How many requests Stripe's API has had so far."""
        return len(json.loads(call("GET", f"{self._world.facts.stripe_api_url}/_sandbox/requests").body)["requests"])

    def purchases(self) -> Iterator[str]:
        """Purchases that are open and paid, without end; for each the event by which Stripe tells of it.

        The first goes the whole way; the others are written into the ledger as it was, without asking Stripe again.
        """
        payload = self.pay(self.api(self.fan.checkout(BUNDLE)))
        first_id = json.loads(payload)["data"]["object"]["client_reference_id"]
        first = services.ledger.find_entry(self.user_id, first_id)
        assert isinstance(first, Purchase), "a checkout was opened for it"
        while True:
            purchase_id = str(uuid7())
            assert services.ledger.open_purchase(replace(first, purchase_id=purchase_id)) == Posted(), "the id is new"
            yield payload.replace(first_id, purchase_id)


def _quietly(function: Callable[[Call, None], Answer], event: Call) -> Answer:
    """The function's answer, without the counters that it prints for CloudWatch."""
    with redirect_stdout(io.StringIO()):
        return function(event, None)
