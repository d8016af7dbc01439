"""What a coin has cost somebody."""

from typing import Final

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.prices import CostBasis, listed, paid
from chalicelib.ports import Ledger

_NEWEST: Final = 100


def read_cost_basis(user_id: str | None, currency: str, *, catalogue: Catalogue, ledger: Ledger) -> CostBasis:
    """What the fan paid per coin in that currency, as their newest 100 entries tell it; else the list price.

    Raises:
        UnknownBundle: they paid nothing in it, and nothing is on sale in it on the web.
    """
    entries = ledger.list_entries(user_id, _NEWEST) if user_id else []
    return paid(entries, currency) or listed(catalogue, currency)
