"""Concurrent handlers of one payment in review: webhook, reconcile, look, settlement and count, in every order.

The handlers of a month in review likewise; `make faults` has every pair of them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final

import pytest

from chalicelib.domain.operators import Decision
from chalicelib.domain.payments import StripeEvent
from tests.extent import whole_or
from tests.faults.call_orders import all_orders
from tests.faults.membership_scenarios import joined
from tests.faults.scenarios import opened
from tests.faults.scheduler import Scheduler

pytestmark = pytest.mark.usefixtures("quiet")


class ReviewHarness:
    """Build a payment whose first event was rendered otherwise than its session is, and was filed for review."""

    def __init__(self, _names: Sequence[str]) -> None:
        self.scheduler = Scheduler()
        system = self.system = self.scheduler.system
        key = self.key = opened(system)
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
    "page": lambda harness: harness.system.read(harness.key),
}
TRIPLES: Final = (("webhook", "look", "credit"), ("webhook", "page", "credit"))


@pytest.mark.parametrize("names", [*combinations(HANDLERS, 2), *TRIPLES], ids="+".join)
def test_doors_of_a_payment_in_review_in_any_order_credit_it_once(names: Sequence[str]) -> None:
    ended = list(all_orders(ReviewHarness, HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended


class MonthHarness:
    """Build a member whose second month was billed otherwise than quoted, and was filed for review."""

    def __init__(self, _names: Sequence[str]) -> None:
        self.scheduler = Scheduler()
        system = self.system = self.scheduler.system
        self.key = joined(system)
        system.deliver(system.billing.start(self.key))
        self.event = system.billing.bill_wrongly(self.key)
        system.deliver(self.event)
        self.keys = [system.key() for _ in range(3)]

    def settle(self, number: int, decision: Decision) -> None:
        self.system.settle(self.keys[number], f"pi_2_{self.key}", decision)

    def change_provider(self, invoke: Callable[[], StripeEvent]) -> None:
        """Change the provider's state as a step of its own, and deliver the event."""
        system = self.system
        system.deliver(self.scheduler.external_step("the provider", lambda: system.queue_webhook(invoke())))


MONTH_HANDLERS: Final[Mapping[str, Callable[[MonthHarness], object]]] = {
    "webhook": lambda harness: harness.system.deliver(harness.event),
    "part goes back": lambda harness: harness.change_provider(
        lambda: harness.system.billing.refund(harness.key, 2, 200)
    ),
    "all goes back": lambda harness: harness.change_provider(
        lambda: harness.system.billing.refund(harness.key, 2, 999)
    ),
    "the end": lambda harness: harness.change_provider(lambda: harness.system.billing.cancel(harness.key)),
    "the next month": lambda harness: harness.change_provider(lambda: harness.system.billing.renew(harness.key)),
    "credit": lambda harness: harness.settle(0, "credit"),
    "other credit": lambda harness: harness.settle(1, "credit"),
    "refusal": lambda harness: harness.settle(2, "refuse"),
    "count": lambda harness: harness.system.count_reviews(),
}
MONTH_PAIRS: Final = whole_or(
    list(combinations(MONTH_HANDLERS, 2)),
    [("webhook", "credit"), ("the end", "credit"), ("credit", "other credit"), ("credit", "count")],
)


@pytest.mark.parametrize("names", MONTH_PAIRS, ids="+".join)
def test_doors_of_a_month_in_review_in_any_order_credit_it_once(names: Sequence[str]) -> None:
    ended = list(all_orders(MonthHarness, MONTH_HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended
