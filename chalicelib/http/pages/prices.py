"""Formatting of prices and counts in English."""

from typing import Final

from chalicelib.domain.money import as_decimal

_SIGNS: Final = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
# Stripe counts these in hundredths although the smallest unit paid is one.
_WITHOUT_FRACTION: Final = frozenset({"isk", "ugx"})


def format_price(amount_minor: int, currency: str, exponent: int) -> str:
    """Format an amount exactly: (123456, "usd", 2) -> "$1,234.56", (1500, "kwd", 3) -> "KWD 1.500"."""
    whole, point, fraction = as_decimal(amount_minor, exponent).partition(".")
    if currency in _WITHOUT_FRACTION and not fraction.strip("0"):
        point = fraction = ""
    return f"{_sign(currency)}{int(whole):,}{point}{fraction}"


def format_price_per_coin(price_per_coin: str, currency: str) -> str:
    """Format a price per coin: ("0.0105", "usd") -> "$0.0105 a coin"."""
    return f"{_sign(currency)}{price_per_coin} a coin"


def format_count(number: int) -> str:
    """Format a count: 1234 -> "1,234"."""
    return f"{number:,}"


def _sign(currency: str) -> str:
    return _SIGNS.get(currency, currency.upper() + "\N{NO-BREAK SPACE}")
