"""The whole life of one purchase in seven events, which arrive in all 5,040 orders, and each of them twice.

What happens at the payment provider happens in one order, and at its own pace: news can be late, but not early. So by
the time an event arrives, all before it has happened, and perhaps more than that.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, permutations
from typing import TypeAlias

import pytest

from chalicelib.domain.payments import MoneyState
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.usecases.relay import relay_entries
from chalicelib.usecases.stripe_events import dispatch_event
from tests.domain.builders import FAN, KEY, a_purchase
from tests.extent import IS_WHOLE
from tests.fake_memberships import FakeMemberships, FakeSubscriptions
from tests.fake_services import FakeRelayServices, FakeStripeEventServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import FakeClock, FakeGateway, FakeLedger, session_of
from tests.invariants import Books, books_of, broken, changed
from tests.usecases.checkout_harness import PAYMENT, a_hint, moved_money, told
from tests.usecases.relay_harness import record

PRICE, HALF = 74, 37
PURCHASE = a_purchase(coins=70, amount_minor=PRICE)
PAID = session_of(PURCHASE)
EVENTS = [
    told("unpaid"),
    told("succeeded"),
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
    lambda latest, _step: latest,  # each event is news when it arrives
    lambda _latest, _step: 6,  # all is over before the first one arrives
    lambda latest, step: max(latest, step),  # they arrive about as fast as things happen
]
"""How much has happened when an event arrives: by the latest that has arrived, and how many arrived before."""


def the_money(refund: str, dispute: str) -> list[MoneyState]:
    """What the provider says of the payment after each of the events."""
    refunds = [*[[]] * 2, *[[moved_money(HALF, status)] for status in ("pending", "succeeded", refund, refund, refund)]]
    disputes = [*[[]] * 5, *[[moved_money(PRICE, status)] for status in ("needs_response", dispute)]]
    return [
        MoneyState(captured_minor=PRICE, refunds=gone, disputes=disputed)
        for gone, disputed in zip(refunds, disputes, strict=True)
    ]


class PurchaseLife:
    """The purchase, what the provider knows of it, and everybody who hears of it."""

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

    def arrives(self, event: int, happened: int) -> None:
        """An event is heard when so many of them have happened."""
        self.gateway.sessions[KEY] = PAID if happened else told("unpaid").session or PAID
        self.gateway.money[PAYMENT] = self.money[happened]
        dispatch_event(EVENTS[event], self.intake)

    def is_sound(self) -> bool:
        books = books_of(self.ledger, [])
        before, self.before = self.before, books
        return not broken(books, is_drained=False) and not changed(before, books)

    def is_sound_when_all_is_told(self) -> bool:
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

    def end(self) -> tuple[object, ...]:
        purchase = self.ledger.find_entry(FAN, KEY)
        assert isinstance(purchase, Purchase)
        return purchase.status, purchase.payment_intent, purchase.kept_minor, self.ledger.coins, self.ledger.reviews


def part_of(orders: Iterable[tuple[int, Order]], turn: int) -> Iterable[tuple[int, Order]]:
    """Choose all orders for `make faults`, else a third, so that each order comes with one of the three ends."""
    return orders if IS_WHOLE else islice(orders, turn, None, 3)


@pytest.mark.parametrize(("turn", "end"), list(enumerate(ENDS)), ids=ENDS)
def test_whatever_the_order_and_the_pace_a_life_ends_in_one_way(turn: int, end: str) -> None:
    refund, dispute, coins = ENDS[end]
    money = the_money(refund, dispute)
    for number, order in part_of(enumerate(ORDERS), turn):
        life, latest, pace = PurchaseLife(money), 0, PACES[(number // 3 + turn) % 3]
        for step, event in enumerate(order):
            latest = max(latest, event)
            life.arrives(event, pace(latest, step))
            assert life.is_sound(), order[: step + 1]
        for event in reversed(order):
            life.arrives(event, 6)
        assert life.end() == (Status.POSTED, PAYMENT, PRICE * coins // 70, {FAN: coins}, {}), order
        assert life.is_sound(), order
        assert life.is_sound_when_all_is_told(), order


@pytest.mark.parametrize("end", ENDS)
def test_in_the_order_of_the_world_the_coins_are_at_each_moment_what_the_money_is(end: str) -> None:
    refund, dispute, coins = ENDS[end]
    life = PurchaseLife(the_money(refund, dispute))
    seen = []
    for event in range(7):
        life.arrives(event, event)
        seen.append(life.ledger.coins.get(FAN, 0))
    assert seen == [0, 70, 35, 35, 70 if refund == "failed" else 35, 0, coins]
