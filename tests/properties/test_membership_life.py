"""A membership's life in eight events: in whatever order one hears of them, and however often, it ends in one way.

What happens at the payment provider happens in one order; by the time an event arrives, all before it has happened, and
perhaps more than that.
"""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.payments import MoneyState, StripeEvent
from chalicelib.usecases.reconcile import reconcile
from tests.domain.builders import FAN, KEY, a_purchase
from tests.fake_memberships import MONTH, hint_of
from tests.fake_operators import FakeJournal
from tests.fakes import START, session_of
from tests.invariants import Books, books_of, changed
from tests.properties.profile import STEADY
from tests.usecases.checkout_harness import a_hint, a_stripe_event, moved_money
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness

PRICE, COINS = 499, 500
HINT = hint_of(MEMBERSHIP)


def about(kind: str, month: int = 0) -> StripeEvent:
    """News of a month's invoice, or of the subscription."""
    invoice_id = f"in_{month}_{KEY}" if month else None
    return a_stripe_event(type=kind, session=None, invoice_id=invoice_id, membership=None if month else HINT)


EVENTS = [
    a_stripe_event(session=session_of(a_purchase(), mode="subscription", ref=None), membership=HINT),
    about("customer.subscription.created"),
    about("invoice.paid", 1),
    about("invoice.paid", 2),
    about("invoice.payment_failed", 3),
    about("invoice.paid", 3),
    a_hint(f"pi_2_{KEY}"),
    about("customer.subscription.deleted"),
]
LAST = len(EVENTS) - 1
BEGUN, RENEWED, FAILED, PAID_LATE, REFUNDED, DELETED = 0, 3, 4, 5, 6, 7


class MembershipLife(MembershipHarness):
    """The membership, what the provider knows of it, and everybody who hears of it."""

    def __init__(self, refunded_minor: int) -> None:
        super().__init__()
        self.refunded_minor = refunded_minor
        self.joined()
        self.before = Books()

    def happens(self, happened: int) -> None:
        """Let the provider's state be what it is after so many events."""
        is_open = {"status": "open", "paid_minor": 0, "payment_intent": None}
        self.billed(1)
        if happened >= RENEWED:
            self.billed(2)
        if happened >= FAILED:
            self.billed(3, **({} if happened >= PAID_LATE else is_open))
        if happened >= REFUNDED:
            gone = [moved_money(self.refunded_minor)]
            self.provider.money[f"pi_2_{KEY}"] = MoneyState(captured_minor=PRICE, refunds=gone)
        self.becomes("canceled" if happened >= DELETED else "past_due" if happened == FAILED else "active")

    def arrives(self, event: int, happened: int) -> None:
        """An event is heard when so many have happened. Nothing that was posted may change."""
        self.happens(happened)
        self.hear(EVENTS[event])
        books = books_of(self.books, [])
        before, self.before = self.before, books
        assert self.is_sound()
        assert not changed(before, books)

    def has_ended(self) -> bool:
        """Whether it ended as it must: with the coins of what was paid and kept, and told once."""
        membership = self.membership()
        return (
            self.balance() == 2 * COINS + COINS * (PRICE - self.refunded_minor) // PRICE
            and [membership.status, membership.paid_until, membership.renews, membership.ended_reason]
            == [MembershipStatus.ENDED, START + 3 * MONTH, False, "cancelled"]
            and len(self.months()) == 3
            and self.ends() == ["cancelled"]
            and sorted(self.told())
            == [
                "coins.clawed_back",
                "membership.ended",
                "membership.renewed",
                "membership.renewed",
                "membership.started",
            ]
            and not self.books.reviews
        )


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Every event at least once, in any order; and with each, how much has happened by then."""
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
def test_whatever_the_order_a_membership_ends_in_one_way(
    arrivals: Sequence[tuple[int, int]], refunded_minor: int
) -> None:
    life = MembershipLife(refunded_minor)
    for event, happened in arrivals:
        life.arrives(event, happened)
    assert life.has_ended(), arrivals


@given(arrivals=deliveries(), heard=st.integers(0, LAST))
@STEADY
def test_what_webhooks_lost_reconcile_finds(arrivals: Sequence[tuple[int, int]], heard: int) -> None:
    life = MembershipLife(PRICE)
    for event, happened in arrivals[:heard]:
        life.arrives(event, happened)
    life.happens(LAST)
    life.provider.listed = [replace(event, stripe_event_id=f"evt_{number}") for number, event in enumerate(EVENTS)]
    life.clock.advance(timedelta(hours=1))
    reconcile(life.intake(), journal=FakeJournal(life.books))
    assert life.has_ended(), arrivals[:heard]


@pytest.mark.parametrize("lost", range(LAST + 1))
def test_any_one_event_may_be_lost_but_the_news_of_a_refund_or_an_end(lost: int) -> None:
    life = MembershipLife(PRICE)
    for event, happened in IN_ORDER:
        if event != lost:
            life.arrives(event, happened)
    assert life.has_ended() is (lost not in {REFUNDED, DELETED})
    assert life.books.coins[FAN] == (1_500 if lost == REFUNDED else 1_000)
