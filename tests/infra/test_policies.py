"""Least rights: what the policies give, and the check of calls against them."""

import json
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.models import key
from infra.package import ROOT
from infra.policies import Call, granted, needs, refused, statements

FUNCTIONS = tuple(json.loads((ROOT / ".chalice/config.json").read_text())["stages"]["prod"]["lambda_functions"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_policy_holds_a_wildcard(function: str) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert {"NotAction", "NotResource"}.isdisjoint(statement)
        assert not [action for action in listed(statement["Action"]) if "*" in action]
        for resource in listed(statement["Resource"]):
            # An intrinsic names one resource; `*` may only stand for the streams of our own table.
            assert isinstance(resource, dict)
            assert "*" not in json.dumps(resource) or resource == {"Fn::Sub": "${Table.Arn}/stream/*"}


def test_every_function_has_a_policy_and_every_policy_a_function(template: dict[str, Any]) -> None:
    found = [name for name, one in template["Resources"].items() if one["Type"] == "AWS::Serverless::Function"]
    assert {name.replace("_", "").lower() for name in FUNCTIONS} == {name.lower() for name in found}
    files = {path.stem.removeprefix("policy-") for path in (ROOT / ".chalice").glob("policy-*.json")}
    assert files == set(FUNCTIONS)


def test_what_is_deployed_is_what_is_written(transformed: dict[str, Any]) -> None:
    roles = [one["Properties"] for one in transformed["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    deployed = [policy["PolicyDocument"]["Statement"] for role in roles for policy in role["Policies"]]
    assert len(deployed) == len(FUNCTIONS)
    assert all(statements(name) in deployed for name in FUNCTIONS)
    assert not [role for role in roles if role.get("ManagedPolicyArns")]


def functions_that(prefix: str) -> set[str]:
    """Who may do something that begins so."""
    return {function for function in FUNCTIONS if any(action.startswith(prefix) for action in granted(function))}


def test_only_those_that_ask_the_payment_provider_read_secrets() -> None:
    assert functions_that("ssm:") == {"api_handler", "reconcile"}
    assert functions_that("kms:") == set()
    # Nothing that reconcile takes in is signed: it asks the provider itself. And it makes no offers.
    for secret in ("stripe_webhook_secrets", "offer_signing_keys"):
        assert secret in json.dumps(statements("api_handler"))
        assert secret not in json.dumps(statements("reconcile"))


def test_only_the_relay_and_what_mends_it_publish() -> None:
    assert functions_that("sns:") == {"relay", "redrive", "sweep"}
    assert functions_that("sqs:SendMessage") == {"relay", "redrive", "sweep", "streaks"}


def test_only_redrive_and_streaks_take_from_a_queue() -> None:
    assert functions_that("sqs:ReceiveMessage") == functions_that("sqs:DeleteMessage") == {"redrive", "streaks"}


def test_the_journal_is_for_workers() -> None:
    assert functions_that("dynamodb:Query on index/journal") == {"redrive", "sweep", "audit"}


def test_the_audit_writes_nothing_but_its_watermark() -> None:
    writes = [one for one in statements("audit") if "Item" in json.dumps(one) and "GetItem" not in json.dumps(one)]
    [write] = writes
    assert write["Action"] == "dynamodb:UpdateItem"
    assert write["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [key("WATERMARK", "audit")]}}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nobody_deletes_from_the_ledger(function: str) -> None:
    assert {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:Scan"}.isdisjoint(granted(function))


class TestCalls:
    def test_a_transaction_needs_what_it_writes(self) -> None:
        items: list[dict[str, Any]] = [{"Put": {}}, {"Update": {}}, {"ConditionCheck": {}}, {"Delete": {}}]
        assert needs(Call("dynamodb", "TransactWriteItems", {"TransactItems": items})) == {
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
        }

    def test_a_transaction_that_was_not_recorded_needs_put_and_update(self) -> None:
        assert needs(Call("dynamodb", "TransactWriteItems")) == {"dynamodb:PutItem", "dynamodb:UpdateItem"}

    def test_batches_are_single_actions_to_iam(self) -> None:
        assert needs(Call("sns", "PublishBatch")) == {"sns:Publish"}
        assert needs(Call("sqs", "SendMessageBatch")) == {"sqs:SendMessage"}

    def test_an_index_is_not_the_table(self) -> None:
        call = Call("dynamodb", "Query", {"IndexName": "journal"})
        assert refused("api_handler", [Call("dynamodb", "Query")]) == set()
        assert refused("api_handler", [call]) == {"dynamodb:Query on index/journal"}

    def test_what_is_granted_is_not_refused(self) -> None:
        calls = [Call("dynamodb", "TransactWriteItems"), Call("sns", "PublishBatch"), Call("sqs", "SendMessage")]
        assert refused("relay", calls) == set()

    def test_what_is_not_granted_is_named(self) -> None:
        calls = [Call("ssm", "GetParameters"), Call("dynamodb", "Scan"), Call("dynamodb", "GetItem")]
        assert refused("relay", calls) == {"ssm:GetParameters", "dynamodb:Scan"}
        assert refused("api_handler", calls) == {"dynamodb:Scan"}

    def test_a_function_without_a_policy_is_no_function(self) -> None:
        with pytest.raises(FileNotFoundError):
            refused("nobody", [])
