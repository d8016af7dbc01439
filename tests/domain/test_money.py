import pytest

from chalicelib.domain.money import (
    EXPONENTS,
    MAX_AMOUNT,
    as_decimal,
    max_charge_minor,
    min_charge_minor,
    smallest_step_minor,
)

ZERO_DECIMAL = ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
THREE_DECIMAL = ["bhd", "jod", "kwd", "omr", "tnd"]
MIN_CHARGES = """
usd 0.50, aed 2.00, aud 0.50, bgn 1.00, brl 0.50, cad 0.50, chf 0.50, czk 15.00, dkk 2.50, eur 0.50, gbp 0.30, hkd 4.00,
huf 175.00, inr 0.50, jpy 50, mxn 10.00, myr 2.00, nok 3.00, nzd 0.50, pln 2.00, ron 2.00, sek 3.00, sgd 0.50, thb 10.00
"""
"""Source: docs.stripe.com/currencies, "Minimum and maximum charge amounts"."""


@pytest.mark.parametrize("currency", ZERO_DECIMAL)
def test_exponent_of_a_currency_without_minor_unit_is_zero(currency: str) -> None:
    assert EXPONENTS[currency] == 0


@pytest.mark.parametrize("currency", THREE_DECIMAL)
def test_exponent_of_a_currency_with_thousandths_is_three(currency: str) -> None:
    assert EXPONENTS[currency] == 3


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "huf", "twd"])
def test_exponent_of_common_currencies_is_two(currency: str) -> None:
    assert EXPONENTS[currency] == 2


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_exponent_of_isk_and_ugx_is_two_in_steps_of_a_hundred(currency: str) -> None:
    assert EXPONENTS[currency] == 2
    assert smallest_step_minor(currency) == 100


def test_exponents_of_all_other_currencies_are_two() -> None:
    assert sorted(code for code, digits in EXPONENTS.items() if digits == 0) == ZERO_DECIMAL
    assert sorted(code for code, digits in EXPONENTS.items() if digits == 3) == THREE_DECIMAL
    assert set(EXPONENTS.values()) == {0, 2, 3}


def test_min_charge_minor_is_stripes_and_one_for_other_currencies() -> None:
    listed = dict(entry.split() for entry in MIN_CHARGES.replace("\n", " ").split(","))
    assert {code: as_decimal(min_charge_minor(code), EXPONENTS[code]) for code in listed} == listed
    assert {min_charge_minor(code) for code in EXPONENTS.keys() - listed} == {1}
    assert all(min_charge_minor(currency) <= max_charge_minor(currency) for currency in EXPONENTS)


def test_exponents_have_lowercase_currency_codes() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isalpha() and code.islower() for code in EXPONENTS)


@pytest.mark.parametrize("currency", THREE_DECIMAL)
def test_smallest_step_minor_of_thousandths_is_ten(currency: str) -> None:
    assert smallest_step_minor(currency) == 10


def test_smallest_step_minor_of_other_currencies_is_one() -> None:
    stepped = {code for code in EXPONENTS if smallest_step_minor(code) != 1}
    assert stepped == {*THREE_DECIMAL, "isk", "ugx"}


@pytest.mark.parametrize(
    ("amount_minor", "exponent", "written"),
    [
        (0, 0, "0"),
        (5, 0, "5"),
        (-5, 0, "-5"),
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (99, 2, "0.99"),
        (100, 2, "1.00"),
        (1234, 2, "12.34"),
        (-5, 2, "-0.05"),
        (-1234, 2, "-12.34"),
        (1, 3, "0.001"),
        (999, 3, "0.999"),
        (1000, 3, "1.000"),
        (1, 6, "0.000001"),
        (MAX_AMOUNT, 2, "90071992547409.91"),
    ],
)
def test_as_decimal_is_exact(amount_minor: int, exponent: int, written: str) -> None:
    assert as_decimal(amount_minor, exponent) == written


def test_max_amount_is_the_last_integer_that_a_double_distinguishes() -> None:
    assert float(MAX_AMOUNT) != float(MAX_AMOUNT + 1)
    assert float(MAX_AMOUNT + 1) == float(MAX_AMOUNT + 2)


@pytest.mark.parametrize(("currency", "amount"), [("usd", 99_999_999), ("jpy", 99_999_999), ("idr", 999_999_999_999)])
def test_max_charge_has_eight_digits_and_twelve_in_idr(currency: str, amount: int) -> None:
    assert max_charge_minor(currency) == amount
