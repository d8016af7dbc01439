"""The deployment's decisions, on recorded answers of CloudFormation."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from infra.deploy import execute, prepare, require_secrets, upload, with_code
from infra.package import Package

STACK = "coinpurse-test"
CHANGE_SET = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/deploy/1"
URL = "https://bucket.s3.amazonaws.com/template.json"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


class Answers:
    """CloudFormation that answers what it was told to, in that order."""

    def __init__(self) -> None:
        self.client = boto3.client("cloudformation")
        self._stubber = Stubber(self.client)
        self._stubber.activate()

    def stack(self, status: str, **outputs: str) -> None:
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        stack = {"StackName": STACK, "CreationTime": datetime.now(UTC), "StackStatus": status, "Outputs": listed}
        self._stubber.add_response("describe_stacks", {"Stacks": [stack]})

    def no_stack(self) -> None:
        self._stubber.add_client_error("describe_stacks", "ValidationError", f"Stack with id {STACK} does not exist")

    def change_set(self, kind: str, watched: list[str], status: str = "CREATE_COMPLETE", reason: str = "") -> None:
        rollback = {
            "MonitoringTimeInMinutes": 5 if watched else 0,
            "RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in watched],
        }
        wanted: dict[str, Any] = {"ChangeSetType": kind, "RollbackConfiguration": rollback}
        for name in ("StackName", "ChangeSetName", "TemplateURL", "Parameters", "Capabilities"):
            wanted[name] = ANY
        self._stubber.add_response("create_change_set", {"Id": CHANGE_SET}, wanted)
        self.described(status, reason)

    def described(self, status: str = "CREATE_COMPLETE", reason: str = "", *changes: dict[str, Any]) -> None:
        listed = [{"Type": "Resource", "ResourceChange": change} for change in changes]
        self._stubber.add_response("describe_change_set", {"Status": status, "StatusReason": reason, "Changes": listed})

    def deleted(self) -> None:
        self._stubber.add_response("delete_change_set", {})

    def executed(self) -> None:
        self._stubber.add_response("execute_change_set", {}, {"ChangeSetName": CHANGE_SET})

    def none_left(self) -> None:
        self._stubber.assert_no_pending_responses()


@pytest.fixture
def cloud() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.none_left()


def test_the_first_time_creates_and_has_nothing_to_watch(cloud: Answers) -> None:
    cloud.no_stack()
    cloud.change_set("CREATE", watched=[])
    cloud.described("CREATE_COMPLETE", "", {"Action": "Add", "LogicalResourceId": "Table"})
    assert prepare(cloud.client, STACK, URL, {"Catalogue": "default"}) == CHANGE_SET


def test_a_change_set_that_was_never_carried_out_is_no_stack(cloud: Answers) -> None:
    cloud.stack("REVIEW_IN_PROGRESS")
    cloud.change_set("CREATE", watched=[])
    cloud.described()
    assert prepare(cloud.client, STACK, URL, {}) == CHANGE_SET


def test_later_ones_are_undone_when_an_alarm_rings(cloud: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.stack("UPDATE_COMPLETE", RollbackAlarmArns="arn:1,arn:2")
    cloud.change_set("UPDATE", watched=["arn:1", "arn:2"])
    change = {"Action": "Modify", "LogicalResourceId": "Relay", "ResourceType": "AWS::Lambda::Function"}
    cloud.described("CREATE_COMPLETE", "", change)
    assert prepare(cloud.client, STACK, URL, {}) == CHANGE_SET
    assert capsys.readouterr().out == "Modify  Relay\n"


@pytest.mark.parametrize(
    "change", [{"Action": "Remove"}, {"Action": "Modify", "Replacement": "True"}, {"Replacement": "Conditional"}]
)
def test_the_ledger_is_never_replaced_or_removed(cloud: Answers, change: dict[str, str]) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", watched=[])
    cloud.described("CREATE_COMPLETE", "", {**change, "ResourceType": "AWS::DynamoDB::Table"})
    cloud.deleted()
    with pytest.raises(SystemExit, match="ledger's table"):
        prepare(cloud.client, STACK, URL, {})


def test_nothing_new_is_no_failure(cloud: Answers) -> None:
    reason = "The submitted information didn't contain changes."
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", [], "FAILED", reason)
    cloud.described("FAILED", reason)
    cloud.deleted()
    assert prepare(cloud.client, STACK, URL, {}) is None


def test_a_refusal_is_told(cloud: Answers) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", [], "FAILED", "Parameters: [JwksUrl] must have values")
    cloud.described("FAILED", "Parameters: [JwksUrl] must have values")
    cloud.deleted()
    with pytest.raises(SystemExit, match="JwksUrl"):
        prepare(cloud.client, STACK, URL, {})


@pytest.mark.parametrize(
    ("before", "after"), [("REVIEW_IN_PROGRESS", "CREATE_COMPLETE"), ("CREATE_COMPLETE", "UPDATE_COMPLETE")]
)
def test_execution_ends_with_the_outputs(cloud: Answers, before: str, after: str) -> None:
    cloud.stack(before)
    cloud.executed()
    cloud.stack(after)
    cloud.stack(after, ApiUrl="https://api.example.com")
    assert execute(cloud.client, STACK, CHANGE_SET) == {"ApiUrl": "https://api.example.com"}


def test_a_rollback_is_told(cloud: Answers) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.executed()
    cloud.stack("UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(SystemExit, match="Rolled back"):
        execute(cloud.client, STACK, CHANGE_SET)


def test_missing_secrets_stop_it() -> None:
    with mock_aws():
        ssm = boto3.client("ssm")
        ssm.put_parameter(Name="/coinpurse/test/stripe_api_key", Value="sk_test_1", Type="SecureString")
        with pytest.raises(
            SystemExit, match=r": /coinpurse/test/stripe_webhook_secrets, /coinpurse/test/offer_signing_keys$"
        ):
            require_secrets(ssm, "test")
        ssm.put_parameter(Name="/coinpurse/test/offer_signing_keys", Value='["-----BEGIN"]', Type="SecureString")
        ssm.put_parameter(Name="/coinpurse/test/stripe_webhook_secrets", Value='["whsec_1"]', Type="SecureString")
        require_secrets(ssm, "test")


def test_uploads_are_named_by_their_content(tmp_path: Path) -> None:
    package = Package(template=tmp_path / "test/sam.json", code=tmp_path / "test/deployment.zip")
    package.template.parent.mkdir()
    package.code.write_bytes(b"zip")
    package.template.write_text('{"Resources": {}}')
    s3 = boto3.client("s3")
    with Stubber(s3) as stubber:
        keys: list[str] = []
        s3.meta.events.register("provide-client-params.s3.PutObject", lambda params, **_: keys.append(params["Key"]))
        stubber.add_response("put_object", {})
        stubber.add_response("put_object", {})
        url = upload(s3, "bucket", package)
    assert keys[0] == f"coinpurse/code/{hashlib.sha256(b'zip').hexdigest()}.zip"
    assert url.endswith(keys[1])
    assert "?" not in url


def test_code_is_taken_from_the_bucket() -> None:
    functions = {"Relay": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}}
    others = {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}}}
    found = json.loads(with_code(json.dumps({"Resources": functions | others}), "bucket", "key"))
    assert found["Resources"]["Relay"]["Properties"]["CodeUri"] == {"Bucket": "bucket", "Key": "key"}
    assert found["Resources"]["Table"] == others["Table"]
