"""Money that an unpaid purchase releases to the fan's budget."""

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
    """Build a fan with an open purchase of 74 cents, which counts in a budget of a hundred a day."""
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
def test_end_purchase_unpaid_releases_the_price_once(words: list[str], status: Status) -> None:
    harness = a_budget_harness()
    for word in words:
        harness.deliver(session_event(word))
    assert (harness.purchase().status, left(harness)) == (status, 100)


def test_receive_webhook_of_a_processing_payment_keeps_the_price_counted() -> None:
    harness = a_budget_harness()
    harness.deliver(session_event("unpaid"))
    assert left(harness) == 26


def test_fulfill_checkout_after_release_credits_and_counts_again() -> None:
    harness = a_budget_harness()
    harness.deliver(session_event("expired"))
    harness.open(purchase_id=uuid7_at(harness.clock.at, 9))
    assert harness.deliver(session_event("paid")) == "credited"
    assert (left(harness), harness.balance(), harness.purchase().is_released) == (-48, 70, False)


def test_end_purchase_a_day_later_releases_only_the_month() -> None:
    harness = a_budget_harness(month=1_000)
    harness.clock.advance(NIGHT)
    harness.deliver(session_event("expired"))
    assert harness.books.budgets[FAN].money_left == ByPeriod(100, UNLIMITED, 1_000)


def test_end_purchase_without_a_budget_costs_one_read() -> None:
    harness = CheckoutHarness()
    harness.open()
    harness.recorder.calls.clear()
    harness.deliver(session_event("expired"))
    assert harness.recorder.calls == ["read_event", "read_wallet", "move_purchase"]


def test_end_purchase_of_an_uncounted_price_releases_nothing() -> None:
    harness = a_budget_harness("eur")
    harness.deliver(session_event("expired"))
    assert (left(harness), harness.purchase().is_released) == (100, False)


def test_end_purchase_of_an_unknown_purchase_raises_not_found() -> None:
    harness = a_budget_harness()
    unknown = a_purchase(purchase_id=uuid7_at(harness.clock.at, 9)).ref
    with pytest.raises(NotFound):
        end_purchase(unknown, Status.EXPIRED, [Status.PENDING], ledger=harness.ledger, clock=harness.clock)
    assert left(harness) == 26


def test_end_purchase_retry_after_a_lost_response_releases_once() -> None:
    harness = a_budget_harness()
    harness.recorder.fail_after["move_purchase"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.deliver(session_event("expired"))
    assert harness.deliver(session_event("expired")) == "unchanged"
    assert left(harness) == 100
