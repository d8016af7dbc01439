"""What a purchase that ends unpaid gives back to the fan's budget on money."""

from datetime import timedelta

import pytest

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Status
from chalicelib.errors import NotFound, TryAgain
from chalicelib.usecases.budgets import set_budget
from chalicelib.usecases.checkout import end_purchase
from tests.domain.builders import FAN, a_purchase
from tests.fakes import uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness, session_event

NIGHT = timedelta(hours=12)


def a_budget_harness(currency: str = "usd", month: int = UNLIMITED) -> CheckoutHarness:
    """A purchase of 74 cents is open, and counts against a hundred a day."""
    harness = CheckoutHarness()
    limits = Limits(zone="UTC", currency=currency, money=ByPeriod(100, UNLIMITED, month))
    set_budget(FAN, limits, ledger=harness.books, clock=harness.clock)
    if currency == "usd":
        harness.open()
    else:
        harness.stock()
    harness.recorder.calls.clear()
    return harness


def left(harness: CheckoutHarness) -> int:
    return harness.books.budgets[FAN].money_left.day


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["expired"], Status.EXPIRED),
        (["failed"], Status.FAILED),
        (["unpaid", "failed"], Status.FAILED),
        (["expired", "expired", "failed"], Status.EXPIRED),
        (["expired", "unpaid", "failed"], Status.FAILED),
    ],
    ids=" ".join,
)
def test_what_is_not_paid_is_given_back_once(words: list[str], status: Status) -> None:
    harness = a_budget_harness()
    for word in words:
        harness.deliver(session_event(word))
    assert (harness.purchase().status, left(harness)) == (status, 100)


def test_while_money_may_come_it_counts() -> None:
    harness = a_budget_harness()
    harness.deliver(session_event("unpaid"))
    assert left(harness) == 26


def test_money_that_comes_after_all_counts_again_and_is_never_turned_away() -> None:
    harness = a_budget_harness()
    harness.deliver(session_event("expired"))
    harness.open(purchase_id=uuid7_at(harness.clock.at, 9))
    assert harness.deliver(session_event("paid")) == "credited"
    assert (left(harness), harness.balance(), harness.purchase().is_released) == (-48, 70, False)


def test_what_expires_the_day_after_is_given_back_to_the_month_alone() -> None:
    harness = a_budget_harness(month=1_000)
    harness.clock.advance(NIGHT)
    harness.deliver(session_event("expired"))
    assert harness.books.budgets[FAN].money_left == ByPeriod(100, UNLIMITED, 1_000)


def test_a_fan_without_a_budget_costs_a_read_and_no_more() -> None:
    harness = CheckoutHarness()
    harness.open()
    harness.recorder.calls.clear()
    harness.deliver(session_event("expired"))
    assert harness.recorder.calls == ["read_event", "read_wallet", "move_purchase"]


def test_what_never_counted_is_not_given_back() -> None:
    harness = a_budget_harness("eur")
    harness.deliver(session_event("expired"))
    assert (left(harness), harness.purchase().is_released) == (100, False)


def test_a_purchase_that_nobody_knows_gives_nothing_back() -> None:
    harness = a_budget_harness()
    stranger = a_purchase(purchase_id=uuid7_at(harness.clock.at, 9)).ref
    with pytest.raises(NotFound):
        end_purchase(stranger, Status.EXPIRED, [Status.PENDING], ledger=harness.ledger, clock=harness.clock)
    assert left(harness) == 26


def test_a_ledger_that_says_nothing_gives_nothing_back_twice() -> None:
    harness = a_budget_harness()
    harness.recorder.fail_after["move_purchase"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.deliver(session_event("expired"))
    assert harness.deliver(session_event("expired")) == "unchanged"
    assert left(harness) == 100
