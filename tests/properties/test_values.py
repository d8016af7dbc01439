import json
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.economy import MAX_QUANTITY
from chalicelib.domain.gifts import GiftOrder
from chalicelib.domain.messages import MAX_BYTES, MAX_CHARACTERS
from chalicelib.domain.money import EXPONENTS, MAX_AMOUNT, as_decimal
from chalicelib.errors import InvalidField
from tests.domain.builders import a_catalogue, a_gift_item, a_gift_order
from tests.properties.markets import markets
from tests.properties.profile import STEADY

amounts = st.integers(-MAX_AMOUNT, MAX_AMOUNT)
any_text = st.text(st.characters(), max_size=220)


def order_with(message: str) -> GiftOrder | None:
    """Build the order, or return None if the message is refused. Any other exception fails the test."""
    try:
        return a_gift_order(message=message)
    except InvalidField:
        return None


@STEADY
@given(any_text)
@example("\ud800")
@example("\u2028")
@example("é" * 200)
@example("\U0001fae8")
def test_gift_order_message_is_refused_or_normalized_once(message: str) -> None:
    order = order_with(message)
    if order is not None:
        kept = order.message
        assert len(kept) <= MAX_CHARACTERS
        assert len(kept.encode()) <= MAX_BYTES
        assert len(kept.splitlines()) <= 1
        assert json.loads(json.dumps(kept, ensure_ascii=False).encode()) == kept
        assert a_gift_order(message=kept).message == kept


@STEADY
@given(st.text("aZ9 .,!?'ñ漢👋🏽\u200d\u0301", max_size=100))
def test_gift_order_accepts_ordinary_messages(message: str) -> None:
    assert order_with(message) is not None


@STEADY
@given(amounts, st.sampled_from([0, 2, 3, 6]))
def test_as_decimal_keeps_the_amount(amount_minor: int, exponent: int) -> None:
    assert Decimal(as_decimal(amount_minor, exponent)).scaleb(exponent) == amount_minor


@STEADY
@given(markets())
def test_offers_discount_percent_is_exact_and_rounded_down(market: tuple[Catalogue, str]) -> None:
    catalogue, currency = market
    offers = catalogue.offers(currency, "web")
    first = offers[0]
    assert first.discount_percent == 0
    assert [offer.bundle.coins for offer in offers] == sorted(offer.bundle.coins for offer in offers)
    for offer in offers:
        # Multiplied by the coins of both bundles, which avoids a division.
        paid = 100 * offer.amount_minor * first.bundle.coins
        dearer = first.amount_minor * offer.bundle.coins
        percent = offer.discount_percent
        assert 0 <= percent <= 99
        assert percent == 0 or paid <= (100 - percent) * dearer
        assert paid > (99 - percent) * dearer


@STEADY
@given(markets())
def test_offers_web_saving_percent_is_exact_and_rounded_down(market: tuple[Catalogue, str]) -> None:
    catalogue, currency = market
    for offer in catalogue.offers(currency, "web"):
        in_app = offer.bundle.prices.get("in_app", {}).get(currency)
        percent = offer.web_saving_percent
        assert (percent is None) is (in_app is None)
        if in_app is not None and percent is not None:
            assert (99 - percent) * in_app < 100 * offer.amount_minor <= (100 - percent) * in_app


@STEADY
@given(markets())
def test_offers_price_per_coin_is_rounded_to_six_places(market: tuple[Catalogue, str]) -> None:
    catalogue, currency = market
    for offer in catalogue.offers(currency, "web"):
        stated = Decimal(offer.price_per_coin) * 10**6 * offer.bundle.coins
        exact = Decimal(offer.amount_minor).scaleb(6 - EXPONENTS[currency])
        assert -offer.bundle.coins < 2 * (stated - exact) <= offer.bundle.coins
        assert len(offer.price_per_coin.partition(".")[2]) == 6


@STEADY
@given(st.integers(1, MAX_AMOUNT // MAX_QUANTITY), st.integers(1, MAX_QUANTITY))
def test_catalogue_gift_price_never_exceeds_the_maximum_amount(coins: int, quantity: int) -> None:
    catalogue = a_catalogue(a_gift_item(), a_gift_item("dear", coins))
    assert catalogue.gift("dear").coins * quantity <= MAX_AMOUNT
