"""CPU time of cold starts: from the start of a fresh process to its first response."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from statistics import median
from types import MappingProxyType

from tests.bench.calls import Call, gifts_to, stream_records
from tests.bench.children import API, INTERPRETER, RELAY, Children, Result, require, require_relayed
from tests.bench.flows import Flows
from tests.bench.report import Row, measure, ratio
from tests.bench.stack import Stack

ROUNDS = 15
SPARE_CALLS = 5
"""Relay calls beyond the rounds, for the import times."""

LIMITS: Mapping[str, float] = MappingProxyType({"gift": 1.10, "webhook": 1.40, "relay": 0.90})
"""The maximum of each path, in floors of the first release."""

Times = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor program of the first release, and the unpacked package that it runs on."""

    package: Path
    program: Path


@dataclass(frozen=True, slots=True)
class Packages:
    """Unpacked packages. Those that are None are not measured."""

    ours: Path
    floor: Floor | None = None
    chalice_alone: Path | None = None
    """The same code as Chalice packages it by itself: no bytecode, and botocore's descriptions of every service."""


class Calls:
    """Calls of each path. Each one does new work in the table.

    Args:
        stack: where the functions run.
        flows: of a user with coins.
        rounds: the number of relay calls to prepare, beside SPARE_CALLS.
    """

    def __init__(self, stack: Stack, flows: Flows, rounds: int) -> None:
        self._flows = flows
        self._purchases = flows.purchases()
        creators = [f"cold-relay-{number}" for number in range(rounds + SPARE_CALLS)]
        for creator_id in creators:
            require(flows.api(flows.fan.gift(creator_id)), 201)
        records = stream_records(stack)
        self._batches = iter([gifts_to(creator_id, records) for creator_id in creators])

    def run(self, path: str, children: Children, package: Path, options: Sequence[str] = ()) -> Result:
        """Call the function of a path in a fresh process, and check its response."""
        handler, event = (RELAY, next(self._batches)) if path == "relay" else (API, self._request(path))
        result = children.call(package, handler, event, options)
        if path == "relay":
            require_relayed(result.response)
        else:
            require(result.response, 201 if path == "gift" else 200)
        return result

    def _request(self, path: str) -> Call:
        return self._flows.fan.gift("cold") if path == "gift" else self._flows.webhook(next(self._purchases))


def rows(calls: Calls, children: Children, packages: Packages, rounds: int) -> list[Row]:
    """Measure all programs in turn, round after round, so that other load on the machine affects all equally."""
    runs = _runs(calls, children, packages)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(run())
    return list(report(times))


def report(times: Times) -> Iterator[Row]:
    """Make the rows of measured times. Ratios need the times of the floor."""
    yield measure("bare interpreter (-I -S -c pass)", _milliseconds(times["bare"]), "ms")
    floor = times.get("floor")
    if floor:
        yield measure("floor of the first release: bare_stack.py", _milliseconds(floor), "ms")
    for path, limit in LIMITS.items():
        yield measure(f"cold {path}", _milliseconds(times[path]), "ms")
        if floor:
            name = f"cold_{path}_ratio"
            yield measure(f"cold {path}", ratio(times[path], floor), "x floor", limit, name=name, path=path)
    if alone := times.get("alone"):
        yield measure("cold gift as Chalice alone packages it", ratio(alone, times["gift"]), "x cold gift")


def _runs(calls: Calls, children: Children, packages: Packages) -> dict[str, Callable[[], float]]:
    def run(path: str, package: Path) -> Callable[[], float]:
        return lambda: calls.run(path, children, package).cpu_seconds

    runs = {"bare": lambda: children.run([*INTERPRETER, "-c", "pass"])}
    runs |= {path: run(path, packages.ours) for path in LIMITS}
    if floor := packages.floor:
        number = counting()
        command = [*INTERPRETER, str(floor.program), str(floor.package)]
        runs["floor"] = lambda: children.run([*command, f"BENCH#{next(number)}"])
    if alone := packages.chalice_alone:
        runs["alone"] = run("gift", alone)
    return runs


def _milliseconds(times: Sequence[float]) -> float:
    return round(median(times) * 1000, 1)
