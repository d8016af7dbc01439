"""CPU of a cold start: from nothing to the first answer, in a fresh process each time."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from statistics import median
from types import MappingProxyType

from tests.bench.children import API, BARE, INTERPRETER, Children, require
from tests.bench.flows import Flows
from tests.bench.report import Row, measure, ratio

ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Limits:
    """What the first answer may take at most."""

    yardsticks: float
    """In bare interpreters. How bare one is depends on what is installed beside it."""
    floors: float
    """The same, in processes that do nothing but what Chalice and PynamoDB need: a floor was 5.4 of them."""


LIMITS: Mapping[str, Limits] = MappingProxyType({"gift": Limits(7, 1.3), "webhook": Limits(8, 1.5)})

Times = Mapping[str, Sequence[float]]
_PASS = ("-c", "pass")


@dataclass(frozen=True, slots=True)
class Packages:
    """Unpacked zips."""

    ours: Path
    chalice_alone: Path
    """Of the same code, as Chalice packages it by itself: no bytecode, and botocore's descriptions of every service."""


def rows(flows: Flows, children: Children, packages: Packages, rounds: int) -> list[Row]:
    """Measure all in turn, round after round, so that whatever else the machine does falls on all alike."""
    runs = _runs(flows, children, packages)
    times: dict[str, list[float]] = {what: [] for what in runs}
    for _ in range(rounds):
        for what, run in runs.items():
            times[what].append(run())
    return list(_report(times))


def _runs(flows: Flows, children: Children, packages: Packages) -> dict[str, Callable[[], float]]:
    purchases, number = flows.purchases(), counting()

    def gift(package: Path) -> float:
        result = children.call(package, API, flows.fan.gift("cold"))
        require(result.answer, 201)
        return result.cpu_seconds

    def webhook(package: Path) -> float:
        result = children.call(package, API, flows.webhook(next(purchases)))
        require(result.answer, 200, outcome="credited")
        return result.cpu_seconds

    # The interpreter that the environment was made of, with whatever is installed there.
    machines = str(Path(sys.base_prefix) / "bin" / "python3")
    return {
        "bare": lambda: children.run([*INTERPRETER, *_PASS]),
        "bare -I -S": lambda: children.run([*INTERPRETER, *BARE, *_PASS]),
        "bare, the machine's": lambda: children.run([machines, "-B", *_PASS]),
        "gift": lambda: gift(packages.ours),
        "webhook": lambda: webhook(packages.ours),
        "gift, Chalice alone": lambda: gift(packages.chalice_alone),
        "webhook, Chalice alone": lambda: webhook(packages.chalice_alone),
        "stack": lambda: children.program("bare_stack.py", str(packages.ours), f"BENCH#{next(number)}"),
    }


def _report(times: Times) -> Iterator[Row]:
    bare, machines, stack = times["bare"], times["bare, the machine's"], times["stack"]
    yield measure("yardstick: .venv/bin/python -c pass", _milliseconds(bare), "ms CPU")
    yield measure("the same with -I -S", _milliseconds(times["bare -I -S"]), "ms CPU")
    yield measure("the machine's own python3 -c pass", _milliseconds(machines), "ms CPU")
    yield measure("floor: Chalice, PynamoDB, one transaction, no more", _milliseconds(stack), "ms CPU")
    yield measure("the same", ratio(stack, bare), "x yardstick")
    for path, limits in LIMITS.items():
        what, own, alone = f"cold {path}", times[path], times[f"{path}, Chalice alone"]
        yield measure(what, _milliseconds(own), "ms CPU")
        yield measure(what, ratio(own, bare), "x yardstick", limits.yardsticks)
        yield measure(what, ratio(own, stack), "x floor", limits.floors)
        yield measure(what, ratio(own, machines), "x machine's python3")
        yield measure(f"{what}, as Chalice alone packages it", ratio(alone, bare), "x yardstick")
        yield measure(f"{what}, as Chalice alone packages it", ratio(alone, own), "x ours")


def _milliseconds(times: Sequence[float]) -> float:
    return round(median(times) * 1000, 1)
