import pytest

from tests.house.replacements import struct_fields, wrong_replacements
from tests.house.source import python_files

IMPORT = "from msgspec.structs import replace\n"


def test_replace_in_the_product_names_fields_of_the_class() -> None:
    sources = python_files("chalicelib")
    assert [one for path, source in sources.items() for one in wrong_replacements(path, source)] == []


def test_struct_fields_are_those_of_the_classes() -> None:
    assert struct_fields()["Wallet"] >= {"user_id", "coins"}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def f(wallet: Wallet): replace(wallet, coin=1)", "`wallet` has no field coin"),
        ("def f(wallet: Wallet | None): replace(wallet, coins=1, coin=1)", "`wallet` has no field coin"),
        ('def f(wallet: "Wallet"): replace(wallet, coin=1)', "`wallet` has no field coin"),
        ("def f(*, wallet: Wallet): replace(wallet, **{})", "`wallet` has no field None"),
        ("def f(g):\n    wallet: Wallet = g()\n    replace(wallet, coin=1)", "`wallet` has no field coin"),
        ("def g() -> Wallet: ...\ndef f(): replace(g(), coin=1)", "`g()` has no field coin"),
        ("def f(wallet): replace(wallet, coins=1)", "annotate `wallet` with its class"),
        ("def f(a: Wallet): return lambda: replace(a.b, coins=1)", "annotate `a.b` with its class"),
        ("replace(WALLET, coins=1)", "annotate `WALLET` with its class"),
        ("def f(wallet: Wallet):\n    def g(wallet: Budget): replace(wallet, coins=1)", "`wallet` has no field coins"),
    ],
)
def test_replace_of_something_else_is_found(source: str, complaint: str) -> None:
    line = len(source.splitlines()) + 1
    assert wrong_replacements("a.py", IMPORT + source) == [f"a.py:{line}: {complaint}"]


@pytest.mark.parametrize(
    "source",
    [
        IMPORT + "def f(wallet: Wallet): replace(wallet, coins=1)",
        IMPORT + "def f(text: str): text.replace('a', 'b')",
        "def f(wallet: Wallet): replace(wallet, coin=1)",
    ],
)
def test_other_calls_are_not(source: str) -> None:
    assert wrong_replacements("a.py", source) == []
