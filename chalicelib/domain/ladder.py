"""Amounts of coins in one checkout, priced by the ladder of the web's bundles.

An amount costs the price per coin of the largest bundle that it reaches, rounded up, and never more than a larger
bundle. The price per coin of a catalogue never rises with size, so no larger amount is cheaper, and no set of smaller
ones.
"""

from collections.abc import Sequence

from chalicelib.domain.catalogue import CUSTOM, Bundle, Catalogue, Offer, offer_of
from chalicelib.errors import CoinsNotForSale, UnknownBundle


def offer_for(catalogue: Catalogue, coins: int, currency: str) -> Offer:
    """Return the offer of an amount of coins on the web: a bundle, or a custom amount.

    Where a larger bundle costs no more, the offer is that bundle.

    Raises:
        UnknownBundle: nothing is on sale in the currency.
        CoinsNotForSale: the amount is neither a bundle's nor within the limits of custom amounts.
    """
    offers = _web_offers(catalogue, currency)
    below, above = _nearest(offers, catalogue.custom_max_coins, coins)
    if above != coins:
        nearest = {"nearest_below": below, "nearest_above": above}
        known = {side: size for side, size in nearest.items() if size is not None}
        raise CoinsNotForSale(f"The nearest for sale: {' or '.join(map(str, known.values()))} coins.", **known)
    return _cheapest(offers, coins)


def single_checkout(catalogue: Catalogue, needed: int, currency: str) -> Offer | None:
    """Return the cheapest offer on the web with at least `needed` coins, or None. Raises UnknownBundle."""
    offers = _web_offers(catalogue, currency)
    _, above = _nearest(offers, catalogue.custom_max_coins, needed)
    return None if above is None else _cheapest(offers, above)


def custom_range(catalogue: Catalogue, currency: str, channel: str) -> tuple[int, int] | None:
    """Return the smallest and largest custom amount, or None where there are no custom amounts."""
    offers = catalogue.offers(currency, channel)
    if channel != "web" or not offers or catalogue.custom_max_coins is None:
        return None
    return offers[0].coins, catalogue.custom_max_coins


def _web_offers(catalogue: Catalogue, currency: str) -> Sequence[Offer]:
    offers = catalogue.offers(currency, "web")
    if not offers:
        raise UnknownBundle(f"Nothing is on sale in {currency}.")
    return offers


def _nearest(offers: Sequence[Offer], custom_max_coins: int | None, coins: int) -> tuple[int | None, int | None]:
    """Return the nearest amounts for sale at or below `coins`, and at or above; None where there is none."""
    if custom_max_coins is None:
        sizes = [offer.coins for offer in offers]
        return (
            max((size for size in sizes if size <= coins), default=None),
            min((size for size in sizes if size >= coins), default=None),
        )
    smallest = offers[0].coins
    return (
        min(coins, custom_max_coins) if coins >= smallest else None,
        max(coins, smallest) if coins <= custom_max_coins else None,
    )


def _cheapest(offers: Sequence[Offer], coins: int) -> Offer:
    """Price an amount that is for sale. `offers` are sorted, smallest first."""
    reached = [offer for offer in offers if offer.coins <= coins]
    best = reached[-1] if reached[-1].coins == coins else _custom(coins, reached[-1], offers[0])
    for larger in offers[len(reached) :]:
        if larger.amount_minor <= best.amount_minor:
            best = larger
    return best


def _custom(coins: int, reached: Offer, smallest: Offer) -> Offer:
    prices = {reached.channel: {reached.currency: reached.price_minor(coins)}}
    bundle = Bundle(bundle_id=CUSTOM, coins=coins, bonus_coins=0, prices=prices)
    return offer_of(bundle, smallest.bundle, reached.currency, reached.channel)
