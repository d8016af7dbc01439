from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.reference_rates import RatesError, ReferenceRates, compare
from tests.domain.builders import a_bundle, a_catalogue

RATES = ReferenceRates(
    as_of=date(2026, 11, 20), base="usd", source="a central bank", rates={"eur": "0.8", "jpy": "150"}
)


def rates(**changes: Any) -> ReferenceRates:
    return replace(RATES, **changes)


def compared(prices: dict[str, int], currency: str, coins: int = 100, **changes: Any) -> tuple[str | None, int | None]:
    catalogue = a_catalogue(a_bundle(coins=coins, prices={"web": prices}))
    [found] = compare(catalogue, rates(**changes), currency, "web")
    assert found.offer.currency == currency
    return found.base_price_per_coin, found.difference_permille


@pytest.mark.parametrize(
    ("prices", "currency", "per_coin", "permille"),
    [
        ({"usd": 100, "eur": 80}, "eur", "0.010000", 0),
        ({"usd": 100, "eur": 88}, "eur", "0.011000", 100),
        ({"usd": 100, "eur": 72}, "eur", "0.009000", -100),
        ({"usd": 100, "jpy": 165}, "jpy", "0.011000", 100),
        ({"usd": 100}, "usd", "0.010000", 0),
        ({"usd": 80_000, "eur": 64_032}, "eur", "8.004000", 1),  # +0.05 % is rounded up
        ({"usd": 80_000, "eur": 64_031}, "eur", "8.003875", 0),
        ({"usd": 80_000, "eur": 63_968}, "eur", "7.996000", -1),  # and -0.05 % down
        ({"usd": 80_000, "eur": 63_969}, "eur", "7.996125", 0),
        ({"eur": 80}, "eur", "0.010000", None),  # not on sale in the base currency
        ({"usd": 100, "gbp": 75}, "gbp", None, None),  # no rate for the pound
    ],
)
def test_compare_returns_price_and_difference_to_the_base(
    prices: dict[str, int], currency: str, per_coin: str | None, permille: int | None
) -> None:
    assert compared(prices, currency) == (per_coin, permille)


@pytest.mark.parametrize(
    ("coins", "amount_minor", "per_coin"),
    [(3, 8, "0.033333"), (3, 16, "0.066667"), (40_000, 1, "0.000001"), (40_001, 1, "0.000000")],
)
def test_compare_rounds_the_price_per_coin_to_six_digits(coins: int, amount_minor: int, per_coin: str) -> None:
    rate = {"rates": {"eur": "0.8"} if coins == 3 else {"eur": "0.5"}}
    assert compared({"eur": amount_minor}, "eur", coins, **rate)[0] == per_coin


def test_compare_converts_minor_units_of_three_digits() -> None:
    assert compared({"usd": 100, "kwd": 310}, "kwd", rates={"kwd": "0.31"}) == ("0.010000", 0)


def test_compare_pairs_the_same_bundle_in_the_same_channel() -> None:
    catalogue = a_catalogue(
        a_bundle("a", 70, prices={"web": {"usd": 100, "eur": 80}, "in_app": {"usd": 200, "eur": 80}}),
        a_bundle("b", 700, prices={"web": {"eur": 800}}),
    )
    assert [found.difference_permille for found in compare(catalogue, rates(), "eur", "web")] == [0, None]
    assert [found.difference_permille for found in compare(catalogue, rates(), "eur", "in_app")] == [-500]
    assert compare(catalogue, rates(), "jpy", "web") == []


def test_rate_of_the_base_is_one() -> None:
    assert [rates().rate(currency) for currency in ("usd", "eur", "gbp")] == ["1", "0.8", None]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base": "USD"}, "base: a lowercase ISO 4217 code"),
        ({"base": "xyz"}, "base: a lowercase ISO 4217 code"),
        ({"source": " "}, "source: not empty"),
        ({"rates": {"xyz": "1"}}, "rates.xyz: a lowercase ISO 4217 code"),
        ({"rates": {"usd": "1"}}, "rates.usd: not the base itself"),
        *[
            ({"rates": {"eur": rate}}, "rates.eur: more than 0")
            for rate in (
                "0",
                "0.000",
                "",
                "-1",
                "+1",
                "1,5",
                "1.",
                ".5",
                "1e3",
                "1/2",
                "٣",
                " 1",
                "1\n",
                "NaN",
                "1" * 10,
            )
        ],
    ],
    ids=str,
)
def test_rates_that_break_a_rule_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RatesError) as refused:
        rates(**changes)
    assert str(refused.value).startswith(words)
