"""Memberships of fans with a budget or an exclusion."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, Budget, Limits, renewed
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import BudgetCurrency, BudgetReached, SelfExcluded
from chalicelib.usecases.budgets import exclude_fan, set_budget
from tests.domain.builders import FAN
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MembershipHarness


def a_club(month_minor: int = UNLIMITED, currency: str = "usd") -> MembershipHarness:
    harness = MembershipHarness()
    money = ByPeriod(UNLIMITED, UNLIMITED, month_minor)
    limits = Limits(zone="UTC", currency=None if money == NO_LIMIT else currency, money=money)
    set_budget(FAN, limits, ledger=harness.books, clock=harness.clock)
    return harness


def budget_of(harness: MembershipHarness) -> Budget:
    budget = harness.books.read_wallet(FAN).budget
    assert budget is not None
    return budget


def left(harness: MembershipHarness) -> int:
    return budget_of(harness).money_left.month


@pytest.mark.parametrize(("month_minor", "is_allowed"), [(499, True), (498, False), (0, False)])
def test_open_membership_beyond_the_budget_is_refused(month_minor: int, is_allowed: bool) -> None:
    harness = a_club(month_minor)
    if is_allowed:
        assert harness.join().url is not None
        assert left(harness) == month_minor, "it counts as its months are paid"
        return
    with pytest.raises(BudgetReached):
        harness.join()
    assert harness.members.known == {}


def test_open_membership_in_another_currency_is_refused() -> None:
    with pytest.raises(BudgetCurrency):
        a_club(10_000, "eur").join()


def test_open_membership_of_an_excluded_fan_is_refused() -> None:
    harness = MembershipHarness()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=harness.books, clock=harness.clock)
    with pytest.raises(SelfExcluded):
        harness.join()


def test_open_membership_repeat_of_an_excluded_fan_has_no_url() -> None:
    harness = MembershipHarness()
    opened = harness.join()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=harness.books, clock=harness.clock)
    assert opened.url is not None
    assert harness.join() == replace(opened, url=None, is_repeat=True)


def test_fulfill_invoice_counts_each_month_and_never_refuses_it() -> None:
    harness = a_club(700)
    harness.joined()
    for month, rest in ((1, 201), (2, -298)):
        harness.billed(month)
        assert harness.deliver_invoice(month) == "credited"
        assert left(harness) == rest
    assert harness.deliver_invoice(2) == "unchanged"
    assert left(harness) == -298


def test_fulfill_invoice_in_another_currency_credits_without_counting() -> None:
    harness = a_club(700, "eur")
    harness.joined()
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    assert left(harness) == 700
    harness.clock.advance(timedelta(days=1))
    assert harness.balance() == 500


@pytest.mark.parametrize(("days", "rest"), [(0, 201), (9, 201), (40, 201)])
def test_fulfill_invoice_counts_in_the_period_of_the_payment(days: int, rest: int) -> None:
    harness = a_club(700)
    harness.joined()
    harness.clock.advance(timedelta(days=days))
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    assert renewed(budget_of(harness), harness.clock.now()).money_left.month == rest


def test_fulfill_invoice_of_two_periods_counts_one_month_in_each() -> None:
    harness = a_club(700)
    harness.joined()
    for month in (1, 2):
        harness.billed(month)
        harness.deliver_invoice(month)
        assert renewed(budget_of(harness), harness.clock.now()).money_left.month == 201
        harness.clock.advance(timedelta(days=35))
    assert renewed(budget_of(harness), harness.clock.now()).money_left.month == 700
