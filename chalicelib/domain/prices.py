"""What coins are worth to a buyer, in the buyer's own money."""

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
    """So many coins for so much money: what the fan really `paid`, or the `list` price. `coins` > 0."""

    basis: Basis
    coins: int
    amount_minor: int
    currency: str

    def price_minor(self, coins: int) -> int:
        """What so many coins cost on this basis, rounded up to the minor unit: nothing is told cheaper than it is."""
        return -(-coins * self.amount_minor // self.coins)


def paid(entries: Iterable[Entry], currency: str) -> CostBasis | None:
    """What a fan paid in that currency for the coins of these entries; None when they bought none, or kept none.

    Refunded and disputed money does not count, nor do the coins that went with it. Coins that were a present, or came
    back from a gift, have no price.
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
    """What the smallest bundle on the web costs. Raises UnknownBundle when nothing is on sale there."""
    offers = catalogue.offers(currency, "web")
    if not offers:
        raise UnknownBundle(f"Nothing is on sale in {currency}.")
    smallest = offers[0]
    return CostBasis(
        basis="list", coins=smallest.bundle.coins, amount_minor=smallest.amount_minor, currency=smallest.currency
    )
