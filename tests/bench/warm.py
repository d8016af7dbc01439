"""CPU of a credited webhook in a process that has seen many, over the bare transaction that it comes to."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from tests.bench.children import Children, require
from tests.bench.flows import Flows
from tests.bench.report import Row, measure, ratio

WEBHOOKS = 200
WARM_UP = 20


def rows(flows: Flows, children: Children, package: Path, directory: Path, webhooks: int) -> Iterator[Row]:
    """Measure.

    Args:
        flows: of any fan.
        children: where to run it.
        package: where it is unpacked.
        directory: for what goes in and comes out.
        webhooks: how many to measure, after WARM_UP others.
    """
    work, figures = directory / "work.json", directory / "figures.json"
    work.write_text(json.dumps(_work(flows, WARM_UP + webhooks)))
    children.program("warm_webhooks.py", str(package), str(work), str(figures))
    measured = json.loads(figures.read_text())
    for answer in measured["answers"]:
        require(answer, 200, outcome="credited")
    credited, transactions = (measured[what][WARM_UP:] for what in ("webhooks", "transactions"))
    yield measure("warm webhook", ratio(credited, transactions), "x its bare TransactWriteItems")


def _work(flows: Flows, number: int) -> Mapping[str, list[Any]]:
    purchases = flows.purchases()
    credited = next(purchases)
    require(flows.api(flows.webhook(credited)), 200, outcome="credited")
    sample = json.dumps(dict(flows.recorder.parameters))
    others = list(islice(purchases, number))
    return {
        "webhooks": [flows.webhook(payload) for payload in islice(purchases, number)],
        "transactions": [transaction(sample, _purchase_id(credited), _purchase_id(payload)) for payload in others],
    }


def transaction(sample: str, sample_id: str, purchase_id: str) -> dict[str, Any]:
    """The transaction that credits a purchase, made out of the one that credited another."""
    parameters: dict[str, Any] = json.loads(sample.replace(sample_id, purchase_id))
    # Each has to have its own: botocore makes one where there is none.
    parameters.pop("ClientRequestToken", None)
    return {name: value for name, value in parameters.items() if not name.startswith("Return")}


def _purchase_id(payload: str) -> str:
    return str(json.loads(payload)["data"]["object"]["client_reference_id"])
