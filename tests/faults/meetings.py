"""Concurrent handlers of one small simulated system: all orders of their calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from tests.faults.failpoints import Schedule, heal, settle
from tests.faults.stage import Stage, orders
from tests.faults.trouble import Trouble
from tests.faults.verdict import Wrong, wrongs


class World(Protocol):
    """The simulated system that the handlers share."""

    stage: Stage


Place = TypeVar("Place", bound=World)


def all_orders(
    world: Callable[[Sequence[str]], Place], handlers: Mapping[str, Callable[[Place], None]], names: Sequence[str]
) -> Iterator[list[Wrong]]:
    """Find the breaches of each order, after delivery and again after recovery.

    `world` is called with the names of the handlers. A state reached by two orders is continued only once.
    """
    seen: set[int] = set()
    places: list[Place] = []

    def play(choices: Sequence[int]) -> Sequence[int]:
        place = world(names)
        places.append(place)
        return place.stage.play([partial(handlers[name], place) for name in names], choices, seen)

    for _ in orders(play):
        place = places.pop()
        if place.stage.is_over:
            place.stage.come_again()
            found = settle(place.stage.town, Trouble({}))
            heal(place.stage.town, Schedule.AT_ONCE, Trouble({}))
            yield found + wrongs(place.stage.town)
