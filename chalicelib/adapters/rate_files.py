"""Reference rates from an operator's file."""

from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from chalicelib.domain.reference_rates import RatesError, ReferenceRates

RATES: Final = Path(__file__).parent.parent / "catalogues/reference_rates.json"


class BadRates(Exception):
    """Raised for an invalid file of rates. The message names the file, the field or currency, and the rule."""


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    as_of: date
    base: str
    source: str
    rates: dict[str, str]


def load_reference_rates(path: Path = RATES) -> ReferenceRates:
    """Load the rates in the file: `{"as_of": "2026-11-20", "base": "usd", "source": "...", "rates": {"eur": "0.92"}}`.

    Raises:
        BadRates: the file is missing, has another shape, or breaks a domain rule.
    """
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
        return ReferenceRates(as_of=file.as_of, base=file.base, source=file.source, rates=file.rates)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RatesError) as error:
        raise BadRates(f"{path.name}: {error}") from error
