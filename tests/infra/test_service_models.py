"""botocore's descriptions of services, reduced to the operations that the functions call."""

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
"""Actions that Lambda's event source mappings take with a function's rights. No client of ours calls them."""


def actions_of(service: str) -> set[str]:
    return {action for name in OPERATIONS[service] for action in needs(AwsCall(service, name))}


def allowed_actions() -> set[str]:
    """The actions that any policy allows on the services in use, wherever they are allowed."""
    every = {action.partition(" on ")[0] for function in FUNCTIONS for action in granted(function)}
    return {action for action in every if action.partition(":")[0] in OPERATIONS}


def client_calls(source: str) -> Iterator[tuple[str, str]]:
    """Find the calls of methods of `self._sns`, `self._sqs` and so on: pairs of a service and a method."""
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
    def test_each_action_that_a_policy_allows_has_an_operation(self) -> None:
        kept = {action for service in OPERATIONS for action in actions_of(service)}
        assert allowed_actions() - EVENT_SOURCE_ACTIONS == kept

    def test_event_sources_are_no_reason_to_keep_an_operation(self) -> None:
        assert allowed_actions() >= EVENT_SOURCE_ACTIONS

    def test_each_method_that_the_adapters_call_is_kept(self) -> None:
        sources = [path.read_text() for path in ROOT.glob("chalicelib/**/*.py")]
        called = {call for source in sources for call in client_calls(source)}
        kept = {(service, xform_name(name)) for service in OPERATIONS for name in OPERATIONS[service]}
        assert called == {call for call in kept if call[0] != "dynamodb"}, "PynamoDB calls DynamoDB itself"

    def test_a_call_of_a_removed_operation_is_found(self) -> None:
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


class TestPruning:
    def test_what_an_operation_refers_to_stays_as_it_is(self) -> None:
        whole, pruned = model("dynamodb"), prune_model(model("dynamodb"), OPERATIONS["dynamodb"])
        assert set(pruned["operations"]) == OPERATIONS["dynamodb"]
        assert whole["metadata"] == pruned["metadata"]
        for name in ("TransactionCanceledException", "CancellationReason", "AttributeValue", "ThrottlingException"):
            members, kept = whole["shapes"][name]["members"], pruned["shapes"][name]["members"]
            assert {member: facts["shape"] for member, facts in members.items()} == {
                member: facts["shape"] for member, facts in kept.items()
            }

    @pytest.mark.parametrize("service", sorted(OPERATIONS))
    def test_every_shape_that_is_referred_to_is_there(self, service: str) -> None:
        pruned = prune_model(model(service), OPERATIONS[service])
        referred = set(json.dumps(pruned).split('"shape": "')[1:])
        assert {text.partition('"')[0] for text in referred} == set(pruned["shapes"])

    def test_documentation_goes_but_not_a_member_of_that_name(self) -> None:
        shapes = {
            "Input": {
                "type": "structure",
                "documentation": "<p>Long.</p>",
                "members": {"documentation": {"shape": "Text", "documentation": "<p>A text.</p>"}},
            },
            "Text": {"type": "string"},
            "Unused": {"type": "string"},
        }
        whole = {"metadata": {}, "operations": {"Put": {"input": {"shape": "Input"}}, "Get": {}}, "shapes": shapes}
        assert prune_model(whole, ["Put"])["shapes"] == {
            "Input": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "Text": {"type": "string"},
        }

    def test_an_operation_that_botocore_lacks_is_reported(self) -> None:
        with pytest.raises(ValueError, match="botocore describes no PutCoins"):
            prune_model(model("sns"), ["PutCoins", "PublishBatch"])
