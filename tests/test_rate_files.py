import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.adapters.rate_files import BadRates, load_reference_rates

GOOD = {"as_of": "2026-11-20", "base": "usd", "source": "a central bank", "rates": {"eur": "0.92"}}


def load(folder: Path, content: Any) -> Any:
    path = folder / "rates.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return load_reference_rates(path)


def test_load_reference_rates_reads_every_field(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert (found.as_of.isoformat(), found.base, found.source) == ("2026-11-20", "usd", "a central bank")
    assert found.rates == {"eur": "0.92"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "truncated"),
        (b"\xff", "malformed"),
        (GOOD | {"rates": {"eur": 0.92}}, "Expected `str`, got `float`"),
        (GOOD | {"as_of": "20 November"}, "Invalid RFC3339 encoded date"),
        (GOOD | {"as_of": "2026-02-30"}, "Invalid RFC3339 encoded date"),
        (GOOD | {"until": "2027-01-01"}, "unknown field `until`"),
        ({"base": "usd"}, "missing required field"),
        (GOOD | {"rates": {"eur": "0"}}, "rates.eur: more than 0"),
    ],
    ids=str,
)
def test_load_reference_rates_invalid_file_error_names_file_and_field(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(BadRates) as refused:
        load(tmp_path, content)
    assert str(refused.value).startswith("rates.json: ")
    assert words in str(refused.value)


def test_load_reference_rates_missing_file_error_names_file(tmp_path: Path) -> None:
    with pytest.raises(BadRates, match=r"^rates\.json: "):
        load_reference_rates(tmp_path / "rates.json")


def test_shipped_rates_have_every_currency_of_the_default_catalogue() -> None:
    rates, catalogue = load_reference_rates(), load_catalogue("default")
    assert all(rates.rate(currency) for currency in catalogue.currencies("web"))
