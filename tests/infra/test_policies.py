"""IAM policies grant what the functions call, and no more."""

import json
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.keys import parked_key, review_keys, settled_reviews, wallet_sum_key, worker_key
from infra.package import ROOT
from infra.policies import Call, granted, needs, refused, statements

FUNCTIONS = tuple(json.loads((ROOT / ".chalice/config.json").read_text())["stages"]["prod"]["lambda_functions"])


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_policy_has_no_wildcard(function: str) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert {"NotAction", "NotResource"}.isdisjoint(statement)
        assert not [action for action in as_list(statement["Action"]) if "*" in action]
        for resource in as_list(statement["Resource"]):
            # An intrinsic function names one resource. `*` is allowed for the streams of the ledger's table only.
            assert isinstance(resource, dict)
            assert "*" not in json.dumps(resource) or resource == {"Fn::Sub": "${Table.Arn}/stream/*"}


def test_functions_and_policies_correspond(template: dict[str, Any]) -> None:
    found = [name for name, one in template["Resources"].items() if one["Type"] == "AWS::Serverless::Function"]
    assert {name.replace("_", "").lower() for name in FUNCTIONS} == {name.lower() for name in found}
    files = {path.stem.removeprefix("policy-") for path in (ROOT / ".chalice").glob("policy-*.json")}
    assert files == set(FUNCTIONS)


def test_deployed_roles_have_exactly_the_policies(transformed: dict[str, Any]) -> None:
    roles = [one["Properties"] for one in transformed["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    deployed = [policy["PolicyDocument"]["Statement"] for role in roles for policy in role["Policies"]]
    assert len(deployed) == len(FUNCTIONS)
    assert all(statements(name) in deployed for name in FUNCTIONS)
    assert not [role for role in roles if role.get("ManagedPolicyArns")]


def functions_that(prefix: str) -> set[str]:
    """Return the functions that are granted an action with this prefix."""
    return {function for function in FUNCTIONS if any(action.startswith(prefix) for action in granted(function))}


def test_only_api_and_reconcile_read_secrets() -> None:
    assert functions_that("ssm:") == {"api_handler", "reconcile"}
    assert functions_that("kms:") == set()
    # Reconcile reads events from Stripe's API, so it verifies no signatures, and it signs no offers.
    for secret in ("stripe_webhook_secrets", "offer_signing_keys"):
        assert secret in json.dumps(statements("api_handler"))
        assert secret not in json.dumps(statements("reconcile"))


def test_only_relay_and_sweep_publish() -> None:
    assert functions_that("sns:") == {"relay", "sweep"}
    assert functions_that("sqs:SendMessage") == {"relay", "sweep", "streaks"}


def test_only_redrive_and_streaks_receive_from_queues() -> None:
    assert functions_that("sqs:ReceiveMessage") == functions_that("sqs:DeleteMessage") == {"redrive", "streaks"}


def test_only_workers_query_the_journal_and_the_api_reviews() -> None:
    assert functions_that("dynamodb:Query on index/journal") == {"api_handler", "sweep", "audit"}
    [query] = [one for one in statements("api_handler") if "index/journal" in json.dumps(one)]
    assert query["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [settled_reviews("*")]}}


def test_audit_writes_its_positions_checked_sums_and_reviews_only() -> None:
    writes = [one for one in statements("audit") if "Item" in json.dumps(one) and "GetItem" not in json.dumps(one)]
    assert [(write["Action"], write["Condition"]) for write in writes] == [
        ("dynamodb:UpdateItem", {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [review_keys("*", None)[0]]}}),
        (["dynamodb:UpdateItem", "dynamodb:PutItem"], _among(worker_key("audit"), parked_key("audit", "*"))),
        ("dynamodb:UpdateItem", _among(wallet_sum_key("*"))),
    ]


def _among(*keys: str) -> dict[str, Any]:
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_deletes_from_the_table(function: str) -> None:
    assert {"dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:Scan"}.isdisjoint(granted(function))


class TestCalls:
    def test_needs_of_transaction_are_those_of_its_items(self) -> None:
        items: list[dict[str, Any]] = [{"Put": {}}, {"Update": {}}, {"ConditionCheck": {}}, {"Delete": {}}]
        assert needs(Call("dynamodb", "TransactWriteItems", {"TransactItems": items})) == {
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
        }

    def test_needs_of_unrecorded_transaction_are_put_and_update(self) -> None:
        assert needs(Call("dynamodb", "TransactWriteItems")) == {"dynamodb:PutItem", "dynamodb:UpdateItem"}

    def test_needs_of_batches_are_single_actions(self) -> None:
        assert needs(Call("sns", "PublishBatch")) == {"sns:Publish"}
        assert needs(Call("sqs", "SendMessageBatch")) == {"sqs:SendMessage"}
        assert needs(Call("sqs", "ChangeMessageVisibilityBatch")) == {"sqs:ChangeMessageVisibility"}

    def test_needs_of_index_differ_from_table(self) -> None:
        call = Call("dynamodb", "Query", {"IndexName": "journal"})
        assert needs(Call("dynamodb", "Query")) == {"dynamodb:Query"}
        assert refused("streaks", [call]) == needs(call) == {"dynamodb:Query on index/journal"}

    def test_refused_omits_granted_calls(self) -> None:
        calls = [Call("dynamodb", "TransactWriteItems"), Call("sns", "PublishBatch"), Call("sqs", "SendMessage")]
        assert refused("relay", calls) == set()

    def test_refused_names_other_calls(self) -> None:
        calls = [Call("ssm", "GetParameters"), Call("dynamodb", "Scan"), Call("dynamodb", "GetItem")]
        assert refused("relay", calls) == {"ssm:GetParameters", "dynamodb:Scan"}
        assert refused("api_handler", calls) == {"dynamodb:Scan"}

    def test_refused_of_unknown_function_raises(self) -> None:
        with pytest.raises(FileNotFoundError):
            refused("nobody", [])
