"""Concurrent handlers: every other pair in all orders, two triples in some; `make faults` has all orders of each."""

from collections.abc import Sequence
from math import comb

import pytest

from tests.faults.interleavings import HANDLERS, PAIRS, TRIPLES, all_orders, eight, random_orders, replay
from tests.faults.scheduler import orders

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("first", HANDLERS)
def test_two_handlers_in_any_order_break_no_invariant(first: str) -> None:
    ended = [order for names in PAIRS[1::2] if names[0] == first for order in all_orders(names)]
    assert [(order.seed, order.breaches) for order in ended if order.breaches] == []


@pytest.mark.parametrize("names", TRIPLES, ids="+".join)
def test_three_handlers_in_random_order_break_no_invariant(names: tuple[str, ...]) -> None:
    ended = list(random_orders(names, 150))
    assert [(order.seed, order.breaches) for order in ended if order.breaches] == []
    assert all(max(order.widths) == len(names) for order in ended), "the handlers have calls to interleave"


@pytest.mark.parametrize("seed", range(0, 300, 100))
def test_eight_handlers_in_random_order_break_no_invariant(seed: int) -> None:
    ended = [eight(number) for number in range(seed, seed + 100)]
    assert [(order.seed, order.breaches) for order in ended if order.breaches] == []


def test_replay_of_a_seed_repeats_its_order() -> None:
    order = eight(7)
    assert replay(order.seed) == order


def test_orders_generates_each_order_once() -> None:
    """Build two handlers of three and of four steps."""

    def run(choices: Sequence[int]) -> Sequence[int]:
        left, widths = [3, 4], []
        while ready := [number for number in (0, 1) if left[number]]:
            widths.append(len(ready))
            left[ready[choices[len(widths) - 1] if len(widths) <= len(choices) else 0]] -= 1
        return widths

    tried = [tuple(choices) for choices in orders(run)]
    assert len(tried) == len(set(tried)) == comb(7, 3)
