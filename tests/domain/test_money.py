import pytest

from chalicelib.domain.money import EXPONENTS, MAX_AMOUNT, as_decimal, smallest_step_minor

ZERO_DECIMAL = ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
THREE_DECIMAL = ["bhd", "jod", "kwd", "omr", "tnd"]


@pytest.mark.parametrize("currency", ZERO_DECIMAL)
def test_a_currency_without_a_minor_unit_has_no_digits_behind_the_point(currency: str) -> None:
    assert EXPONENTS[currency] == 0


@pytest.mark.parametrize("currency", THREE_DECIMAL)
def test_a_currency_of_a_thousand_parts_has_three(currency: str) -> None:
    assert EXPONENTS[currency] == 3


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp", "huf", "twd"])
def test_the_common_currencies_have_two(currency: str) -> None:
    assert EXPONENTS[currency] == 2


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_two_currencies_without_a_minor_unit_are_sent_as_if_they_had_one(currency: str) -> None:
    assert EXPONENTS[currency] == 2
    assert smallest_step_minor(currency) == 100


def test_no_other_currency_has_zero_or_three_digits() -> None:
    assert sorted(code for code, digits in EXPONENTS.items() if digits == 0) == ZERO_DECIMAL
    assert sorted(code for code, digits in EXPONENTS.items() if digits == 3) == THREE_DECIMAL
    assert set(EXPONENTS.values()) == {0, 2, 3}


def test_currencies_are_written_in_three_lowercase_letters() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isalpha() and code.islower() for code in EXPONENTS)


@pytest.mark.parametrize("currency", THREE_DECIMAL)
def test_thousandths_go_in_steps_of_ten(currency: str) -> None:
    assert smallest_step_minor(currency) == 10


def test_every_other_currency_goes_in_steps_of_one() -> None:
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
def test_an_amount_is_written_out_exactly(amount_minor: int, exponent: int, written: str) -> None:
    assert as_decimal(amount_minor, exponent) == written


def test_the_largest_amount_is_the_last_one_that_a_double_keeps_apart_from_the_next() -> None:
    assert float(MAX_AMOUNT) != float(MAX_AMOUNT + 1)
    assert float(MAX_AMOUNT + 1) == float(MAX_AMOUNT + 2)
