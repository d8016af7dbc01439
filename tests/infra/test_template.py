"""The packaged template: complete, consistent, and within limits."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from chalicelib import errors, telemetry
from chalicelib.adapters.aws.secrets import STALE_SECONDS
from chalicelib.adapters.tokens.issuer_keys import STALE_KEYS_SECONDS
from chalicelib.domain.outcomes import Outcome
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


SOURCES = "".join(path.read_text() for path in (ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")))


def outcomes() -> set[str]:
    """Return the metric names that telemetry counts for outcomes."""
    counted: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telemetry, "count", lambda name, _amount: counted.add(name))
        for outcome in (Outcome.IN_REVIEW, Outcome.UNKNOWN_STATUS):
            telemetry.count_outcome(outcome)
    return counted


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


class TestAlarms:
    def test_alarms_have_a_runbook(self, template: Template) -> None:
        runbooks = re.findall(r"^### (\w+)$", (ROOT / "infra/runbooks.md").read_text(), re.MULTILINE)
        alarms = of_type(template, "AWS::CloudWatch::Alarm")
        assert len(alarms) >= 7
        assert sorted(runbooks) == sorted(alarms)

    def test_alarms_notify_the_topic(self, template: Template) -> None:
        for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
            assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name

    @pytest.mark.parametrize(
        ("name", "metric"),
        [
            ("PaymentInReviewAlarm", "PaymentInReview"),
            ("OpenReviewsAlarm", "OpenReviews"),
            ("LateFailureAlarm", "LateFailure"),
            ("UnknownStatusAlarm", "WebhookUnknownStatus"),
            ("MismatchAlarm", "Mismatch"),
            ("HealedAlarm", "Healed"),
            ("ReconcileBehindAlarm", "ReconcileBehind"),
            ("UnforeseenAlarm", "Unforeseen"),
            ("StaleKeysAlarm", "StaleKeys"),
            ("StaleSecretsAlarm", "StaleSecrets"),
            ("PaymentUnavailableAlarm", "PaymentUnavailable"),
            ("SweptAlarm", "Swept"),
            ("ParkedAlarm", "Parked"),
            ("CouldNotTellAlarm", "CouldNotTell"),
        ],
    )
    def test_alarm_metrics_are_those_of_telemetry(
        self, template: Template, capsys: pytest.CaptureFixture[str], name: str, metric: str
    ) -> None:
        assert f'"{metric}"' in SOURCES or metric in outcomes()
        with telemetry.invocation("request"):
            telemetry.count(metric)
        emitted = json.loads(capsys.readouterr().out.splitlines()[-1])
        [directive] = emitted["_aws"]["CloudWatchMetrics"]
        alarm = template["Resources"][name]["Properties"]
        assert directive["Namespace"] == alarm["Namespace"]
        assert [metric["Name"] for metric in directive["Metrics"]] == [alarm["MetricName"]]
        dimensions = {
            found["Name"]: found["Value"]["Fn::Sub"].replace("${Stage}", "test") for found in alarm["Dimensions"]
        }
        assert {name: emitted[name] for names in directive["Dimensions"] for name in names} == dimensions

    @pytest.mark.parametrize(
        ("name", "stale_seconds"), [("StaleKeysAlarm", STALE_KEYS_SECONDS), ("StaleSecretsAlarm", STALE_SECONDS)]
    )
    def test_alarms_of_stale_values_ignore_one_failure_and_leave_time_to_act(
        self, template: Template, name: str, stale_seconds: int
    ) -> None:
        alarm = template["Resources"][name]["Properties"]
        assert alarm["DatapointsToAlarm"] > 1
        assert alarm["EvaluationPeriods"] * alarm["Period"] <= stale_seconds / 2

    @pytest.mark.parametrize("name", WORKERS)
    def test_worker_errors_have_an_alarm(self, template: Template, name: str) -> None:
        alarm = template["Resources"][f"{name}ErrorAlarm"]["Properties"]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
        # A schedule that stops causes no errors, only missing data. Queue consumers may be idle.
        assert (alarm["TreatMissingData"] == "breaching") is (name not in {"Redrive", "Streaks"})

    @pytest.mark.parametrize("name", ["Sweep", "Audit"])
    def test_worker_of_many_shards_has_an_alarm_for_a_single_one(self, template: Template, name: str) -> None:
        alarm = template["Resources"][f"{name}ErrorAlarm"]["Properties"]
        assert (alarm["Statistic"], alarm["Threshold"], alarm["Period"]) == ("Sum", 1, 600)
        assert "DatapointsToAlarm" not in alarm

    def test_api_alarms_have_the_name_of_the_api(self, template: Template) -> None:
        title = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["info"]["title"]
        dimensions = template["Resources"]["ApiErrorAlarm"]["Properties"]["Dimensions"]
        assert {"Name": "ApiName", "Value": title} in dimensions


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
