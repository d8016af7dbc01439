"""No way of splitting an amount of coins is cheaper than one checkout, and no larger amount is."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.catalogue_files import FOLDER, load_catalogue
from chalicelib.adapters.rate_files import RATES
from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.ladder import custom_range, offer_for
from chalicelib.domain.money import smallest_step_minor
from tests.extent import whole_or
from tests.properties.markets import markets
from tests.properties.profile import STEADY

SHIPPED = [
    (path.stem, currency)
    for path in sorted(set(FOLDER.glob("*.json")) - {RATES})
    for currency in load_catalogue(path.stem).currencies("web")
]


def price(catalogue: Catalogue, coins: int, currency: str) -> int:
    return offer_for(catalogue, coins, currency).amount_minor


def cheapest_sets(catalogue: Catalogue, currency: str, most: int) -> list[int]:
    """The price of the cheapest bundles with at least 0, 1, 2 ... `most` coins."""
    bundles = [(offer.coins, offer.amount_minor) for offer in catalogue.offers(currency, "web")]
    best = [0]
    for needed in range(1, most + 1):
        best.append(min(best[max(0, needed - coins)] + amount for coins, amount in bundles))
    return best


@STEADY
@given(markets(most_coins=60, most_steps=90))
def test_offer_for_never_falls_and_no_split_or_set_of_bundles_is_cheaper(market: tuple[Catalogue, str]) -> None:
    catalogue, currency = market
    limits = custom_range(catalogue, currency, "web")
    assert limits is not None
    least, most = limits
    prices = {coins: price(catalogue, coins, currency) for coins in range(least, most + 1)}
    assert all(fewer <= more for fewer, more in pairwise(prices.values()))
    sets = cheapest_sets(catalogue, currency, most)
    for coins, asked in prices.items():
        assert asked <= sets[coins]
        assert asked % smallest_step_minor(currency) == 0
        for part in range(least, coins // 2 + 1):
            if coins - part >= least:
                assert asked <= prices[part] + prices[coins - part]


@STEADY
@given(st.data(), markets())
def test_offer_for_costs_no_more_than_the_price_per_coin_of_a_bundle_that_it_reaches(
    data: st.DataObject, market: tuple[Catalogue, str]
) -> None:
    catalogue, currency = market
    limits = custom_range(catalogue, currency, "web") or (catalogue.offers(currency, "web")[0].coins,) * 2
    coins = data.draw(st.integers(*limits))
    found, step = offer_for(catalogue, coins, currency), smallest_step_minor(currency)
    assert found.coins >= coins
    for bundle in catalogue.offers(currency, "web"):
        if bundle.coins <= coins:
            assert (found.amount_minor - step) * bundle.coins < coins * bundle.amount_minor
        else:
            assert found.amount_minor <= bundle.amount_minor


@pytest.mark.parametrize(("name", "currency"), SHIPPED)
def test_offer_for_is_no_dearer_than_any_bundles_of_a_shipped_catalogue(name: str, currency: str) -> None:
    catalogue, most = load_catalogue(name), whole_or(50_000, 12_000)
    least = catalogue.offers(currency, "web")[0].coins
    sets = cheapest_sets(catalogue, currency, most)
    sizes = [offer.coins for offer in catalogue.offers(currency, "web") if offer.coins <= most]
    around = {size + more for size in sizes for more in range(-3, 4)}
    amounts = sorted(
        coins for coins in {*range(least, 2_000), *range(2_000, most + 1, 97), *around} if least <= coins <= most
    )
    prices = {coins: price(catalogue, coins, currency) for coins in amounts}
    assert all(fewer <= more for fewer, more in pairwise(prices.values()))
    assert all(asked <= sets[coins] for coins, asked in prices.items())
    for coins in range(2 * least, 2_000, 7):
        cheapest_split = min(
            (prices[part] + prices[coins - part] for part in range(least, coins // 2 + 1)), default=math.inf
        )
        assert prices[coins] <= cheapest_split
