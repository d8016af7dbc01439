"""The packaged template: complete, consistent, and within limits."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from chalicelib import errors
from chalicelib.services import NEEDED
from chalicelib.settings import Settings
from infra.deploy import read_parameters
from infra.package import PYTHON, ROOT, STAGES, runtime
from tests.infra.packaged import Template, of_type, packaged_template

WORKERS = ("Redrive", "Streaks", "Sweep", "Reconcile", "Audit")


def test_merged_resources_and_events_have_types(template: Template) -> None:
    # A resource under a misspelled logical id would have no type, and no other check would fail.
    assert [name for name, found in template["Resources"].items() if "Type" not in found] == []
    functions = of_type(template, "AWS::Serverless::Function")
    events = [event for found in functions.values() for event in found.get("Events", {}).values()]
    assert events
    assert all("Type" in event for event in events)


def test_merged_description_overrides_chalices(template: Template) -> None:
    assert "merged-from-infra-resources" not in json.dumps(template)


def test_functions_have_exactly_the_settings(transformed: Template) -> None:
    wanted = {field.upper() for field in Settings.__struct_fields__} | {"POWERTOOLS_SERVICE_NAME"}
    functions = of_type(transformed, "AWS::Lambda::Function")
    assert set(functions) == {"APIHandler", "Relay", *WORKERS}
    for name, found in functions.items():
        assert set(found["Environment"]["Variables"]) == wanted, name


def test_functions_have_own_roles_and_memory(transformed: Template) -> None:
    functions = of_type(transformed, "AWS::Lambda::Function")
    roles = [json.dumps(found["Role"]) for found in functions.values()]
    assert len(set(roles)) == len(functions)
    assert "DefaultRole" not in transformed["Resources"]
    assert {found["MemorySize"] for found in functions.values()} == {1024}
    assert functions["APIHandler"]["Timeout"] == 28


def test_handlers_are_those_in_needed(template: Template) -> None:
    # services.py keys NEEDED by handler. A missing name would only slow the cold start down.
    handlers = {found["Handler"] for found in of_type(template, "AWS::Serverless::Function").values()}
    assert handlers == set(NEEDED)


def test_template_size_is_below_cloudformations_limit(template: Template) -> None:
    # `make deploy` passes the template by S3 URL, which CloudFormation limits to 1 MB.
    assert len(json.dumps(template).encode()) < 1_000_000


def test_functions_log_to_groups_with_retention(transformed: Template) -> None:
    groups = of_type(transformed, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == 30 for group in groups.values())
    for name, found in of_type(transformed, "AWS::Lambda::Function").items():
        assert found["LoggingConfig"]["LogGroup"]["Ref"] in groups, name


class TestStages:
    config: Template = json.loads((ROOT / ".chalice/config.json").read_text())

    def test_parameter_files_have_the_same_keys(self) -> None:
        stages = self.config["stages"]
        assert tuple(stages) == STAGES
        assert len({json.dumps(list(_keys(stage))) for stage in stages.values()}) == 1

    @pytest.mark.parametrize("stage", STAGES)
    def test_stage_has_one_name(self, stage: str) -> None:
        found = self.config["stages"][stage]
        assert found["environment_variables"] == {"STAGE": stage, "POWERTOOLS_SERVICE_NAME": f"coinpurse-{stage}"}
        assert found["api_gateway_stage"] == stage
        assert found["autogen_policy"] is False

    def test_stage_parameter_is_pinned(self, template: Template) -> None:
        assert template["Parameters"]["Stage"]["AllowedValues"] == ["local"]
        prod = packaged_template("prod")
        assert prod["Parameters"]["Stage"]["AllowedValues"] == ["prod"]
        assert prod["Parameters"]["Stage"]["Default"] == "prod"

    @pytest.mark.parametrize("stage", ["test", "prod"])
    def test_stages_on_aws_have_one_runtime(self, stage: str) -> None:
        functions = of_type(packaged_template(stage), "AWS::Serverless::Function")
        assert {found["Runtime"] for found in functions.values()} == {"python3.13"}

    def test_stage_local_has_runtime_of_its_environment(self, template: Template) -> None:
        functions = of_type(template, "AWS::Serverless::Function")
        assert {found["Runtime"] for found in functions.values()} == {runtime(PYTHON)}

    @pytest.mark.parametrize(
        ("stage", "pattern"), [("local", "https?://.+"), ("test", "https://.+"), ("prod", "https://.+")]
    )
    def test_addresses_outside_the_stage_local_need_https(self, stage: str, pattern: str) -> None:
        parameters = packaged_template(stage)["Parameters"]
        for name in ("TokenIssuer", "JwksUrl", "SuccessUrl", "CancelUrl", "StripeApiUrl"):
            assert parameters[name]["AllowedPattern"].removesuffix("[^/]") == pattern, name

    def test_real_money_is_for_the_stage_prod(self, template: Template) -> None:
        [assertion] = template["Rules"]["RealMoneyInProdOnly"]["Assertions"]
        assert assertion["Assert"] == {
            "Fn::Or": [{"Fn::Equals": [{"Ref": "Livemode"}, "false"]}, {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}]
        }

    @pytest.mark.parametrize("stage", ["test", "prod"])
    def test_parameters_make_valid_settings(self, stage: str, template: Template) -> None:
        given = read_parameters(stage)
        wanted = template["Parameters"]
        assert set(given) <= set(wanted)
        values = {name: str(found["Default"]) for name, found in wanted.items() if "Default" in found} | given
        assert set(values) == set(wanted)
        variables = template["Globals"]["Function"]["Environment"]["Variables"]
        environment = {name: values.get(value["Ref"], "made-by-cloudformation") for name, value in variables.items()}
        settings = Settings.read({**environment, "STAGE": stage})
        assert settings.livemode is (stage == "prod")


def _keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}/{key}"
            yield from _keys(inner, f"{path}/{key}")


class TestTable:
    def test_table_schema_is_that_of_the_ledger(self, template: Template) -> None:
        table = template["Resources"]["Table"]
        properties = table["Properties"]
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert [key["AttributeName"] for key in properties["KeySchema"]] == ["PK", "SK"]
        assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}

    def test_table_is_protected_from_deletion(self, template: Template) -> None:
        table = template["Resources"]["Table"]
        assert table["DeletionPolicy"] == "RetainExceptOnCreate"
        assert table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}
        assert template["Conditions"]["IsProd"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}

    def test_journal_is_an_index(self, template: Template) -> None:
        [index] = template["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
        assert index["IndexName"] == "journal"
        assert [key["AttributeName"] for key in index["KeySchema"]] == ["journal_hour", "journal_at"]
        assert set(index["Projection"]["NonKeyAttributes"]) == {"kind", "coins", "lane", "creator_id", "event_id"}


class TestWorkers:
    def test_redrive_consumes_the_failure_queue(self, transformed: Template) -> None:
        [mapping] = [
            found
            for found in of_type(transformed, "AWS::Lambda::EventSourceMapping").values()
            if found["FunctionName"] == {"Ref": "Redrive"}
        ]
        queue = transformed["Resources"]["RelayFailureQueue"]["Properties"]
        assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["RelayFailureQueue", "Arn"]}
        assert mapping["BatchSize"] == 1
        # With a shorter time-out a range would be redelivered while it is still being relayed.
        assert queue["VisibilityTimeout"] >= 6 * of_type(transformed, "AWS::Lambda::Function")["Redrive"]["Timeout"]
        assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["RelayFailureDeadLetters", "Arn"]}
        hours = queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"] / 3600
        assert 1 <= hours <= 24

    def test_queues_retain_messages_for_two_weeks(self, template: Template) -> None:
        for name, queue in of_type(template, "AWS::SQS::Queue").items():
            assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, name


def test_gateway_responses_are_problem_documents(template: Template) -> None:
    responses = template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    known = (errors.NotFound, errors.PayloadTooLarge, errors.TryAgain)
    titles = {kind.code: kind.title for kind in known}
    for name, response in responses.items():
        assert response["ResponseParameters"]["Headers"]["Access-Control-Allow-Origin"] == "'*'", name
        for body in response.get("ResponseTemplates", {}).values():
            problem = json.loads(body)
            assert {"type", "title", "status", "detail", "code", "request_id"} == set(problem)
            assert (problem["type"], problem["title"]) == (
                f"urn:coinpurse:problem:{problem['code']}",
                titles[problem["code"]],
            )
            assert str(problem["status"]) == str(response["StatusCode"])
    assert responses["MISSING_AUTHENTICATION_TOKEN"]["StatusCode"] == 404


def test_source_names_no_account_or_region() -> None:
    source = (ROOT / "infra/resources.yaml").read_text()
    assert "arn:aws:" not in source
    assert yaml.compose(source) is not None
