"""Memberships of fans who allow themselves only so much."""

from datetime import timedelta

import pytest

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, Limits
from chalicelib.domain.periods import ByPeriod
from chalicelib.errors import BudgetCurrency, BudgetReached, Refusal, SelfExcluded
from chalicelib.usecases.exclude_fan import exclude_fan
from chalicelib.usecases.set_budget import set_budget
from tests.domain.builders import FAN
from tests.fakes import START, uuid7_at
from tests.usecases.club import Club


def a_club(month_minor: int = UNLIMITED, currency: str = "usd") -> Club:
    club = Club()
    money = ByPeriod(UNLIMITED, UNLIMITED, month_minor)
    limits = Limits(zone="UTC", currency=None if money == NO_LIMIT else currency, money=money)
    set_budget(FAN, limits, ledger=club.books, clock=club.clock)
    return club


def left(club: Club) -> int:
    budget = club.books.read_wallet(FAN).budget
    assert budget is not None
    return budget.money_left.month


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
    club = Club()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=club.books, clock=club.clock)
    with pytest.raises(SelfExcluded):
        club.join()


def test_a_membership_that_was_opened_never_hears_no() -> None:
    club = Club()
    opened = club.join()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=club.books, clock=club.clock)
    try:
        assert club.join().membership == opened.membership
    except Refusal as refusal:
        pytest.fail(f"{refusal}")


def test_each_month_counts_when_it_is_paid_and_is_never_turned_away() -> None:
    club = a_club(700)
    club.joined()
    for month, rest in ((1, 201), (2, -298)):
        club.billed(month)
        assert club.hear_invoice(month) == "credited"
        assert left(club) == rest
    assert club.hear_invoice(2) == "unchanged"
    assert left(club) == -298


def test_money_of_another_currency_is_credited_and_not_counted() -> None:
    club = a_club(700, "eur")
    club.joined()
    club.billed(1)
    assert club.hear_invoice(1) == "credited"
    assert left(club) == 700
    club.clock.advance(timedelta(days=1))
    assert club.balance() == 500
