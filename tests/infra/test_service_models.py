"""botocore's service models, reduced to the operations that the functions call."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader

from infra.package import ROOT
from infra.policies import Call as AwsCall
from infra.policies import granted, needs
from infra.service_models import OPERATIONS, prune_model
from tests.infra.packaged import in_lambda

FUNCTIONS = tuple(json.loads((ROOT / ".chalice/config.json").read_text())["stages"]["prod"]["lambda_functions"])

EVENT_SOURCE_ACTIONS = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
"""Actions that Lambda's event source mappings call with a function's role; the functions' clients do not."""


def actions_of(service: str) -> set[str]:
    return {action for name in OPERATIONS[service] for action in needs(AwsCall(service, name))}


def allowed_actions() -> set[str]:
    """Return the actions that any policy grants on the services in use."""
    every = {action.partition(" on ")[0] for function in FUNCTIONS for action in granted(function)}
    return {action for action in every if action.partition(":")[0] in OPERATIONS}


def client_calls(source: str) -> Iterator[tuple[str, str]]:
    """Find the method calls on `self._sns`, `self._sqs` and so on, as pairs of service and method."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Attribute)
            and (service := node.func.value.attr.removeprefix("_")) in OPERATIONS
        ):
            yield service, node.func.attr


def model(service: str) -> dict[str, Any]:
    found: dict[str, Any] = Loader().load_service_model(service, "service-2")
    return found


class TestOperations:
    def test_operations_are_those_that_policies_allow(self) -> None:
        kept = {action for service in OPERATIONS for action in actions_of(service)}
        assert allowed_actions() - EVENT_SOURCE_ACTIONS == kept

    def test_event_source_actions_are_allowed_by_policies(self) -> None:
        assert allowed_actions() >= EVENT_SOURCE_ACTIONS

    def test_operations_cover_calls_of_adapters(self) -> None:
        sources = [path.read_text() for path in ROOT.glob("chalicelib/**/*.py")]
        called = {call for source in sources for call in client_calls(source)}
        kept = {(service, xform_name(name)) for service in OPERATIONS for name in OPERATIONS[service]}
        assert called == {call for call in kept if call[0] != "dynamodb"}, "PynamoDB calls DynamoDB itself"

    def test_client_calls_finds_removed_operation(self) -> None:
        assert set(client_calls("self._sqs.receive_message(QueueUrl='')")) == {("sqs", "receive_message")}

    def test_packaged_clients_have_exactly_these_operations(self, unpacked: Path) -> None:
        program = (
            "import json\nfrom botocore.session import Session\n"
            f"clients = [Session().create_client(name) for name in {sorted(OPERATIONS)!r}]\n"
            "names = [sorted(client.meta.service_model.operation_names) for client in clients]\n"
            "print(json.dumps(names))"
        )
        assert json.loads(in_lambda(unpacked, program)) == [sorted(OPERATIONS[name]) for name in sorted(OPERATIONS)]

    def test_packaged_models_are_small(self, unpacked: Path) -> None:
        sizes = {path.parts[-3]: path.stat().st_size for path in (unpacked / "botocore/data").rglob("service-2.json")}
        assert set(sizes) == set(OPERATIONS)
        assert sum(sizes.values()) < 40_000
        assert list((unpacked / "botocore/data").rglob("*.gz")) == []


class TestPruning:
    def test_prune_model_keeps_referred_shapes(self) -> None:
        complete, pruned = model("dynamodb"), prune_model(model("dynamodb"), OPERATIONS["dynamodb"])
        assert set(pruned["operations"]) == OPERATIONS["dynamodb"]
        assert complete["metadata"] == pruned["metadata"]
        for name in ("TransactionCanceledException", "CancellationReason", "AttributeValue", "ThrottlingException"):
            members, kept = complete["shapes"][name]["members"], pruned["shapes"][name]["members"]
            assert {member: facts["shape"] for member, facts in members.items()} == {
                member: facts["shape"] for member, facts in kept.items()
            }

    @pytest.mark.parametrize("service", sorted(OPERATIONS))
    def test_prune_model_keeps_exactly_the_referred_shapes(self, service: str) -> None:
        pruned = prune_model(model(service), OPERATIONS[service])
        referred = set(json.dumps(pruned).split('"shape": "')[1:])
        assert {text.partition('"')[0] for text in referred} == set(pruned["shapes"])

    def test_prune_model_removes_documentation_but_no_member(self) -> None:
        shapes = {
            "Input": {
                "type": "structure",
                "documentation": "<p>Long.</p>",
                "members": {"documentation": {"shape": "Text", "documentation": "<p>A text.</p>"}},
            },
            "Text": {"type": "string"},
            "Unused": {"type": "string"},
        }
        complete = {"metadata": {}, "operations": {"Put": {"input": {"shape": "Input"}}, "Get": {}}, "shapes": shapes}
        assert prune_model(complete, ["Put"])["shapes"] == {
            "Input": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Text": {"type": "string"},
        }

    def test_prune_model_unknown_operation_is_reported(self) -> None:
        with pytest.raises(ValueError, match="botocore describes no PutCoins"):
            prune_model(model("sns"), ["PutCoins", "PublishBatch"])
