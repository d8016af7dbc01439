"""Prices of coins and gifts in a buyer's currency."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.entries import Entry
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reversals import coins_kept
from chalicelib.errors import UnknownBundle

Basis = Literal["paid", "list"]


class CostBasis(Struct, frozen=True, kw_only=True):
    """A price per coin, as `coins` (> 0) for `amount_minor`: the price the fan `paid`, or the `list` price."""

    basis: Basis
    coins: int
    amount_minor: int
    currency: str

    def price_minor(self, coins: int) -> int:
        """Price a number of coins, rounded up to the minor unit so that the price shown is never too low."""
        return -(-coins * self.amount_minor // self.coins)


def paid(entries: Iterable[Entry], currency: str) -> CostBasis | None:
    """Sum the kept coins and money of the purchases in a currency; None when no coins were kept.

    Refunded and disputed money is left out, as are its coins. Granted coins and reversed gifts have no price.
    """
    bought = [
        (coins_kept(entry, kept), kept)
        for entry in entries
        if isinstance(entry, Purchase) and entry.status is Status.POSTED and entry.currency == currency
        for kept in [entry.amount_minor if entry.kept_minor is None else entry.kept_minor]
    ]
    coins, amount_minor = sum(coins for coins, _ in bought), sum(kept for _, kept in bought)
    return CostBasis(basis="paid", coins=coins, amount_minor=amount_minor, currency=currency) if coins else None


def listed(catalogue: Catalogue, currency: str) -> CostBasis:
    """Return the price of the smallest bundle on the web. Raises UnknownBundle when nothing is on sale there."""
    offers = catalogue.offers(currency, "web")
    if not offers:
        raise UnknownBundle(f"Nothing is on sale in {currency}.")
    smallest = offers[0]
    return CostBasis(
        basis="list", coins=smallest.bundle.coins, amount_minor=smallest.amount_minor, currency=smallest.currency
    )
