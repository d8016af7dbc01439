"""What a function's hand-written policy lets it call.

MiniStack enforces the policies too, but by its own names of actions (it asks for `sns:PublishBatch`, which AWS does not
know); this goes by AWS's names, and needs no stack.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.package import ROOT

_IN_TRANSACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
_ACTIONS = {
    ("dynamodb", "TransactWriteItems"): {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    ("dynamodb", "TransactGetItems"): {"dynamodb:GetItem"},
    ("sns", "PublishBatch"): {"sns:Publish"},
    ("sqs", "SendMessageBatch"): {"sqs:SendMessage"},
    ("sqs", "DeleteMessageBatch"): {"sqs:DeleteMessage"},
}
"""Operations that IAM knows by other names; any other is its own action."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS."""

    service: str
    """botocore's name: `dynamodb`."""
    operation: str
    """The API's name: `TransactWriteItems`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The request, if it was recorded: it tells what a transaction writes, and which index a query reads."""


def refused(function: str, calls: Iterable[Call], root: Path = ROOT) -> set[str]:
    """The IAM actions that the calls need and the function's policy does not give; empty when all is well.

    A query on an index is `dynamodb:Query on index/<name>`: the table's ARN does not cover it.

    Args:
        function: Chalice's name: `api_handler`, `relay`.
        calls: what was called.
        root: the project.

    Raises:
        FileNotFoundError: there is no policy for such a function.
    """
    return {need for call in calls for need in needs(call)} - granted(function, root)


def needs(call: Call) -> set[str]:
    """The IAM actions of a call. Of a transaction whose request is not known: put and update."""
    if call.operation == "TransactWriteItems" and (items := call.parameters.get("TransactItems")):
        return {_IN_TRANSACTIONS[kind] for item in items for kind in item}
    actions = _ACTIONS.get((call.service, call.operation), {f"{call.service}:{call.operation}"})
    index = call.parameters.get("IndexName")
    return {f"{action} on index/{index}" for action in actions} if index else set(actions)


def granted(function: str, root: Path = ROOT) -> set[str]:
    """The actions that the function's policy allows, those on an index as `<action> on index/<name>`."""
    allowed: set[str] = set()
    for statement in statements(function, root):
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        indexes = [name for resource in resources if (name := _index(resource))]
        if len(indexes) < len(resources):
            allowed.update(actions)
        allowed.update(f"{action} on index/{name}" for action in actions for name in indexes)
    return allowed


def statements(function: str, root: Path = ROOT) -> list[dict[str, Any]]:
    """The statements of a function's policy, as they stand in `.chalice/policy-<function>.json`."""
    document = json.loads((root / f".chalice/policy-{function}.json").read_text())
    found: list[dict[str, Any]] = document["Statement"]
    return found


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401  # IAM and CloudFormation: one of something, or a list
    return value if isinstance(value, list) else [value]


def _index(resource: Any) -> str | None:  # noqa: ANN401  # an ARN or an intrinsic
    text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
    _, found, name = str(text).partition("/index/")
    return name if found else None
