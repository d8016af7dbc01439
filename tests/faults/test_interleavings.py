"""Concurrent handlers: every other pair in all orders, two triples in some; `make faults` has all orders of each."""

from collections.abc import Sequence
from math import comb

import pytest

from tests.faults.interleavings import HANDLERS, PAIRS, TRIPLES, all_orders, eight, random_orders, replay
from tests.faults.scheduler import Handler, Scheduler

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


def test_scheduler_runs_each_order_once() -> None:
    """No two of these orders lead to one state. Equal handlers begin in their order."""
    scheduler = Scheduler()

    def steps(count: int) -> Handler:
        def handler() -> None:
            for _ in range(count):
                scheduler.external_step("a step", lambda: note(scheduler.system.refusals))

        return handler

    def note(noted: dict[str, str]) -> None:
        noted[str(len(noted))] = str(scheduler.actor and scheduler.actor.number)

    def orders_of(handlers: Sequence[Handler]) -> list[str]:
        scheduler.system.refusals = {}
        return ["".join(scheduler.system.refusals.values()) for _ in scheduler.all_orders(handlers)]

    tried = orders_of([steps(3), steps(4)])
    assert len(tried) == len(set(tried)) == comb(7, 3)
    assert orders_of([steps(2)] * 2) == ["1122", "1212", "1221"]
