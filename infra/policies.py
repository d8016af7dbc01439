"""Check of the functions' hand-written policies against the AWS calls that they make.

MiniStack enforces the policies too, but requires actions that AWS does not have (`sns:PublishBatch`), and checks
`ssm:GetParameters` for all parameters at once. This module uses AWS's names, and needs no stack.
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
    ("sqs", "ChangeMessageVisibilityBatch"): {"sqs:ChangeMessageVisibility"},
}
"""Operations whose IAM action has another name. Every other operation is named as its action."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an AWS API."""

    service: str
    """botocore's name, such as `dynamodb`."""
    operation: str
    """The API's name, such as `TransactWriteItems`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The request, if known. It decides the actions of a transaction and the index of a query."""


def refused(function: str, calls: Iterable[Call], root: Path = ROOT) -> set[str]:
    """Return the IAM actions that the calls need and the function's policy does not allow.

    A query on an index is written `dynamodb:Query on index/<name>`, because the table's ARN does not cover it.

    Args:
        function: Chalice's name, such as `api_handler` or `relay`.
        calls: the calls to check.
        root: the project's directory.

    Raises:
        FileNotFoundError: the function has no policy.
    """
    return {need for call in calls for need in needs(call)} - granted(function, root)


def needs(call: Call) -> set[str]:
    """Return the IAM actions of a call. A transaction without its request counts as put and update."""
    if call.operation == "TransactWriteItems" and (items := call.parameters.get("TransactItems")):
        return {_IN_TRANSACTIONS[kind] for item in items for kind in item}
    actions = _ACTIONS.get((call.service, call.operation), {f"{call.service}:{call.operation}"})
    index = call.parameters.get("IndexName")
    return {f"{action} on index/{index}" for action in actions} if index else set(actions)


def granted(function: str, root: Path = ROOT) -> set[str]:
    """Return the actions that the function's policy allows, those on an index as `<action> on index/<name>`."""
    allowed: set[str] = set()
    for statement in statements(function, root):
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        indexes = [name for resource in resources if (name := _index(resource))]
        if len(indexes) < len(resources):
            allowed.update(actions)
        allowed.update(f"{action} on index/{name}" for action in actions for name in indexes)
    return allowed


def statements(function: str, root: Path = ROOT) -> list[dict[str, Any]]:
    """Read the statements of `.chalice/policy-<function>.json`."""
    document = json.loads((root / f".chalice/policy-{function}.json").read_text())
    found: list[dict[str, Any]] = document["Statement"]
    return found


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401  # IAM and CloudFormation take one value or a list
    return value if isinstance(value, list) else [value]


def _index(resource: Any) -> str | None:  # noqa: ANN401  # an ARN or an intrinsic
    text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
    _, found, name = str(text).partition("/index/")
    return name if found else None
