from typing import Any

import pytest

from chalicelib.domain.entries import Entry
from chalicelib.domain.prices import CostBasis, listed, paid
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.errors import UnknownBundle
from tests.domain.builders import a_bundle, a_catalogue, a_gift, a_posted_purchase, a_purchase, an_adjustment


def bought(coins: int, amount_minor: int, **changes: Any) -> Purchase:
    return a_posted_purchase(coins=coins, amount_minor=amount_minor, **changes)


@pytest.mark.parametrize(
    ("coins", "amount_minor", "asked", "price_minor"),
    [(70, 74, 70, 74), (70, 74, 1, 2), (70, 74, 35, 37), (70, 74, 36, 39), (70, 70, 1, 1), (8500, 7499, 1, 1)],
)
def test_cost_basis_price_minor_is_rounded_up(coins: int, amount_minor: int, asked: int, price_minor: int) -> None:
    basis = CostBasis(basis="list", coins=coins, amount_minor=amount_minor, currency="usd")
    assert basis.price_minor(asked) == price_minor


def test_paid_is_the_money_kept_for_the_coins_kept() -> None:
    entries: list[Entry] = [
        bought(70, 74),
        bought(350, 364, kept_minor=364),
        bought(70, 74, kept_minor=37),  # half was refunded: 35 coins are kept
        bought(700, 721, kept_minor=0),  # all of it was refunded
        a_gift(),
        an_adjustment(coins=1000),
    ]
    assert paid(entries, "usd") == CostBasis(basis="paid", coins=455, amount_minor=475, currency="usd")


@pytest.mark.parametrize(
    "entry",
    [
        bought(70, 72, currency="eur"),
        bought(70, 74, kept_minor=0),
        *[a_purchase(status=status) for status in Status if status is not Status.POSTED],
        a_gift(),
        an_adjustment(),
    ],
    ids=repr,
)
def test_paid_without_kept_coins_in_the_currency_is_none(entry: Any) -> None:
    assert paid([entry], "usd") is None


def test_list_price_is_that_of_the_smallest_web_bundle() -> None:
    catalogue = a_catalogue(
        a_bundle("large", 700, prices={"web": {"usd": 721, "eur": 698}}),
        a_bundle("small", 70, prices={"web": {"usd": 74}, "in_app": {"usd": 99}}),
        a_bundle("tiny", 10, prices={"in_app": {"usd": 20}}),
    )
    assert listed(catalogue, "usd") == CostBasis(basis="list", coins=70, amount_minor=74, currency="usd")
    assert listed(catalogue, "eur") == CostBasis(basis="list", coins=700, amount_minor=698, currency="eur")
    with pytest.raises(UnknownBundle):
        listed(catalogue, "gbp")
