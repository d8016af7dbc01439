"""Seven events of one purchase, delivered in all 5,040 orders and each twice, lead to one final state.

The provider's state advances in one order and at its own pace: an event can be late, never early. When an event
arrives, at least the events before it have happened, and possibly later ones.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, permutations
from typing import TypeAlias

import pytest

from chalicelib.domain.payments import MoneyState
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.usecases.relay import relay_entries
from chalicelib.usecases.stripe_events import dispatch_event
from tests.domain.builders import FAN, KEY, a_dispute, a_purchase, a_refund
from tests.extent import IS_WHOLE
from tests.fake_memberships import FakeMemberships, FakeSubscriptions
from tests.fake_services import FakeRelayServices, FakeStripeEventServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import FakeClock, FakeGateway, FakeLedger, session_of
from tests.invariants import Books, books_of, broken, changed
from tests.usecases.checkout_harness import PAYMENT, a_hint, session_event
from tests.usecases.relay_harness import record

PRICE, HALF = 74, 37
PURCHASE = a_purchase(coins=70, amount_minor=PRICE)
PAID = session_of(PURCHASE)
EVENTS = [
    session_event("unpaid"),
    session_event("succeeded"),
    *[a_hint(kind=f"refund.{word}") for word in ("created", "updated", "failed")],
    *[a_hint(kind=f"charge.dispute.{word}") for word in ("created", "closed")],
]
Order: TypeAlias = tuple[int, ...]
ORDERS: list[Order] = list(permutations(range(7)))
ENDS = {
    "the refund fails, the dispute is won": ("failed", "won", 70),
    "the refund arrives, the dispute is won": ("succeeded", "won", 35),
    "the refund fails, the dispute is lost": ("failed", "lost", 0),
}
PACES: list[Callable[[int, int], int]] = [
    lambda latest, _step: latest,  # each event is delivered when it happens
    lambda _latest, _step: 6,  # the first event is delivered after all have happened
    lambda latest, step: max(latest, step),  # events are delivered about as fast as they happen
]
"""Provider's progress at a delivery, from the latest event delivered and the number delivered before."""


def money_states(refund: str, dispute: str) -> list[MoneyState]:
    """Build the provider's state of the payment after each event."""
    refunds = [*[[]] * 2, *[[a_refund(HALF, status)] for status in ("pending", "succeeded", refund, refund, refund)]]
    disputes = [*[[]] * 5, *[[a_dispute(PRICE, status)] for status in ("needs_response", dispute)]]
    return [
        MoneyState(captured_minor=PRICE, refunds=gone, disputes=disputed)
        for gone, disputed in zip(refunds, disputes, strict=True)
    ]


class PurchaseHarness:
    """A purchase, with the provider's state and the use cases that handle its events."""

    def __init__(self, money: Sequence[MoneyState]) -> None:
        self.money = money
        self.ledger, self.gateway, self.clock = FakeLedger(), FakeGateway(), FakeClock()
        self.ledger.open_purchase(PURCHASE)
        self.intake = FakeStripeEventServices(
            livemode=False,
            ledger=self.ledger,
            gateway=self.gateway,
            memberships=FakeMemberships(self.ledger),
            subscriptions=FakeSubscriptions(),
            clock=self.clock,
        )
        self.before = Books()

    def deliver_event(self, event: int, happened: int) -> None:
        """Deliver an event in the provider's state after `happened`."""
        self.gateway.sessions[KEY] = PAID if happened else session_event("unpaid").session or PAID
        self.gateway.money[PAYMENT] = self.money[happened]
        dispatch_event(EVENTS[event], self.intake)

    def is_sound(self) -> bool:
        books = books_of(self.ledger, [])
        before, self.before = self.before, books
        return not broken(books, is_drained=False) and not changed(before, books)

    def is_sound_when_relayed(self) -> bool:
        publisher = FakePublisher()
        relay = FakeRelayServices(
            ledger=self.ledger,
            publisher=publisher,
            redrive_queue=FakeRedriveQueue(),
            streak_timer=FakeStreakTimer(),
            clock=self.clock,
        )
        posted = books_of(self.ledger, []).posted
        assert relay_entries([record(place, entry) for place, entry in enumerate(posted)], relay) == []
        return not broken(books_of(self.ledger, publisher.published), is_drained=True)

    def final_state(self) -> tuple[object, ...]:
        purchase = self.ledger.find_entry(FAN, KEY)
        assert isinstance(purchase, Purchase)
        return purchase.status, purchase.payment_intent, purchase.kept_minor, self.ledger.coins, self.ledger.reviews


def part_of(orders: Iterable[tuple[int, Order]], turn: int) -> Iterable[tuple[int, Order]]:
    """Choose all orders for `make faults`, else a sixth, another one for each final state."""
    return orders if IS_WHOLE else islice(orders, turn, None, 6)


@pytest.mark.parametrize(("turn", "final_state"), list(enumerate(ENDS)), ids=ENDS)
def test_purchase_events_in_any_order_and_pace_lead_to_one_state(turn: int, final_state: str) -> None:
    refund, dispute, coins = ENDS[final_state]
    money = money_states(refund, dispute)
    for number, order in part_of(enumerate(ORDERS), turn):
        harness, latest, pace = PurchaseHarness(money), 0, PACES[(number // 3 + turn) % 3]
        for step, event in enumerate(order):
            latest = max(latest, event)
            harness.deliver_event(event, pace(latest, step))
            assert harness.is_sound(), order[: step + 1]
        for event in reversed(order):
            harness.deliver_event(event, 6)
        assert harness.final_state() == (Status.POSTED, PAYMENT, PRICE * coins // 70, {FAN: coins}, {}), order
        assert harness.is_sound(), order
        assert harness.is_sound_when_relayed(), order


@pytest.mark.parametrize("final_state", ENDS)
def test_purchase_events_in_order_keep_coins_equal_to_the_money(final_state: str) -> None:
    refund, dispute, coins = ENDS[final_state]
    harness = PurchaseHarness(money_states(refund, dispute))
    seen = []
    for event in range(7):
        harness.deliver_event(event, event)
        seen.append(harness.ledger.coins.get(FAN, 0))
    assert seen == [0, 70, 35, 35, 70 if refund == "failed" else 35, 0, coins]
