"""CPU time of calls in a warm process, as a ratio to the single transaction that each of them writes."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from uuid_utils import uuid7

from tests.bench.children import Children, require
from tests.bench.flows import Flows
from tests.bench.report import Row, measure, ratio

CALLS = 200
WARM_UP = 20
PROFILED = 20

LIMITS: Mapping[str, float] = MappingProxyType({"webhook": 1.25, "gift": 1.25})
"""The maximum of each path, in bare transactions."""

Work = Mapping[str, list[Any]]


def rows(flows: Flows, children: Children, package: Path, directory: Path, calls: int, warm_up: int) -> Iterator[Row]:
    """Measure each path in a process of its own.

    Args:
        flows: of a user with coins.
        children: runs the process.
        package: the unpacked package.
        directory: for the program's input and output.
        calls: the number of calls to measure.
        warm_up: the number of calls before them.
    """
    prepare = {"webhook": _webhooks, "gift": _gifts}
    for path, limit in LIMITS.items():
        work, measured = directory / f"{path}-work.json", directory / f"{path}-times.json"
        work.write_text(json.dumps(prepare[path](flows, warm_up + calls, min(PROFILED, calls))))
        children.program("warm_calls.py", str(package), str(work), str(measured))
        times = json.loads(measured.read_text())
        for response in times["responses"]:
            require(response, 201 if path == "gift" else 200)
        ours, bare = times["calls"][warm_up:], times["transactions"][warm_up:]
        name = f"warm_{path}_ratio"
        yield measure(f"warm {path}", ratio(ours, bare), "x bare TransactWriteItems", limit, name=name, path=path)


def profile(path: str, directory: Path) -> Mapping[str, float]:
    """Return the seconds of a path's profiled calls by source file. `rows` must have measured it."""
    files: Mapping[str, float] = json.loads((directory / f"{path}-times.json").read_text())["files"]
    return files


def _webhooks(flows: Flows, number: int, more: int) -> Work:
    purchases = flows.purchases()
    credited = next(purchases)
    require(flows.api(flows.webhook(credited)), 200, outcome="credited")
    sample = json.dumps(dict(flows.recorder.parameters))
    others = list(islice(purchases, number))
    return {
        "calls": [flows.webhook(payload) for payload in islice(purchases, number + more)],
        "transactions": [transaction(sample, _purchase_id(credited), _purchase_id(payload)) for payload in others],
    }


def _gifts(flows: Flows, number: int, more: int) -> Work:
    key = str(uuid7())
    require(flows.api(flows.fan.gift("warm", key=key)), 201)
    sample = json.dumps(dict(flows.recorder.parameters))
    return {
        "calls": [flows.fan.gift("warm") for _ in range(number + more)],
        "transactions": [transaction(sample, key, str(uuid7())) for _ in range(number)],
    }


def transaction(sample: str, sample_id: str, new_id: str) -> dict[str, Any]:
    """Derive the parameters of another TransactWriteItems from recorded ones.

    Args:
        sample: the recorded parameters as JSON.
        sample_id: the id in their keys.
        new_id: the id to put in its place.
    """
    parameters: dict[str, Any] = json.loads(sample.replace(sample_id, new_id))
    # botocore makes a new token for each request that has none.
    parameters.pop("ClientRequestToken", None)
    return {name: value for name, value in parameters.items() if not name.startswith("Return")}


def _purchase_id(payload: str) -> str:
    return str(json.loads(payload)["data"]["object"]["client_reference_id"])
