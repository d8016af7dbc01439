"""Eight events of a membership, delivered in any order and repeatedly, lead to one final state.

The provider's state advances in one order. When an event arrives, at least the events before it have happened, and
possibly later ones.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.payments import MoneyState, StripeEvent
from chalicelib.domain.periods import ByPeriod
from chalicelib.usecases.budgets import set_budget
from tests.domain.builders import FAN, KEY, a_purchase, a_refund
from tests.fake_memberships import MONTH, hint_of
from tests.fakes import START, session_of
from tests.invariants import Books, books_of, changed
from tests.properties.profile import STEADY
from tests.usecases.checkout_harness import a_hint, a_stripe_event
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness
from tests.usecases.reconcile_harness import Reconciler
from tests.usecases.test_membership_payments import SECOND, WAYS, rows

PRICE, COINS, BUDGET = 499, 500, 2_000
HINT = hint_of(MEMBERSHIP)


def event_of(kind: str, month: int = 0) -> StripeEvent:
    """Build an event of a month's invoice, or of the subscription."""
    invoice_id = f"in_{month}_{KEY}" if month else None
    return a_stripe_event(type=kind, session=None, invoice_id=invoice_id, membership=None if month else HINT)


EVENTS = [
    a_stripe_event(session=session_of(a_purchase(), mode="subscription", ref=None), membership=HINT),
    event_of("customer.subscription.created"),
    event_of("invoice.paid", 1),
    event_of("invoice.paid", 2),
    event_of("invoice.payment_failed", 3),
    event_of("invoice.paid", 3),
    a_hint(f"pi_2_{KEY}"),
    event_of("customer.subscription.deleted"),
]
LAST = len(EVENTS) - 1
BEGUN, RENEWED, FAILED, PAID_LATE, REFUNDED, DELETED = 0, 3, 4, 5, 6, 7


class MembershipEventHarness(MembershipHarness):
    """A membership, with the provider's state and the use cases that handle its events."""

    def __init__(self, refunded_minor: int, otherwise: dict[int, dict[str, Any]] | None = None) -> None:
        super().__init__()
        self.otherwise = otherwise or {}
        self.refunded_minor = refunded_minor
        money = ByPeriod(UNLIMITED, UNLIMITED, BUDGET)
        set_budget(FAN, Limits(zone="UTC", currency="usd", money=money), ledger=self.books, clock=self.clock)
        self.join()
        self.billing.subscribe(self.membership())
        self.before = Books()

    def set_provider_state(self, happened: int) -> None:
        """Set the provider's state to the one after event number `happened`."""
        is_open = {"status": "open", "paid_minor": 0, "payment_intent": None}
        self.billed(1, **self.otherwise.get(1, {}))
        if happened >= RENEWED:
            self.billed(2, **self.otherwise.get(2, {}))
        if happened >= FAILED:
            self.billed(3, **({} if happened >= PAID_LATE else is_open))
        if happened >= REFUNDED and self.refunded_minor:
            gone = [a_refund(self.refunded_minor)]
            self.provider.money[f"pi_2_{KEY}"] = MoneyState(captured_minor=PRICE, refunds=gone)
        self.becomes("canceled" if happened >= DELETED else "past_due" if happened == FAILED else "active")

    def deliver_event(self, event: int, happened: int) -> None:
        """Deliver an event in the provider's state after `happened`. Posted entries must not change."""
        self.set_provider_state(happened)
        self.deliver(EVENTS[event])
        books = books_of(self.books, [])
        before, self.before = self.before, books
        assert self.is_sound()
        assert not changed(before, books)

    def has_counted(self) -> int:
        """Return the money that counts in the fan's budget."""
        return BUDGET - self.books.budgets[FAN].money_left.month

    def is_final_state(self) -> bool:
        """Return True if the final state is as expected: coins of the money kept, and one end published."""
        membership = self.membership()
        return (
            self.balance() == 2 * COINS + COINS * (PRICE - self.refunded_minor) // PRICE
            and [membership.status, membership.paid_until, membership.renews, membership.ended_reason]
            == [MembershipStatus.ENDED, START + 3 * MONTH, False, "cancelled"]
            and len(self.months()) == 3
            and self.ends() == ["cancelled"]
            and sorted(self.published_types())
            == [
                "coins.clawed_back",
                "membership.ended",
                "membership.renewed",
                "membership.renewed",
                "membership.started",
            ]
            and not self.books.reviews
            and self.has_counted() == 3 * PRICE
        )


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Draw each event at least once, in any order, each with the provider's progress at its delivery."""
    again = draw(st.lists(st.integers(0, LAST), max_size=8))
    order, happened = draw(st.permutations([*range(LAST + 1), *again])), 0
    arrivals = []
    for event in order:
        happened = draw(st.integers(max(happened, event), LAST))
        arrivals.append((event, happened))
    return arrivals


