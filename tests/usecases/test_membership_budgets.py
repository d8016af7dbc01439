"""Memberships of fans who allow themselves only so much."""

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
    club = MembershipHarness()
    money = ByPeriod(UNLIMITED, UNLIMITED, month_minor)
    limits = Limits(zone="UTC", currency=None if money == NO_LIMIT else currency, money=money)
    set_budget(FAN, limits, ledger=club.books, clock=club.clock)
    return club


def budget_of(club: MembershipHarness) -> Budget:
    budget = club.books.read_wallet(FAN).budget
    assert budget is not None
    return budget


def left(club: MembershipHarness) -> int:
    return budget_of(club).money_left.month


@pytest.mark.parametrize(("month_minor", "is_allowed"), [(499, True), (498, False), (0, False)])
def test_a_membership_that_costs_more_than_is_left_is_not_opened(month_minor: int, is_allowed: bool) -> None:
    club = a_club(month_minor)
    if is_allowed:
        assert club.join().url is not None
        assert left(club) == month_minor, "it counts as its months are paid"
        return
    with pytest.raises(BudgetReached):
        club.join()
    assert club.members.known == {}


def test_nor_is_one_in_another_currency_than_the_budgets() -> None:
    with pytest.raises(BudgetCurrency):
        a_club(10_000, "eur").join()


def test_nor_one_of_a_fan_who_shut_himself_out() -> None:
    club = MembershipHarness()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=club.books, clock=club.clock)
    with pytest.raises(SelfExcluded):
        club.join()


def test_a_membership_that_was_opened_never_hears_no_but_is_shown_no_way_to_pay() -> None:
    club = MembershipHarness()
    opened = club.join()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=club.books, clock=club.clock)
    assert opened.url is not None
    assert club.join() == replace(opened, url=None, is_repeat=True)


def test_each_month_counts_when_it_is_paid_and_is_never_turned_away() -> None:
    club = a_club(700)
    club.joined()
    for month, rest in ((1, 201), (2, -298)):
        club.billed(month)
        assert club.deliver_invoice(month) == "credited"
        assert left(club) == rest
    assert club.deliver_invoice(2) == "unchanged"
    assert left(club) == -298


def test_money_of_another_currency_is_credited_and_not_counted() -> None:
    club = a_club(700, "eur")
    club.joined()
    club.billed(1)
    assert club.deliver_invoice(1) == "credited"
    assert left(club) == 700
    club.clock.advance(timedelta(days=1))
    assert club.balance() == 500


@pytest.mark.parametrize(("days", "rest"), [(0, 201), (9, 201), (40, 201)])
def test_a_month_counts_in_the_period_in_which_it_is_paid(days: int, rest: int) -> None:
    club = a_club(700)
    club.joined()
    club.clock.advance(timedelta(days=days))
    club.billed(1)
    assert club.deliver_invoice(1) == "credited"
    assert renewed(budget_of(club), club.clock.now()).money_left.month == rest


def test_two_months_that_are_paid_in_two_periods_count_one_in_each() -> None:
    club = a_club(700)
    club.joined()
    for month in (1, 2):
        club.billed(month)
        club.deliver_invoice(month)
        assert renewed(budget_of(club), club.clock.now()).money_left.month == 201
        club.clock.advance(timedelta(days=35))
    assert renewed(budget_of(club), club.clock.now()).money_left.month == 700
