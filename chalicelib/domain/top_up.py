"""The cheapest set of bundles that holds a number of coins."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from chalicelib.domain.catalogue import Offer
from chalicelib.errors import InvalidField, UnknownBundle

MAX_TOP_UP: Final = 200_000
"""Most coins of one top-up: four times the most expensive gift of any preset."""


class Line(Struct, frozen=True, kw_only=True):
    """A quantity of one bundle; each takes a checkout."""

    offer: Offer
    quantity: int

    @property
    def coins(self) -> int:
        """The coins of the line."""
        return self.offer.bundle.coins * self.quantity

    @property
    def amount_minor(self) -> int:
        """The total price, in the minor unit."""
        return self.offer.amount_minor * self.quantity


class TopUp(Struct, frozen=True, kw_only=True):
    """The bundles to buy for the coins that are `needed`, largest first."""

    needed: int
    lines: Sequence[Line]

    @property
    def coins(self) -> int:
        """The coins of all bundles, `needed` or more."""
        return sum(line.coins for line in self.lines)

    @property
    def spare_coins(self) -> int:
        """The coins beyond those needed."""
        return self.coins - self.needed

    @property
    def amount_minor(self) -> int:
        """The total price, in the minor unit."""
        return sum(line.amount_minor for line in self.lines)


def require_needed(coins: int) -> int:
    """Return `coins`. Raises InvalidField when they are outside the limits of one top-up."""
    if not 1 <= coins <= MAX_TOP_UP:
        raise InvalidField("for", f"a whole number from 1 to {MAX_TOP_UP}")
    return coins


def cheapest_top_up(offers: Sequence[Offer], needed: int) -> TopUp:
    """Find the cheapest bundles with at least `needed` coins; on a tie, the fewest bundles, then the fewest coins.

    Args:
        offers: the offers of one currency and channel, in any order.
        needed: coins, 1 to MAX_TOP_UP.

    Raises:
        InvalidField: `needed` is out of range.
        UnknownBundle: nothing is on sale.
    """
    require_needed(needed)
    if not offers:
        raise UnknownBundle("No bundle is on sale in this currency and channel.")
    # Ties in price, number and coins are decided by this order, so that the order of `offers` does not matter.
    ordered = sorted(offers, key=lambda offer: (-offer.bundle.coins, offer.bundle.bundle_id))
    chosen = _lightest([offer.bundle.coins for offer in ordered], _weights(ordered, needed), needed)
    return TopUp(needed=needed, lines=[Line(offer=ordered[place], quantity=chosen[place]) for place in sorted(chosen)])


def _weights(offers: Sequence[Offer], needed: int) -> list[int]:
    """Return a weight for each offer; sums of weights order sets by price, then by size, then by coins.

    A minimal set has at most `needed` bundles, and fewer coins than `needed` plus the largest bundle's, so the lower
    digits of a sum never carry into the higher ones.
    """
    most_coins = needed + max(offer.bundle.coins for offer in offers)
    return [(offer.amount_minor * (needed + 1) + 1) * most_coins + offer.bundle.coins for offer in offers]


def _lightest(coins: Sequence[int], weights: Sequence[int], needed: int) -> Mapping[int, int]:
    """Solve the min-cost covering knapsack by branch and bound. Returns the quantity of each item, by index.

    State: the coins still missing. Lower bound: the missing coins times the weight per coin of the best item, which is
    the one with the least weight per coin. Completing a state with best items gives a candidate. Of two states whose
    missing coins differ by a multiple of the best item's, the one with the higher bound is dropped unless it misses
    more: the other reaches the same state with best items, at no more weight. States are expanded in the order of
    their bounds, so the search ends at the first bound that is not below the best candidate.
    """
    best = min(range(len(coins)), key=lambda place: (Fraction(weights[place], coins[place]), place))
    step, weight = coins[best], weights[best]
    # Weights from here on are multiplied by the best item's coins, to avoid fractions.
    extras = [(place, held, weights[place] * step - weight * held) for place, held in enumerate(coins) if place != best]
    found: tuple[int, ...] = ()
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
                lightest, found = whole, (*taken, place)
            if lacking > 0:
                heappush(queue, (raised, -lacking, (*taken, place)))
    left = needed - sum(coins[place] for place in found)
    return Counter(found) + Counter({best: max(0, -(-left // step))})
