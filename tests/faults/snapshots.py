"""Snapshots of a simulated system, which set it back faster than it is built again."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any, Final

from tests.faults.intercepted_ports import InterceptedPort

_CONTAINERS: Final = frozenset({dict, list, set, Counter, defaultdict})


class Snapshot:
    """The state of objects of the tests, and of all such objects that they refer to.

    `restore` gives each of them its attributes back; they stay the same objects, so that what is bound to them stays
    valid. Containers are copied. Everything else is taken for a value: it must not change.
    """

    def __init__(self, *roots: object) -> None:
        self._saved: list[tuple[dict[str, Any], Mapping[str, Any]]] = []
        found: dict[int, object] = {}
        waiting = [*roots]
        while waiting:
            thing = waiting.pop()
            if id(thing) not in found:
                found[id(thing)] = thing
                self._saved.append((vars(thing), _copied(vars(thing))))
                waiting += _objects_in(vars(thing))

    def restore(self) -> None:
        """Set everything back. A snapshot can be restored several times."""
        for attributes, saved in self._saved:
            if attributes.keys() != saved.keys():
                attributes.clear()
            attributes.update(_copied(saved))


def _copied(container: Any) -> Any:
    """Copy a container, and the containers in it."""
    if isinstance(container, list):
        return [_copied(each) if type(each) in _CONTAINERS else each for each in container]
    copy = container.copy()
    if isinstance(container, dict):
        for key, each in container.items():
            if type(each) in _CONTAINERS:
                copy[key] = _copied(each)
    return copy


def _objects_in(container: Any) -> Iterator[object]:
    """Generate the objects with a state of their own in a container."""
    for each in container.values() if isinstance(container, dict) else container:
        if type(each) in _CONTAINERS:
            yield from _objects_in(each)
        elif _has_state(type(each)):  # type: ignore[arg-type]  # a class is hashable
            yield each


@cache
def _has_state(kind: type) -> bool:
    is_frozen = dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    is_object = kind.__module__.startswith("tests.") and kind.__dictoffset__ != 0
    return is_object and not is_frozen and not issubclass(kind, InterceptedPort | Enum)
