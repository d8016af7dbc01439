"""Exactly the top-up that something needs: the cheapest set of bundles that holds so many coins."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import Offer
from chalicelib.errors import InvalidField, UnknownBundle

MAX_TOP_UP: Final = 200_000
"""The most coins that are asked for in one top-up: four times the dearest gift of any preset."""


class Line(Struct, frozen=True, kw_only=True):
    """So many of one bundle: as many checkouts."""

    offer: Offer
    quantity: int

    @property
    def coins(self) -> int:
        """What they credit together."""
        return self.offer.bundle.coins * self.quantity

    @property
    def amount_minor(self) -> int:
        """What they cost together, in the minor unit."""
        return self.offer.amount_minor * self.quantity


class TopUp(Struct, frozen=True, kw_only=True):
    """The bundles to buy for the coins that are `needed`, largest first."""

    needed: int
    lines: Sequence[Line]

    @property
    def coins(self) -> int:
        """What the bundles credit together: no fewer than needed."""
        return sum(line.coins for line in self.lines)

    @property
    def spare_coins(self) -> int:
        """The coins beyond those needed."""
        return self.coins - self.needed

    @property
    def amount_minor(self) -> int:
        """What they cost together, in the minor unit."""
        return sum(line.amount_minor for line in self.lines)


def require_needed(coins: int) -> int:
    """`coins` itself; raises InvalidField when nobody can top up so many at once."""
    if not 1 <= coins <= MAX_TOP_UP:
        raise InvalidField("for", f"a whole number from 1 to {MAX_TOP_UP}")
    return coins


def cheapest_top_up(offers: Sequence[Offer], needed: int) -> TopUp:
    """The cheapest bundles with at least so many coins; of equally cheap ones the fewest, then the fewest coins.

    Args:
        offers: what is on sale in one market, in any order.
        needed: coins, 1 to MAX_TOP_UP.

    Raises:
        InvalidField: `needed` is out of range.
        UnknownBundle: nothing is on sale.
    """
    require_needed(needed)
    if not offers:
        raise UnknownBundle("No bundle is on sale in this currency and channel.")
    # The order decides between sets that are alike in price, number and coins: largest first, whatever was given.
    ordered = sorted(offers, key=lambda offer: (-offer.bundle.coins, offer.bundle.bundle_id))
    chosen = _lightest([offer.bundle.coins for offer in ordered], _weights(ordered, needed), needed)
    return TopUp(needed=needed, lines=[Line(offer=ordered[place], quantity=chosen[place]) for place in sorted(chosen)])


def _weights(offers: Sequence[Offer], needed: int) -> list[int]:
    """One figure for each offer, whose sums order sets by price, then by number of purchases, then by coins.

    A set that can spare none of its bundles has at most `needed` of them, and fewer coins than `needed` and the
    largest bundle's together: neither of the lesser figures ever adds up to one of the next greater.
    """
    most_coins = needed + max(offer.bundle.coins for offer in offers)
    return [(offer.amount_minor * (needed + 1) + 1) * most_coins + offer.bundle.coins for offer in offers]


def _lightest(coins: Sequence[int], weights: Sequence[int], needed: int) -> Mapping[int, int]:
    """How many to take of each item, by its place, so that together they hold enough and weigh least.

    One item, the best, is the lightest per coin. What a beginning still lacks weighs at least its fraction of the best
    item (that is the bound), and at most the next whole number of them (that makes an answer of every beginning). Of
    two beginnings that lack the same but for a multiple of the best item, the one with the higher bound is dropped
    unless it lacks more: the other comes to the same place with the best item, and is no heavier there. They are
    looked at in the order of their bounds, so the search is over when none can beat the answer at hand.
    """
    best = min(range(len(coins)), key=lambda place: (Fraction(weights[place], coins[place]), place))
    step, weight = coins[best], weights[best]
    # All weights from here on are multiplied by the best item's coins, so that nothing has to be divided.
    extras = [(place, held, weights[place] * step - weight * held) for place, held in enumerate(coins) if place != best]
    answer: tuple[int, ...] = ()
    lightest = weight * (needed + -needed % step)
    known, most_lacking = {needed: weight * needed}, dict[int, int]()
    queue: list[tuple[int, int, tuple[int, ...]]] = [(weight * needed, -needed, ())]
    while queue and queue[0][0] < lightest:
        bound, minus_lacking, taken = heappop(queue)
        if most_lacking.get(minus_lacking % step, 0) >= -minus_lacking:
            continue
        most_lacking[minus_lacking % step] = -minus_lacking
        for place, held, extra in extras:
            lacking, raised = -minus_lacking - held, bound + extra
            if raised >= known.get(lacking, lightest):
                continue
            known[lacking] = raised
            whole = raised + weight * (-lacking % step if lacking > 0 else -lacking)
            if whole < lightest:
                lightest, answer = whole, (*taken, place)
            if lacking > 0:
                heappush(queue, (raised, -lacking, (*taken, place)))
    left = needed - sum(coins[place] for place in answer)
    return Counter(answer) + Counter({best: max(0, -(-left // step))})
