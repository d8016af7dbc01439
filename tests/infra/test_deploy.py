"""The decisions of `make deploy`, with stubbed responses of CloudFormation."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

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


class StubbedCloudFormation:
    """A CloudFormation client with stubbed responses, in order."""

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

    def change_set(self, kind: str, alarms: list[str], status: str = "CREATE_COMPLETE", reason: str = "") -> None:
        rollback = {
            "MonitoringTimeInMinutes": 5 if alarms else 0,
            "RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in alarms],
        }
        expected: dict[str, Any] = {"ChangeSetType": kind, "RollbackConfiguration": rollback}
        for name in ("StackName", "ChangeSetName", "TemplateURL", "Parameters", "Capabilities"):
            expected[name] = ANY
        self._stubber.add_response("create_change_set", {"Id": CHANGE_SET}, expected)
        self.described(status, reason)

    def described(self, status: str = "CREATE_COMPLETE", reason: str = "", *changes: dict[str, Any]) -> None:
        listed = [{"Type": "Resource", "ResourceChange": change} for change in changes]
        self._stubber.add_response("describe_change_set", {"Status": status, "StatusReason": reason, "Changes": listed})

    def deleted(self) -> None:
        self._stubber.add_response("delete_change_set", {})

    def executed(self) -> None:
        self._stubber.add_response("execute_change_set", {}, {"ChangeSetName": CHANGE_SET})

    def assert_no_pending(self) -> None:
        self._stubber.assert_no_pending_responses()


@pytest.fixture
def cloud() -> Iterator[StubbedCloudFormation]:
    stubbed = StubbedCloudFormation()
    yield stubbed
    stubbed.assert_no_pending()


def test_prepare_first_deployment_creates_without_rollback_alarms(cloud: StubbedCloudFormation) -> None:
    cloud.no_stack()
    cloud.change_set("CREATE", alarms=[])
    cloud.described("CREATE_COMPLETE", "", {"Action": "Add", "LogicalResourceId": "Table"})
    assert prepare(cloud.client, STACK, URL, {"Catalogue": "default"}) == CHANGE_SET


def test_prepare_unexecuted_change_set_counts_as_no_stack(cloud: StubbedCloudFormation) -> None:
    cloud.stack("REVIEW_IN_PROGRESS")
    cloud.change_set("CREATE", alarms=[])
    cloud.described()
    assert prepare(cloud.client, STACK, URL, {}) == CHANGE_SET


def test_prepare_update_rolls_back_on_alarms(cloud: StubbedCloudFormation, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.stack("UPDATE_COMPLETE", RollbackAlarmArns="arn:1,arn:2")
    cloud.change_set("UPDATE", alarms=["arn:1", "arn:2"])
    change = {"Action": "Modify", "LogicalResourceId": "Relay", "ResourceType": "AWS::Lambda::Function"}
    cloud.described("CREATE_COMPLETE", "", change)
    assert prepare(cloud.client, STACK, URL, {}) == CHANGE_SET
    assert capsys.readouterr().out == "Modify  Relay\n"


@pytest.mark.parametrize(
    "change", [{"Action": "Remove"}, {"Action": "Modify", "Replacement": "True"}, {"Replacement": "Conditional"}]
)
def test_prepare_rejects_replacing_or_removing_the_table(cloud: StubbedCloudFormation, change: dict[str, str]) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", alarms=[])
    cloud.described("CREATE_COMPLETE", "", {**change, "ResourceType": "AWS::DynamoDB::Table"})
    cloud.deleted()
    with pytest.raises(SystemExit, match="ledger's table"):
        prepare(cloud.client, STACK, URL, {})


def test_prepare_without_changes_is_none(cloud: StubbedCloudFormation) -> None:
    reason = "The submitted information didn't contain changes."
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", [], "FAILED", reason)
    cloud.described("FAILED", reason)
    cloud.deleted()
    assert prepare(cloud.client, STACK, URL, {}) is None


def test_prepare_failed_change_set_exits_with_reason(cloud: StubbedCloudFormation) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.change_set("UPDATE", [], "FAILED", "Parameters: [JwksUrl] must have values")
    cloud.described("FAILED", "Parameters: [JwksUrl] must have values")
    cloud.deleted()
    with pytest.raises(SystemExit, match="JwksUrl"):
        prepare(cloud.client, STACK, URL, {})


@pytest.mark.parametrize(
    ("before", "after"), [("REVIEW_IN_PROGRESS", "CREATE_COMPLETE"), ("CREATE_COMPLETE", "UPDATE_COMPLETE")]
)
def test_execute_returns_outputs(cloud: StubbedCloudFormation, before: str, after: str) -> None:
    cloud.stack(before)
    cloud.executed()
    cloud.stack(after)
    cloud.stack(after, ApiUrl="https://api.example.com")
    assert execute(cloud.client, STACK, CHANGE_SET) == {"ApiUrl": "https://api.example.com"}


def test_execute_rollback_exits(cloud: StubbedCloudFormation) -> None:
    cloud.stack("UPDATE_COMPLETE")
    cloud.executed()
    cloud.stack("UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(SystemExit, match="Rolled back"):
        execute(cloud.client, STACK, CHANGE_SET)


def test_require_secrets_names_missing_ones() -> None:
    names = [f"/coinpurse/test/{name}" for name in ("stripe_api_key", "stripe_webhook_secrets", "offer_signing_keys")]
    ssm = boto3.client("ssm")
    with Stubber(ssm) as stubber:
        stubber.add_response("get_parameters", {"InvalidParameters": names[1:]}, {"Names": names})
        with pytest.raises(SystemExit, match=rf": {names[1]}, {names[2]}$"):
            require_secrets(ssm, "test")
        stubber.add_response("get_parameters", {}, {"Names": names})
        require_secrets(ssm, "test")


def test_upload_keys_are_content_hashes(tmp_path: Path) -> None:
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


def test_with_code_sets_s3_location() -> None:
    functions = {"Relay": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}}
    others = {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}}}
    found = json.loads(with_code(json.dumps({"Resources": functions | others}), "bucket", "key"))
    assert found["Resources"]["Relay"]["Properties"]["CodeUri"] == {"Bucket": "bucket", "Key": "key"}
    assert found["Resources"]["Table"] == others["Table"]
