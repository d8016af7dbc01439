"""Deploy a stage to AWS: `python -m infra.deploy --stage test --bucket my-deployments`.

Parameters are those of `infra/parameters/<stage>.json`; credentials and region are boto3's defaults. The changes are
printed first. The deployment stops if it would replace or remove the ledger's table.
"""

import argparse
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infra.package import ROOT, Package, build

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import ChangeTypeDef, RollbackConfigurationTypeDef
    from types_boto3_s3 import S3Client
    from types_boto3_ssm import SSMClient

STAGES = ("test", "prod")
SECRETS = ("stripe_api_key", "stripe_webhook_secrets", "offer_signing_keys")

_WATCHED_MINUTES = 5
_NOTHING_NEW = ("didn't contain changes", "No updates are to be performed")


def with_code(template: str, bucket: str, key: str) -> str:
    """Set the S3 location of the functions' code in the template."""
    document: dict[str, Any] = json.loads(template)
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    return json.dumps(document, sort_keys=True)


def read_parameters(stage: str, root: Path = ROOT) -> dict[str, str]:
    """Read a stage's template parameters."""
    parameters: dict[str, str] = json.loads((root / f"infra/parameters/{stage}.json").read_text())
    return parameters


def require_secrets(ssm: "SSMClient", stage: str) -> None:
    """Check that the secrets exist, without which the functions would return 5xx.

    Raises:
        SystemExit: a secret is missing; the message names it.
    """
    missing = ssm.get_parameters(Names=[f"/coinpurse/{stage}/{name}" for name in SECRETS]).get("InvalidParameters")
    if missing:
        raise SystemExit(f"Create these SSM SecureStrings first (see infra/README.md): {', '.join(missing)}")


def upload(s3: "S3Client", bucket: str, package: Package) -> str:
    """Upload code and template under the hash of their content. Returns the template's URL."""
    code, stage = package.code.read_bytes(), package.template.parent.name
    code_key = f"coinpurse/code/{hashlib.sha256(code).hexdigest()}.zip"
    template = with_code(package.template.read_text(), bucket, code_key).encode()
    template_key = f"coinpurse/{stage}/{hashlib.sha256(template).hexdigest()}.json"
    for key, body in ((code_key, code), (template_key, template)):
        s3.put_object(Bucket=bucket, Key=key, Body=body, ServerSideEncryption="AES256")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": template_key})
    return url.split("?")[0]


def prepare(
    cloudformation: "CloudFormationClient", stack: str, template_url: str, parameters: dict[str, str]
) -> str | None:
    """Create a change set and print its changes. Returns its ARN, or None if nothing changes.

    Raises:
        SystemExit: CloudFormation rejects the template or a parameter, or the table would be replaced or removed.
    """
    outputs = _outputs(cloudformation, stack)
    change_set = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=f"deploy-{datetime.now(UTC):%Y%m%dT%H%M%S}",
        ChangeSetType="CREATE" if outputs is None else "UPDATE",
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        RollbackConfiguration=_watch(outputs or {}),
    )["Id"]
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
    except WaiterError as error:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set).get("StatusReason", "")
        cloudformation.delete_change_set(ChangeSetName=change_set)
        if any(words in reason for words in _NOTHING_NEW):
            return None
        raise SystemExit(f"CloudFormation rejected the change set: {reason}") from error
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    changes = [change for page in pages for change in page["Changes"]]
    for change in changes:
        print(_line(change))
    if any(_endangers_the_ledger(change) for change in changes):
        cloudformation.delete_change_set(ChangeSetName=change_set)
        raise SystemExit("Stopped: this would replace or remove the ledger's table.")
    return change_set


def execute(cloudformation: "CloudFormationClient", stack: str, change_set: str) -> dict[str, str]:
    """Execute a change set and wait. Returns the stack's outputs.

    Raises:
        SystemExit: the deployment failed and was rolled back.
    """
    new = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    cloudformation.execute_change_set(ChangeSetName=change_set)
    try:
        if new:
            cloudformation.get_waiter("stack_create_complete").wait(StackName=stack)
        else:
            cloudformation.get_waiter("stack_update_complete").wait(StackName=stack)
    except WaiterError as error:
        hint = f"see `aws cloudformation describe-stack-events --stack-name {stack}`"
        raise SystemExit(f"Rolled back; {hint}") from error
    return _outputs(cloudformation, stack) or {}


def stack_outputs(stage: str) -> dict[str, str]:
    """Read the outputs of a deployed stage.

    Raises:
        SystemExit: the stage is not deployed.
    """
    outputs = _outputs(boto3.client("cloudformation"), f"coinpurse-{stage}")
    if outputs is None:
        raise SystemExit(f"The stage {stage} is not deployed.")
    return outputs


def _outputs(cloudformation: "CloudFormationClient", stack: str) -> dict[str, str] | None:
    """Read the stack's outputs. Returns None if the stack does not exist yet."""
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if found["StackStatus"] == "REVIEW_IN_PROGRESS":  # created by a change set that was never executed
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _watch(outputs: dict[str, str]) -> "RollbackConfigurationTypeDef":
    """Build the rollback triggers: the stage's alarms, of which there are none before the first deployment."""
    alarms = [arn for arn in outputs.get("RollbackAlarmArns", "").split(",") if arn]
    return {
        "MonitoringTimeInMinutes": _WATCHED_MINUTES if alarms else 0,
        "RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in alarms],
    }


def _line(change: "ChangeTypeDef") -> str:
    resource = change.get("ResourceChange", {})
    replaced = " (replaced)" if resource.get("Replacement") == "True" else ""
    return f"{resource.get('Action', '?'):<8}{resource.get('LogicalResourceId', '?')}{replaced}"


def _endangers_the_ledger(change: "ChangeTypeDef") -> bool:
    resource = change.get("ResourceChange", {})
    unsafe = resource.get("Action") == "Remove" or resource.get("Replacement") in {"True", "Conditional"}
    return resource.get("ResourceType") == "AWS::DynamoDB::Table" and unsafe


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--bucket", required=True, help="your S3 bucket for deployments, in the stage's region")
    arguments = parser.parse_args()
    stack = f"coinpurse-{arguments.stage}"
    package = build(arguments.stage)
    session = boto3.Session()
    require_secrets(session.client("ssm"), arguments.stage)
    template_url = upload(session.client("s3"), arguments.bucket, package)
    cloudformation = session.client("cloudformation")
    change_set = prepare(cloudformation, stack, template_url, read_parameters(arguments.stage))
    if change_set is None:
        print("Nothing to change.")
        sys.exit(0)
    for name, value in sorted(execute(cloudformation, stack, change_set).items()):
        print(f"{name}  {value}")


if __name__ == "__main__":
    main()
