"""Concurrent handlers: every pair and two triples in all orders; `make faults` has every triple."""

from collections.abc import Sequence
from math import comb

import pytest

from tests.faults.interleavings import HANDLERS, PAIRS, TRIPLES, all_orders, eight, replay
from tests.faults.stage import orders

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("first", HANDLERS)
def test_two_may_meet_in_any_order(first: str) -> None:
    ended = [order for names in PAIRS if names[0] == first for order in all_orders(names)]
    assert [(order.seed, order.wrongs) for order in ended if order.wrongs] == []


@pytest.mark.parametrize("names", TRIPLES, ids="+".join)
def test_three_may_meet_in_any_order(names: tuple[str, ...]) -> None:
    ended = list(all_orders(names))
    assert [(order.seed, order.wrongs) for order in ended if order.wrongs] == []
    assert len(ended) > 3, "there is something to meet in"


@pytest.mark.parametrize("seed", range(0, 300, 100))
def test_eight_may_meet(seed: int) -> None:
    ended = [eight(number) for number in range(seed, seed + 100)]
    assert [(order.seed, order.wrongs) for order in ended if order.wrongs] == []


def test_a_seed_replays_its_order() -> None:
    order = eight(7)
    assert replay(order.seed) == order


def test_all_orders_are_tried() -> None:
    """Build two handlers of three and of four steps."""

    def play(choices: Sequence[int]) -> Sequence[int]:
        left, widths = [3, 4], []
        while ready := [number for number in (0, 1) if left[number]]:
            widths.append(len(ready))
            left[ready[choices[len(widths) - 1] if len(widths) <= len(choices) else 0]] -= 1
        return widths

    tried = [tuple(choices) for choices in orders(play)]
    assert len(tried) == len(set(tried)) == comb(7, 3)
