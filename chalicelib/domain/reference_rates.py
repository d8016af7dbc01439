"""Comparison of prices in two currencies at a dated reference rate.

The rates are for display only; no charge uses them.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import Catalogue, Offer
from chalicelib.domain.money import EXPONENTS, as_decimal

_RATE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_PER_COIN_DIGITS: Final = 6


class RatesError(ValueError):
    """Invalid rates. The message names the field or currency, and the rule."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")


class ReferenceRates(Struct, frozen=True, kw_only=True):
    """Exchange rates set by an operator: `rates[currency]` units of it are worth one unit of `base`.

    A rate is a decimal number as text, in major units. Raises RatesError when a field breaks its rule.
    """

    as_of: date
    base: str
    source: str
    rates: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.base not in EXPONENTS:
            raise RatesError("base", "a lowercase ISO 4217 code that the payment provider takes")
        if not self.source.strip():
            raise RatesError("source", "not empty")
        for currency, rate in self.rates.items():
            if currency not in EXPONENTS:
                raise RatesError(f"rates.{currency}", "a lowercase ISO 4217 code that the payment provider takes")
            if currency == self.base:
                raise RatesError(f"rates.{currency}", "not the base itself, whose rate is 1")
            if not _RATE.fullmatch(rate) or not Fraction(rate):
                raise RatesError(
                    f"rates.{currency}", "more than 0, with at most nine digits on either side of the point"
                )

    def rate(self, currency: str) -> str | None:
        """Return the units of the currency per unit of the base, or None when it is not set."""
        return "1" if currency == self.base else self.rates.get(currency)


class Comparison(Struct, frozen=True, kw_only=True):
    """An offer beside the same bundle in the base currency.

    `base_price_per_coin` is the offer's own price per coin, converted, in major units with six digits.
    `difference_permille` is the difference to the price in the base currency, in tenths of a percent, positive when
    the offer costs more. Both are rounded half away from zero; None without a rate, or without a price to compare.
    """

    offer: Offer
    base_price_per_coin: str | None
    difference_permille: int | None


def compare(catalogue: Catalogue, rates: ReferenceRates, currency: str, channel: str) -> Sequence[Comparison]:
    """Compare each bundle in a currency and channel, smallest first, with its price in the base currency."""
    rate = rates.rate(currency)
    in_base = {offer.bundle.bundle_id: _major(offer) for offer in catalogue.offers(rates.base, channel)}
    return [
        _compare(offer, Fraction(rate) if rate else None, in_base.get(offer.bundle.bundle_id))
        for offer in catalogue.offers(currency, channel)
    ]


def _compare(offer: Offer, rate: Fraction | None, in_base: Fraction | None) -> Comparison:
    if rate is None:
        return Comparison(offer=offer, base_price_per_coin=None, difference_permille=None)
    converted = _major(offer) / rate
    per_coin = _half_up(converted / offer.bundle.coins * 10**_PER_COIN_DIGITS)
    return Comparison(
        offer=offer,
        base_price_per_coin=as_decimal(per_coin, _PER_COIN_DIGITS),
        difference_permille=None if in_base is None else _half_up((converted / in_base - 1) * 1000),
    )


def _major(offer: Offer) -> Fraction:
    return Fraction(offer.amount_minor, 10 ** EXPONENTS[offer.currency])


def _half_up(number: Fraction) -> int:
    """Round to the nearest integer, halves away from zero."""
    nearest = int(abs(number) + Fraction(1, 2))
    return nearest if number > 0 else -nearest
