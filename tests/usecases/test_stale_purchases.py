"""Checkouts that never reached the provider, and fans who exclude themselves after opening one."""

from datetime import timedelta

import pytest

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import FORMER_KEY_FORM, KEY_FORM, Purchase, Status
from chalicelib.errors import BudgetReached, TryAgain
from chalicelib.usecases.budgets import exclude_fan, set_budget
from chalicelib.usecases.checkout import end_stale_purchases
from chalicelib.usecases.unpaid_memberships import MAX_ENDED, MAX_PAGES
from tests.domain.builders import FAN, a_bundle, a_catalogue
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness, a_stripe_event, moved

HOUR = timedelta(hours=1)


def a_budget_harness() -> CheckoutHarness:
    """Build a fan whose budget allows one bundle of 74 cents a month."""
    harness = CheckoutHarness()
    limits = Limits(zone="UTC", currency="usd", money=ByPeriod(UNLIMITED, UNLIMITED, 100))
    set_budget(FAN, limits, ledger=harness.books, clock=harness.clock)
    return harness


def key(harness: CheckoutHarness, number: int) -> str:
    return uuid7_at(harness.clock.now(), number)


def left(harness: CheckoutHarness) -> int:
    budget = harness.books.read_wallet(FAN).budget
    assert budget is not None
    return budget.money_left.month


def never_opened(harness: CheckoutHarness) -> str:
    """Store a checkout that counts in the budget, without a session at the provider."""
    lost = key(harness, 1)
    harness.recorder.fail_before["open_session"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.open(purchase_id=lost)
    assert left(harness) == 26
    return lost


def status(harness: CheckoutHarness, purchase_id: str) -> Status:
    purchase = harness.books.find_entry(FAN, purchase_id)
    assert isinstance(purchase, Purchase)
    return purchase.status


def test_end_stale_purchases_keeps_payable_ones_counted() -> None:
    harness = a_budget_harness()
    never_opened(harness)
    harness.clock.advance(3 * HOUR)
    with pytest.raises(BudgetReached):
        harness.open(purchase_id=key(harness, 2))


def test_end_stale_purchases_releases_the_price() -> None:
    harness = a_budget_harness()
    lost = never_opened(harness)
    harness.clock.advance(3 * HOUR + timedelta(milliseconds=1))
    assert harness.open(purchase_id=key(harness, 2)).url is not None
    assert (status(harness, lost), left(harness)) == (Status.EXPIRED, 26)


def test_end_stale_purchases_releases_once() -> None:
    harness = a_budget_harness()
    never_opened(harness)
    harness.clock.advance(4 * HOUR)
    harness.recorder.calls.clear()
    ended = [end_stale_purchases(FAN, ledger=harness.ledger, clock=harness.clock) for _ in range(2)]
    assert (ended, left(harness)) == ([1, 0], 100)
    assert harness.recorder.calls.count("list_open") == 2, "a page that is not full is the last one"


def test_end_stale_purchases_finds_them_behind_any_number_of_entries() -> None:
    harness = a_budget_harness()
    never_opened(harness)
    harness.clock.advance(4 * HOUR)
    for number in range(101):
        harness.stock(purchase_id=key(harness, number), **moved(Status.POSTED))
    assert end_stale_purchases(FAN, ledger=harness.books, clock=harness.clock) == 1
    assert harness.books.open_checkouts == {}


@pytest.mark.parametrize(("pages", "ended"), [(1, [1, 0]), (MAX_PAGES, [0, 1])])
def test_end_stale_purchases_finds_them_behind_those_that_ended_before(pages: int, ended: list[int]) -> None:
    harness = CheckoutHarness()
    harness.max_open_checkouts = 1_000
    for number in range(pages * MAX_ENDED):
        harness.open(purchase_id=key(harness, number))
        harness.stock(purchase_id=key(harness, number), **moved(Status.EXPIRED))
    harness.clock.advance(timedelta(seconds=1))
    lost = harness.open(purchase_id=key(harness, 1)).purchase
    harness.clock.advance(4 * HOUR)
    assert [end_stale_purchases(FAN, ledger=harness.books, clock=harness.clock) for _ in range(2)] == ended
    assert status(harness, lost.purchase_id) is Status.EXPIRED


@pytest.mark.parametrize("step", ["move_purchase", "close_open"])
def test_end_stale_purchases_after_a_fault_ends_the_rest(step: str) -> None:
    harness = a_budget_harness()
    lost = never_opened(harness)
    harness.clock.advance(4 * HOUR)
    harness.recorder.fail_before[step] = TryAgain()
    with pytest.raises(TryAgain):
        end_stale_purchases(FAN, ledger=harness.ledger, clock=harness.clock)
    end_stale_purchases(FAN, ledger=harness.ledger, clock=harness.clock)
    assert (status(harness, lost), left(harness)) == (Status.EXPIRED, 100)
    assert harness.books.open_checkouts == {}


@pytest.mark.parametrize(
    ("key_form", "hours", "ended"), [(FORMER_KEY_FORM, 4, 1), (FORMER_KEY_FORM, 3, 0), (KEY_FORM, 4, 0)]
)
def test_end_stale_purchases_finds_those_of_the_first_release(key_form: int, hours: int, ended: int) -> None:
    harness = a_budget_harness()
    lost = never_opened(harness)
    harness.books.open_checkouts.clear()
    harness.stock(purchase_id=lost, key_form=key_form)
    harness.clock.advance(hours * HOUR)
    assert end_stale_purchases(FAN, ledger=harness.books, clock=harness.clock) == ended
    assert left(harness) == 26 + 74 * ended


def test_fulfill_checkout_of_a_stale_purchase_credits_and_counts_again() -> None:
    harness = a_budget_harness()
    lost = never_opened(harness)
    harness.clock.advance(4 * HOUR)
    end_stale_purchases(FAN, ledger=harness.books, clock=harness.clock)
    purchase = harness.books.find_entry(FAN, lost)
    assert isinstance(purchase, Purchase)
    assert harness.deliver(a_stripe_event(session=session_of(purchase))) == "credited"
    assert left(harness) == 26


def test_open_checkout_without_stale_purchases_is_refused_by_the_budget() -> None:
    harness = a_budget_harness()
    harness.open(purchase_id=key(harness, 1))
    with pytest.raises(BudgetReached):
        harness.open(purchase_id=key(harness, 2))


@pytest.mark.parametrize("is_sold_on", [True, False])
def test_open_checkout_repeat_of_an_excluded_fan_has_no_url(*, is_sold_on: bool) -> None:
    harness = a_budget_harness()
    opened = key(harness, 1)
    assert harness.open(purchase_id=opened).url is not None
    exclude_fan(FAN, uuid7_at(START, 9), 1, ledger=harness.books, clock=harness.clock)
    if not is_sold_on:
        harness.catalogue = a_catalogue(a_bundle("coins_350", 350))
    again = harness.open(purchase_id=opened)
    assert (again.is_repeat, again.url, again.purchase.status) == (True, None, Status.PENDING)
