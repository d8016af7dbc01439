"""Checkouts of which the payment provider never heard, and fans who shut themselves out after opening one."""

from datetime import timedelta

import pytest

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import BudgetReached, TryAgain
from chalicelib.usecases.budgets import exclude_fan, set_budget
from chalicelib.usecases.checkout import end_stale_purchases
from tests.domain.builders import FAN, a_bundle, a_catalogue
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.desk import Desk, a_stripe_event

HOUR = timedelta(hours=1)


def a_desk() -> Desk:
    """Of a fan who allows himself one bundle of 74 cents a month."""
    desk = Desk()
    limits = Limits(zone="UTC", currency="usd", money=ByPeriod(UNLIMITED, UNLIMITED, 100))
    set_budget(FAN, limits, ledger=desk.books, clock=desk.clock)
    return desk


def key(desk: Desk, number: int) -> str:
    return uuid7_at(desk.clock.now(), number)


def left(desk: Desk) -> int:
    budget = desk.books.read_wallet(FAN).budget
    assert budget is not None
    return budget.money_left.month


def never_opened(desk: Desk) -> str:
    """A checkout that is counted, and that the provider never heard of."""
    lost = key(desk, 1)
    desk.watch.fail_before["open_session"] = TryAgain()
    with pytest.raises(TryAgain):
        desk.open(purchase_id=lost)
    assert left(desk) == 26
    return lost


def status(desk: Desk, purchase_id: str) -> Status:
    purchase = desk.books.find_entry(FAN, purchase_id)
    assert isinstance(purchase, Purchase)
    return purchase.status


def test_while_it_may_still_be_paid_it_counts() -> None:
    desk = a_desk()
    never_opened(desk)
    desk.clock.advance(3 * HOUR)
    with pytest.raises(BudgetReached):
        desk.open(purchase_id=key(desk, 2))


def test_when_it_is_over_it_gives_back_what_it_counted() -> None:
    desk = a_desk()
    lost = never_opened(desk)
    desk.clock.advance(3 * HOUR + timedelta(milliseconds=1))
    assert desk.open(purchase_id=key(desk, 2)).url is not None
    assert (status(desk, lost), left(desk)) == (Status.EXPIRED, 26)


def test_it_gives_back_once() -> None:
    desk = a_desk()
    never_opened(desk)
    desk.clock.advance(4 * HOUR)
    ended = [end_stale_purchases(FAN, ledger=desk.books, clock=desk.clock) for _ in range(2)]
    assert (ended, left(desk)) == ([1, 0], 100)


def test_what_was_paid_all_the_same_is_credited_and_counts_again() -> None:
    desk = a_desk()
    lost = never_opened(desk)
    desk.clock.advance(4 * HOUR)
    end_stale_purchases(FAN, ledger=desk.books, clock=desk.clock)
    purchase = desk.books.find_entry(FAN, lost)
    assert isinstance(purchase, Purchase)
    assert desk.hear(a_stripe_event(session=session_of(purchase))) == "credited"
    assert left(desk) == 26


def test_a_budget_that_nothing_can_be_given_back_to_says_no() -> None:
    desk = a_desk()
    desk.open(purchase_id=key(desk, 1))
    with pytest.raises(BudgetReached):
        desk.open(purchase_id=key(desk, 2))


@pytest.mark.parametrize("is_sold_on", [True, False])
def test_who_shut_himself_out_is_shown_no_way_to_pay_for_what_he_opened(*, is_sold_on: bool) -> None:
    desk = a_desk()
    opened = key(desk, 1)
    assert desk.open(purchase_id=opened).url is not None
    exclude_fan(FAN, uuid7_at(START, 9), 1, ledger=desk.books, clock=desk.clock)
    if not is_sold_on:
        desk.catalogue = a_catalogue(a_bundle("coins_350", 350))
    again = desk.open(purchase_id=opened)
    assert (again.is_repeat, again.url, again.purchase.status) == (True, None, Status.PENDING)
