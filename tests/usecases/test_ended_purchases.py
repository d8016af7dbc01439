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
from tests.fakes import session_of, uuid7_at
from tests.usecases.desk import Desk, told

NIGHT = timedelta(hours=12)


def a_desk(currency: str = "usd", month: int = UNLIMITED) -> Desk:
    """A purchase of 74 cents is open, and counts against a hundred a day."""
    desk = Desk()
    limits = Limits(zone="UTC", currency=currency, money=ByPeriod(100, UNLIMITED, month))
    set_budget(FAN, limits, ledger=desk.books, clock=desk.clock)
    if currency == "usd":
        desk.open()
    else:
        desk.stock()
    desk.watch.calls.clear()
    return desk


def left(desk: Desk) -> int:
    return desk.books.budgets[FAN].money_left.day


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
    desk = a_desk()
    for word in words:
        desk.hear(told(word))
    assert (desk.purchase().status, left(desk)) == (status, 100)


def test_while_money_may_come_it_counts() -> None:
    desk = a_desk()
    desk.hear(told("unpaid"))
    assert left(desk) == 26


def test_money_that_comes_after_all_counts_again_and_is_never_turned_away() -> None:
    desk = a_desk()
    desk.hear(told("expired"))
    desk.open(purchase_id=uuid7_at(desk.clock.at, 9))
    assert desk.hear(told("paid")) == "credited"
    assert (left(desk), desk.balance(), desk.purchase().is_given_back) == (-48, 70, False)


def test_what_expires_the_day_after_is_given_back_to_the_month_alone() -> None:
    desk = a_desk(month=1_000)
    desk.clock.advance(NIGHT)
    desk.hear(told("expired"))
    assert desk.books.budgets[FAN].money_left == ByPeriod(100, UNLIMITED, 1_000)


def test_a_fan_without_a_budget_costs_a_read_and_no_more() -> None:
    desk = Desk()
    desk.open()
    desk.watch.calls.clear()
    desk.hear(told("expired"))
    assert desk.watch.calls == ["read_event", "read_wallet", "move_purchase"]


def test_what_never_counted_is_not_given_back() -> None:
    desk = a_desk("eur")
    desk.hear(told("expired"))
    assert (left(desk), desk.purchase().is_given_back) == (100, False)


def test_a_purchase_that_nobody_knows_gives_nothing_back() -> None:
    desk = a_desk()
    stranger = session_of(a_purchase(purchase_id=uuid7_at(desk.clock.at, 9)))
    with pytest.raises(NotFound):
        end_purchase(stranger, Status.EXPIRED, [Status.PENDING], ledger=desk.ledger, clock=desk.clock)
    assert left(desk) == 26


def test_a_ledger_that_says_nothing_gives_nothing_back_twice() -> None:
    desk = a_desk()
    desk.watch.fail_after["move_purchase"] = TryAgain()
    with pytest.raises(TryAgain):
        desk.hear(told("expired"))
    assert desk.hear(told("expired")) == "unchanged"
    assert left(desk) == 100
