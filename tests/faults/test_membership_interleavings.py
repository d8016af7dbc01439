"""Concurrent handlers of one membership, in every order of their calls: each third pair, all in `make faults`."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import pytest

from chalicelib.domain.payments import StripeEvent
from tests.extent import whole_or
from tests.faults.call_orders import all_orders
from tests.faults.membership_scenarios import joined
from tests.faults.scheduler import Scheduler

pytestmark = pytest.mark.usefixtures("quiet")


class MembershipHarness:
    """Build a member of two months, one of them partly refunded, with the other webhooks undelivered."""

    def __init__(self, names: Sequence[str]) -> None:
        self.scheduler = Scheduler()
        self.system = self.scheduler.system
        self.key = joined(self.system)
        first = self.system.billing.start(self.key)
        second = self.system.billing.renew(self.key)
        self.refund = self.system.provider.refund(f"pi_2_{self.key}", 200)
        self.fails = self.system.billing.fail(self.key)
        self.events = dict(zip(UNHEARD, (first, second, self.refund, self.fails), strict=True))
        # Only the events of the handlers wait: a later delivery would repair what the other handlers broke.
        self.system.webhooks = [event for name, event in self.events.items() if name in names]
        for name, event in self.events.items():
            if name not in names:
                self.system.deliver(event)

    def deliver(self, name: str) -> None:
        self.system.deliver(self.events[name])

    def change_provider(self, invoke: Callable[[], StripeEvent]) -> None:
        """Change the provider's state as a step of its own, then deliver the event."""
        self.system.deliver(self.scheduler.external_step("the provider", lambda: self.system.queue_webhook(invoke())))


UNHEARD = ("the first month", "the second month", "the refund", "the failure")
HANDLERS: dict[str, Callable[[MembershipHarness], None]] = {
    **{name: lambda harness, name=name: harness.deliver(name) for name in UNHEARD},  # type: ignore[misc]  # a default's type
    "paid late": lambda harness: harness.change_provider(lambda: harness.system.billing.pay_late(harness.key)),
    "all goes back": lambda harness: harness.change_provider(
        lambda: harness.system.billing.refund(harness.key, 2, 299)
    ),
    "it comes back": lambda harness: harness.change_provider(
        lambda: harness.system.provider.refund_becomes(f"pi_2_{harness.key}", "failed")
    ),
    "the end": lambda harness: harness.change_provider(lambda: harness.system.billing.cancel(harness.key)),
}
ALL_PAIRS = list(combinations_with_replacement(HANDLERS, 2))
PAIRS = whole_or(ALL_PAIRS, ALL_PAIRS[1::3])


def test_state_of_two_systems_with_one_history_is_equal() -> None:
    """Without this no state is recognized, and each order of the calls runs to its end: minutes instead of seconds."""
    first, second = (repr(MembershipHarness(UNHEARD).system.state()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_membership_handlers_in_any_order_break_no_invariant(names: Sequence[str]) -> None:
    ended = list(all_orders(MembershipHarness, HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended
