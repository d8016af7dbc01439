"""Concurrent doors of one payment in review: webhook, reconcile, look, settlement and count, in every order."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final

import pytest

from tests.faults.call_orders import all_orders
from tests.faults.scenarios import opened
from tests.faults.scheduler import Scheduler

pytestmark = pytest.mark.usefixtures("quiet")


class ReviewHarness:
    """Build a payment whose first event was rendered otherwise than its session is, and was filed for review."""

    def __init__(self, _names: Sequence[str]) -> None:
        self.scheduler = Scheduler()
        system = self.system = self.scheduler.system
        key = opened(system)
        self.payment = f"pi_{key}"
        system.deliver(system.provider.pay_oddly(key))
        self.event = system.provider.complete(key)
        self.keys = [system.key() for _ in range(3)]
        system.advance(20)

    def look(self) -> None:
        """Refund a part, and deliver the event."""
        system = self.system
        event = self.scheduler.external_step(
            "the provider", lambda: system.queue_webhook(system.provider.refund(self.payment, 7))
        )
        system.deliver(event)


HANDLERS: Final[Mapping[str, Callable[[ReviewHarness], object]]] = {
    "webhook": lambda harness: harness.system.deliver(harness.event),
    "reconcile": lambda harness: harness.system.reconcile(),
    "look": ReviewHarness.look,
    "credit": lambda harness: harness.system.settle(harness.keys[0], harness.payment, "credit"),
    "other credit": lambda harness: harness.system.settle(harness.keys[1], harness.payment, "credit"),
    "refusal": lambda harness: harness.system.settle(harness.keys[2], harness.payment, "refuse"),
    "count": lambda harness: harness.system.count_reviews(),
}
TRIPLE: Final = ("webhook", "look", "credit")


@pytest.mark.parametrize("names", [*combinations(HANDLERS, 2), TRIPLE], ids="+".join)
def test_doors_of_a_payment_in_review_in_any_order_credit_it_once(names: Sequence[str]) -> None:
    ended = list(all_orders(ReviewHarness, HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended
