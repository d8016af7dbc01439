from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.top_up import cheapest_top_up
from tests.domain.builders import a_bundle, a_catalogue, a_gift_item
from tests.properties.profile import STEADY

Bundles = list[tuple[int, int]]


@st.composite
def some_bundles(draw: st.DrawFn) -> Bundles:
    """Draw bundles with prices close to one per coin, which makes ties common, or unrelated to the coins."""
    coins = draw(st.lists(st.integers(2, 40), min_size=1, max_size=6))
    return [(each, draw(st.integers(each, each + 3) | st.integers(1, 90))) for each in coins]


def by_brute_force(bundles: Bundles, needed: int) -> tuple[int, int, int]:
    """Return price, number and coins of the best set, by dynamic programming over the coins needed."""
    best = [(0, 0, 0)]
    for need in range(1, needed + 1):
        before = [(best[max(0, need - coins)], coins, price) for coins, price in bundles]
        best.append(min((paid + price, bought + 1, held + coins) for (paid, bought, held), coins, price in before))
    return best[needed]


@STEADY
@given(some_bundles(), st.integers(1, 300))
@example([(2, 2), (3, 3), (5, 5)], 299)
@example([(25, 25), (10, 10), (2, 3)], 30)
@example([(40, 1)], 300)
@example([(65, 99), (330, 499), (660, 999), (1321, 1999), (3303, 4999)], 4000)
def test_cheapest_top_up_equals_brute_force(bundles: Bundles, needed: int) -> None:
    on_sale = [
        a_bundle(f"b{number}", coins, prices={"in_app": {"usd": price}})
        for number, (coins, price) in enumerate(bundles)
    ]
    offers = a_catalogue(*on_sale, a_gift_item(coins=1)).offers("usd", "in_app")
    found = cheapest_top_up(offers, needed)
    bought = sum(line.quantity for line in found.lines)
    assert (found.amount_minor, bought, found.coins) == by_brute_force(bundles, needed)
    assert cheapest_top_up(offers[::-1], needed) == found
