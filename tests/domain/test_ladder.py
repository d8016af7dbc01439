import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.domain.catalogue import Bundle, Catalogue, Offer
from chalicelib.domain.ladder import custom_range, offer_for, single_checkout
from chalicelib.errors import CoinsNotForSale, UnknownBundle
from tests.domain.builders import a_bundle, a_catalogue

TIKTOK, DEFAULT = load_catalogue("tiktok_like"), load_catalogue("default")


def on_the_web(*bundles: tuple[int, int], most: int | None = 1_000, currency: str = "usd") -> Catalogue:
    """Build a catalogue of bundles, given as coins and minor units."""
    return a_catalogue(*(_bundle(coins, {currency: price}) for coins, price in bundles), custom_max_coins=most)


def _bundle(coins: int, prices: dict[str, int]) -> Bundle:
    return a_bundle(f"b{coins}", coins, prices={"web": prices})


def test_custom_amount_has_no_bonus() -> None:
    assert offer_for(TIKTOK, 71, "usd").bundle.bonus_coins == 0


def quoted(offer: Offer) -> tuple[str, int, int]:
    return offer.bundle.bundle_id, offer.coins, offer.amount_minor


@pytest.mark.parametrize(
    ("coins", "expected"),
    [
        (70, ("coins_70", 70, 74)),
        (71, ("custom", 71, 76)),  # 75.06 rounded up
        (340, ("custom", 340, 360)),
        (343, ("custom", 343, 363)),
        (344, ("coins_350", 350, 364)),  # no cheaper than the next bundle
        (345, ("coins_350", 350, 364)),  # not 365
        (350, ("coins_350", 350, 364)),
        (1_400, ("custom", 1_400, 1_442)),
        (1_500, ("coins_1500", 1_500, 1_499)),  # of which 100 are a bonus
        (44_999, ("custom", 44_999, 39_700)),
        (200_000, ("custom", 200_000, 176_448)),
    ],
)
def test_offer_for_prices_coins_by_the_largest_bundle_reached(coins: int, expected: tuple[str, int, int]) -> None:
    offer = offer_for(DEFAULT, coins, "usd")
    assert quoted(offer) == expected
    assert (offer.currency, offer.channel) == ("usd", "web")


@pytest.mark.parametrize(
    ("currency", "bundle", "coins", "expected"),
    [
        ("kwd", (70, 230), 71, ("custom", 71, 240)),
        ("kwd", (70, 230), 140, ("custom", 140, 460)),
        ("isk", (70, 10_300), 71, ("custom", 71, 10_500)),
        ("jpy", (70, 112), 71, ("custom", 71, 114)),
    ],
)
def test_offer_for_rounds_up_to_the_currencys_smallest_step(
    currency: str, bundle: tuple[int, int], coins: int, expected: tuple[str, int, int]
) -> None:
    assert quoted(offer_for(on_the_web(bundle, currency=currency), coins, currency)) == expected


@pytest.mark.parametrize(
    ("coins", "expected"),
    [
        (10, ("b30", 30, 10)),  # a larger bundle that costs no more replaces a bundle, too
        (25, ("b30", 30, 10)),
        (30, ("b30", 30, 10)),
        (31, ("custom", 31, 11)),
    ],
)
def test_offer_for_is_the_largest_bundle_that_costs_no_more(coins: int, expected: tuple[str, int, int]) -> None:
    assert quoted(offer_for(on_the_web((10, 100), (20, 50), (30, 10), (40, 13)), coins, "usd")) == expected


def test_offer_for_a_custom_amount_has_the_discount_of_its_price() -> None:
    offer = offer_for(on_the_web((10, 100), (100, 800)), 200, "usd")
    assert (offer.price_per_coin, offer.discount_percent, offer.web_saving_percent) == ("0.080000", 20, None)


@pytest.mark.parametrize(
    ("most", "coins", "nearest"),
    [
        (1_000, 1, (None, 70)),
        (1_000, 69, (None, 70)),
        (1_000, 1_001, (1_000, None)),
        (None, 69, (None, 70)),
        (None, 71, (70, 350)),
        (None, 351, (350, None)),
    ],
)
def test_offer_for_coins_that_are_not_for_sale_names_the_nearest(
    most: int | None, coins: int, nearest: tuple[int | None, int | None]
) -> None:
    below, above = nearest
    with pytest.raises(CoinsNotForSale) as refused:
        offer_for(on_the_web((70, 74), (350, 364), most=most), coins, "usd")
    assert refused.value.extensions == {
        name: size for name, size in [("nearest_below", below), ("nearest_above", above)] if size is not None
    }
    assert all(str(size) in refused.value.detail for size in nearest if size is not None)


def test_offer_for_without_custom_amounts_is_a_bundle_of_that_size() -> None:
    assert quoted(offer_for(on_the_web((70, 74), (350, 364), most=None), 350, "usd")) == ("b350", 350, 364)


def test_offer_for_needs_a_bundle_in_that_currency_on_the_web() -> None:
    in_app = a_catalogue(a_bundle(prices={"in_app": {"usd": 99}}), custom_max_coins=100)
    for catalogue, currency in [(TIKTOK, "eur"), (in_app, "usd")]:
        with pytest.raises(UnknownBundle):
            offer_for(catalogue, 70, currency)
        with pytest.raises(UnknownBundle):
            single_checkout(catalogue, 70, currency)


@pytest.mark.parametrize(
    ("most", "needed", "expected"),
    [
        (1_000, 1, ("b70", 70, 74)),
        (1_000, 71, ("custom", 71, 76)),
        (1_000, 1_000, ("custom", 1_000, 1_040)),
        (1_000, 1_001, None),
        (None, 1, ("b70", 70, 74)),
        (None, 71, ("b350", 350, 364)),
        (None, 351, None),
    ],
)
def test_single_checkout_has_the_coins_that_are_needed(
    most: int | None, needed: int, expected: tuple[str, int, int] | None
) -> None:
    found = single_checkout(on_the_web((70, 74), (350, 364), most=most), needed, "usd")
    assert (found and quoted(found)) == expected


@pytest.mark.parametrize(
    ("catalogue", "currency", "channel", "expected"),
    [
        (TIKTOK, "usd", "web", (70, 200_000)),
        (TIKTOK, "usd", "in_app", None),
        (TIKTOK, "eur", "web", None),
        (load_catalogue("instagram_like"), "usd", "web", (75, 200_000)),
        (on_the_web((70, 74), most=None), "usd", "web", None),
    ],
)
def test_custom_range_is_from_the_smallest_bundle_to_the_limit(
    catalogue: Catalogue, currency: str, channel: str, expected: tuple[int, int] | None
) -> None:
    assert custom_range(catalogue, currency, channel) == expected
