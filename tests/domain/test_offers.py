import pytest

from chalicelib.domain.catalogue import Offer
from tests.domain.builders import a_bundle, a_catalogue


def offer(coins: int, *, web: int, in_app: int | None = None, currency: str = "usd") -> Offer:
    """Return the only bundle's offer on the web."""
    prices = {"web": {currency: web}} | ({} if in_app is None else {"in_app": {currency: in_app}})
    return a_catalogue(a_bundle(coins=coins, prices=prices)).offers(currency, "web")[0]


def test_offers_lists_the_market_smallest_first() -> None:
    large = a_bundle("coins_700", 700, prices={"web": {"usd": 721, "eur": 698}})
    small = a_bundle("coins_70", 70, prices={"web": {"usd": 74}, "in_app": {"usd": 99}})
    catalogue = a_catalogue(large, small)
    assert [found.bundle for found in catalogue.offers("usd", "web")] == [small, large]
    assert [found.bundle for found in catalogue.offers("eur", "web")] == [large]
    assert [found.bundle for found in catalogue.offers("usd", "in_app")] == [small]
    assert catalogue.offers("gbp", "web") == []
    assert catalogue.offers("usd", "kiosk") == []


def test_offers_have_currency_channel_and_amount() -> None:
    found = a_catalogue().offers("usd", "in_app")[0]
    assert (found.currency, found.channel, found.amount_minor) == ("usd", "in_app", 99)


@pytest.mark.parametrize(
    ("coins", "amount_minor", "currency", "per_coin"),
    [
        (70, 70, "usd", "0.010000"),
        (70, 74, "usd", "0.010571"),  # 0.01057142...
        (3, 2, "usd", "0.006667"),  # 0.0066666...
        (20_000, 1, "usd", "0.000001"),  # exactly half a millionth goes up
        (20_001, 1, "usd", "0.000000"),
        (2, 3, "jpy", "1.500000"),
        (70, 112, "jpy", "1.600000"),
        (100, 230, "kwd", "0.002300"),
        (70, 230, "kwd", "0.003286"),  # 0.00328571...
        (2, 100, "isk", "0.500000"),
    ],
)
def test_offer_price_per_coin_is_rounded_half_up_to_six_digits(
    coins: int, amount_minor: int, currency: str, per_coin: str
) -> None:
    assert offer(coins, web=amount_minor, currency=currency).price_per_coin == per_coin


@pytest.mark.parametrize(
    ("coins", "amount_minor", "percent"),
    [
        (200, 200, 0),
        (200, 199, 0),  # half a percent is rounded down to no discount
        (200, 198, 1),
        (200, 100, 50),
        (200, 101, 49),
        (200, 1, 99),
        (200, 300, 0),  # more per coin than the smallest: no discount and no surcharge
    ],
)
def test_offer_discount_percent_is_rounded_down(coins: int, amount_minor: int, percent: int) -> None:
    smallest = a_bundle("coins_100", 100, prices={"in_app": {"usd": 100}})
    catalogue = a_catalogue(smallest, a_bundle("larger", coins, prices={"in_app": {"usd": amount_minor}}))
    assert [found.discount_percent for found in catalogue.offers("usd", "in_app")] == [0, percent]


def test_offer_discount_percent_compares_within_its_market() -> None:
    catalogue = a_catalogue(
        a_bundle("tiny", 10, prices={"web": {"eur": 1_000}}),
        a_bundle("small", 100, prices={"web": {"usd": 100}}),
        a_bundle("large", 1_000, prices={"web": {"usd": 900}}),
    )
    assert [found.discount_percent for found in catalogue.offers("usd", "web")] == [0, 10]


@pytest.mark.parametrize(
    ("web", "in_app", "percent"),
    [(99, 99, 0), (100, 101, 0), (99, 100, 1), (74, 99, 25), (75, 100, 25), (1, 100, 99), (74, None, None)],
)
def test_offer_web_saving_percent_is_rounded_down(web: int, in_app: int | None, percent: int | None) -> None:
    assert offer(70, web=web, in_app=in_app).web_saving_percent == percent


def test_offer_web_saving_percent_in_app_is_none() -> None:
    assert a_catalogue().offers("usd", "in_app")[0].web_saving_percent is None
