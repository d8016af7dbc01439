from itertools import permutations

import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.domain.catalogue import Offer
from chalicelib.domain.top_up import MAX_TOP_UP, TopUp, cheapest_top_up, require_needed
from chalicelib.errors import InvalidField, UnknownBundle
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item


def offers(*bundles: tuple[int, int]) -> list[Offer]:
    """Build in-app offers of bundles, given as coins and cents; in the app a price per coin may rise."""
    made = [a_bundle(f"b{number}", coins, prices={"in_app": {"usd": price}}) for number, (coins, price) in
            enumerate(bundles)]  # fmt: skip
    return a_catalogue(*made, a_gift_item(coins=1)).offers("usd", "in_app")


def bought_lines(top_up: TopUp) -> list[tuple[int, int]]:
    return [(line.offer.bundle.coins, line.quantity) for line in top_up.lines]


@pytest.mark.parametrize(
    ("needed", "bundles", "bought"),
    [
        (70, [(70, 74), (350, 364)], [(70, 1)]),
        (71, [(70, 74), (350, 364)], [(70, 2)]),
        (349, [(70, 74), (350, 364)], [(350, 1)]),
        (420, [(70, 74), (350, 364)], [(350, 1), (70, 1)]),
        (2, [(10, 100)], [(10, 1)]),
        (100, [(10, 100)], [(10, 10)]),
        (100, [(60, 50), (100, 101)], [(60, 2)]),  # cheaper, in two purchases
        (100, [(50, 50), (100, 100)], [(100, 1)]),  # same price: fewer purchases
        (90, [(100, 100), (90, 100)], [(90, 1)]),  # same price and number: fewest spare coins
        (90, [(1000, 10), (90, 100)], [(1000, 1)]),  # many more coins for less
        (
            6,
            [(4, 4), (3, 3), (2, 2)],
            [(4, 1), (2, 1)],
        ),  # equal in every criterion to two threes: the larger bundle first
        (30, [(25, 25), (10, 10), (2, 3)], [(10, 3)]),  # a greedy choice would be wrong
        (11, [(5, 5), (6, 7), (11, 13)], [(6, 1), (5, 1)]),
        (29, [(6, 8), (10, 12), (7, 7)], [(10, 1), (7, 3)]),  # many paths lead to the same missing coins
        (19, [(6, 7), (2, 2)], [(2, 10)]),
        (1, [(5, 100), (10, 50)], [(10, 1)]),
        (80, [(24, 29), (18, 22), (12, 15)], [(24, 3), (12, 1)]),  # equal to 2 and 2: the larger bundle first
        (2, [(10, 100), (9, 101)], [(10, 1)]),
    ],
)
def test_cheapest_top_up_returns_the_cheapest_bundles(
    needed: int, bundles: list[tuple[int, int]], bought: list[tuple[int, int]]
) -> None:
    found = cheapest_top_up(offers(*bundles), needed)
    assert bought_lines(found) == bought
    prices = dict(bundles)
    assert found.amount_minor == sum(prices[coins] * quantity for coins, quantity in bought)
    assert found.coins == sum(coins * quantity for coins, quantity in bought)
    assert found.spare_coins == found.coins - needed


def test_cheapest_top_up_is_independent_of_the_order_of_offers() -> None:
    found = {
        str(bought_lines(cheapest_top_up(given, 60)))
        for given in permutations(offers((7, 7), (10, 10), (13, 13), (20, 20), (21, 21)))
    }
    assert found == {"[(20, 3)]"}


@pytest.mark.parametrize("needed", [0, -1, MAX_TOP_UP + 1])
def test_cheapest_top_up_of_zero_or_too_many_coins_is_refused(needed: int) -> None:
    with pytest.raises(InvalidField, match="for: a whole number from 1 to 200000"):
        cheapest_top_up(offers((70, 74)), needed)


@pytest.mark.parametrize("needed", [1, MAX_TOP_UP])
def test_require_needed_returns_the_first_and_the_last_valid_number(needed: int) -> None:
    assert require_needed(needed) == needed


def test_cheapest_top_up_without_offers_raises_unknown_bundle() -> None:
    with pytest.raises(UnknownBundle):
        cheapest_top_up([], 1)


def test_cheapest_top_up_of_the_maximum_is_found() -> None:
    found = cheapest_top_up(load_catalogue("default").offers("usd", "web"), MAX_TOP_UP)
    assert bought_lines(found) == [(8500, 23), (4000, 1), (350, 1), (70, 3)]
