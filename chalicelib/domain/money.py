"""Amounts of money: ints in the currency's minor unit, as Stripe counts them."""

from typing import Final

MAX_AMOUNT: Final = 2**53 - 1
"""The largest integer that every JSON parser keeps exact, and the limit of every amount of coins or money."""

_ZERO_DECIMAL: Final = ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv",
                        "xaf", "xof", "xpf")  # fmt: skip
_THREE_DECIMAL: Final = ("bhd", "jod", "kwd", "omr", "tnd")
_TWO_DECIMAL: Final = ("aed", "ars", "aud", "bgn", "brl", "cad", "chf", "cny", "cop", "czk", "dkk", "egp", "eur",
                       "gbp", "hkd", "huf", "idr", "ils", "inr", "isk", "kes", "mad", "mxn", "myr", "ngn", "nok",
                       "nzd", "pen", "php", "pkr", "pln", "qar", "ron", "rsd", "sar", "sek", "sgd", "thb", "try",
                       "twd", "uah", "ugx", "usd", "uyu", "zar")  # fmt: skip

EXPONENTS: Final[dict[str, int]] = (
    dict.fromkeys(_ZERO_DECIMAL, 0) | dict.fromkeys(_TWO_DECIMAL, 2) | dict.fromkeys(_THREE_DECIMAL, 3)
)
"""Digits after the decimal point, by lowercase ISO 4217 code, as Stripe's API counts them.

Source: docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies" and "Special cases".
ISK and UGX have no minor unit, but the API takes them with two digits.
"""

_MIN_CHARGES: Final = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1_500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1_000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1_000,
}  # fmt: skip
_MAX_CHARGE: Final = 99_999_999
_MAX_CHARGES: Final = {"idr": 999_999_999_999}
_STEPS: Final = dict.fromkeys(_THREE_DECIMAL, 10) | {"isk": 100, "ugx": 100}


def smallest_step_minor(currency: str) -> int:
    """Return the number that every amount in `currency` must be a multiple of (Stripe rounds three decimals to two)."""
    return _STEPS.get(currency, 1)


def min_charge_minor(currency: str) -> int:
    """Return the smallest amount of one payment at Stripe, one unit where it names none.

    It holds for the amount after its conversion to the account's payout currency, so a price above it may still be too
    small. Source: docs.stripe.com/currencies, "Minimum and maximum charge amounts".
    """
    return _MIN_CHARGES.get(currency, 1)


def max_charge_minor(currency: str) -> int:
    """Return the largest amount of one payment at Stripe: eight digits, twelve in IDR (docs.stripe.com/currencies)."""
    return _MAX_CHARGES.get(currency, _MAX_CHARGE)


def as_decimal(amount_minor: int, exponent: int) -> str:
    """Write `amount_minor` / 10^exponent exactly: (1234, 2) -> "12.34", (5, 0) -> "5", (1, 3) -> "0.001"."""
    if exponent == 0:
        return str(amount_minor)
    sign, digits = "-" * (amount_minor < 0), str(abs(amount_minor)).zfill(exponent + 1)
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"