IN_ORDER = [(event, event) for event in range(LAST + 1)]
ALL_AT_THE_END = [(event, LAST) for event in range(LAST, -1, -1)]


@given(arrivals=deliveries(), refunded_minor=st.sampled_from([1, 200, PRICE]))
@example(arrivals=IN_ORDER, refunded_minor=PRICE)
@example(arrivals=ALL_AT_THE_END, refunded_minor=PRICE)
@STEADY
def test_membership_events_in_any_order_lead_to_one_state(
    arrivals: Sequence[tuple[int, int]], refunded_minor: int
) -> None:
    harness = MembershipEventHarness(refunded_minor)
    for event, happened in arrivals:
        harness.deliver_event(event, happened)
    assert harness.is_final_state(), arrivals


OTHER_WAYS = sorted(way for way, (coins, *_) in rows().items() if coins != "later")


@given(arrivals=deliveries(), way=st.sampled_from(OTHER_WAYS), month=st.sampled_from([1, 2]))
@STEADY
def test_membership_events_of_a_month_paid_otherwise_lead_to_the_state_of_the_table(
    arrivals: Sequence[tuple[int, int]], way: str, month: int
) -> None:
    coins, reason, _ = rows()[way]
    harness = MembershipEventHarness(0, {month: WAYS[way]})
    harness.provider.money[SECOND] = MoneyState(captured_minor=0)
    for event, happened in arrivals:
        harness.deliver_event(event, happened)
    membership = harness.membership()
    assert harness.balance() == (3 if coins == "yes" else 2) * COINS, arrivals
    assert harness.reasons() == ([reason] if reason else []), arrivals
    assert harness.has_counted() == sum(month.amount_minor for month in harness.months()), arrivals
    assert (membership.status, membership.paid_until) == (MembershipStatus.ENDED, START + 3 * MONTH)
    assert harness.ends() == ["cancelled"]


@given(arrivals=deliveries(), heard=st.integers(0, LAST))
@STEADY
def test_reconcile_of_lost_membership_events_leads_to_the_same_state(
    arrivals: Sequence[tuple[int, int]], heard: int
) -> None:
    harness = MembershipEventHarness(PRICE)
    for event, happened in arrivals[:heard]:
        harness.deliver_event(event, happened)
    harness.set_provider_state(LAST)
    harness.provider.listed = [replace(event, stripe_event_id=f"evt_{number}") for number, event in enumerate(EVENTS)]
    harness.clock.advance(timedelta(hours=1))
    Reconciler(harness).reconcile()
    assert harness.is_final_state(), arrivals[:heard]


@pytest.mark.parametrize("lost", range(LAST + 1))
def test_membership_without_one_event_misses_only_refund_or_end(lost: int) -> None:
    harness = MembershipEventHarness(PRICE)
    for event, happened in IN_ORDER:
        if event != lost:
            harness.deliver_event(event, happened)
    assert harness.is_final_state() is (lost not in {REFUNDED, DELETED})
    assert harness.books.coins[FAN] == (1_500 if lost == REFUNDED else 1_000)
