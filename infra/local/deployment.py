"""Deployment of the packaged template on the local cloud, as on AWS: bucket, secrets, CloudFormation stack."""

import base64
import hashlib
import json
import secrets
import shutil
import time
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.local.facts import aws_session
from infra.local.ministack import REGION
from infra.local.processes import StartError
from infra.package import Package

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import ParameterTypeDef

STAGE = "local"

_STACK = "coinpurse"
_BUCKET = "coinpurse-deployments"
_CODE_KEY = "deployment.zip"
_TEMPLATE_KEY = "template.json"
_PUBLISHERS = ("Relay", "Sweep")
_SECRET_READERS = ("ApiHandler", "Reconcile")


@dataclass(frozen=True, slots=True)
class Deployment:
    """The resources that CloudFormation created."""

    table_name: str
    topic_arn: str
    relay_name: str
    gateway_url: str
    """Base URL of `/v1/...` at API Gateway, without the front door."""


class Deployer:
    """Deploys the application on a MiniStack."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._session = aws_session(REGION)

    def put_secrets(self, stripe_webhook_secret: str, stripe_api_key: str = "") -> None:
        """Create the SSM parameters that the functions read. CloudFormation cannot create SecureStrings.

        Without an API key a random one is put, which the sandbox accepts.
        """
        ssm = self._session.client("ssm", endpoint_url=self._endpoint_url)
        values = {
            "stripe_api_key": stripe_api_key or f"sk_test_{secrets.token_hex(12)}",
            "stripe_webhook_secrets": json.dumps([stripe_webhook_secret]),
            "offer_signing_keys": json.dumps([new_signing_key()]),
        }
        for name, value in values.items():
            ssm.put_parameter(Name=f"/coinpurse/{STAGE}/{name}", Value=value, Type="SecureString", Overwrite=True)

    def deploy(self, package: Package, parameters: Mapping[str, str]) -> Deployment:
        """Upload the package and create the stack.

        Raises:
            StartError: CloudFormation failed; the message names the resources and the reasons.
        """
        s3 = self._session.client("s3", endpoint_url=self._endpoint_url)
        s3.create_bucket(Bucket=_BUCKET)
        s3.upload_file(str(package.code), _BUCKET, _CODE_KEY)
        template = _with_code(package.template.read_text())
        s3.put_object(Bucket=_BUCKET, Key=_TEMPLATE_KEY, Body=template.encode())
        cloudformation = self._session.client("cloudformation", endpoint_url=self._endpoint_url)
        stack_parameters: list[ParameterTypeDef] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ]
        cloudformation.create_stack(
            StackName=_STACK,
            TemplateURL=f"{self._endpoint_url}/{_BUCKET}/{_TEMPLATE_KEY}",
            Parameters=stack_parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        outputs = _wait_for_outputs(cloudformation)
        self._put_gateway_responses(_api_id(outputs), json.loads(template))
        self._allow_loops(cloudformation, json.loads(template))
        deployment = self._deployment(outputs)
        for function in _PUBLISHERS:
            # At AWS, `sns:Publish` covers the operation.
            self._allow(cloudformation, function, "sns:PublishBatch", deployment.topic_arn)
        # At AWS, `sqs:ChangeMessageVisibility` covers the operation.
        self._allow(cloudformation, "Streaks", "sqs:ChangeMessageVisibilityBatch", "*")
        for function in _SECRET_READERS:
            # AWS checks each parameter of the request, MiniStack the resource `*`.
            self._allow(cloudformation, function, "ssm:GetParameters", "*")
        return deployment

    def outdated(self, package: Package) -> list[str]:
        """List the functions of the stack that run another code than the package's."""
        client = self._session.client("lambda", endpoint_url=self._endpoint_url)
        pages = client.get_paginator("list_functions").paginate()
        deployed = {each["FunctionName"]: each["CodeSha256"] for page in pages for each in page["Functions"]}
        present = base64.b64encode(hashlib.sha256(package.code.read_bytes()).digest()).decode()
        return [name for _, name in self.resources("AWS::Lambda::Function") if deployed[name] != present]

    def update_code(self, package: Package, functions: Sequence[str]) -> None:
        """Upload the package and let the functions run it, as a deployment of an unchanged template does."""
        s3 = self._session.client("s3", endpoint_url=self._endpoint_url)
        s3.upload_file(str(package.code), _BUCKET, _CODE_KEY)
        client = self._session.client("lambda", endpoint_url=self._endpoint_url)

        def update(function: str) -> None:
            client.update_function_code(FunctionName=function, S3Bucket=_BUCKET, S3Key=_CODE_KEY)

        with ThreadPoolExecutor(len(functions)) as executor:  # each function waits for its old workers to end
            list(executor.map(update, functions))

    def has_template(self, package: Package) -> bool:
        """Check if the stack was created from the package's template."""
        s3 = self._session.client("s3", endpoint_url=self._endpoint_url)
        deployed = s3.get_object(Bucket=_BUCKET, Key=_TEMPLATE_KEY)["Body"].read().decode()
        return deployed == _with_code(package.template.read_text())

    def resources(self, kind: str) -> list[tuple[str, str]]:
        """List the stack's resources of a type by logical and physical id."""
        cloudformation = self._session.client("cloudformation", endpoint_url=self._endpoint_url)
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=_STACK)
        summaries = (summary for page in pages for summary in page["StackResourceSummaries"])
        return [
            (each["LogicalResourceId"], each["PhysicalResourceId"])
            for each in summaries
            if each["ResourceType"] == kind
        ]

    def warm_relay(self, relay_name: str) -> None:
        """Invoke the relay with an empty batch, so that its cold start does not delay the first gift.

        Raises:
            StartError: the relay failed; the message has its error.
        """
        client = self._session.client("lambda", endpoint_url=self._endpoint_url)
        answer = client.invoke(FunctionName=relay_name, Payload=b'{"Records": []}')
        payload = answer["Payload"].read()  # unread, it would keep its socket
        if "FunctionError" in answer:
            raise StartError(f"The relay fails: {payload.decode(errors='replace')[:500]}")

    def _allow(self, cloudformation: "CloudFormationClient", function: str, action: str, resource: str) -> None:
        """Allow what MiniStack requires for an operation that the function's policy allows at AWS."""
        role = cloudformation.describe_stack_resource(StackName=_STACK, LogicalResourceId=f"{function}Role")
        allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
        self._session.client("iam", endpoint_url=self._endpoint_url).put_role_policy(
            RoleName=role["StackResourceDetail"]["PhysicalResourceId"],
            PolicyName=f"ministack-{action.replace(':', '-')}",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )

    def _put_gateway_responses(self, api_id: str, template: Mapping[str, Any]) -> None:
        """Set the API's gateway responses, which MiniStack does not read from a template, and deploy the API again."""
        apigateway = self._session.client("apigateway", endpoint_url=self._endpoint_url)
        for kind, response in template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"].items():
            headers = response["ResponseParameters"]["Headers"]
            status = {"statusCode": str(response["StatusCode"])} if "StatusCode" in response else {}
            apigateway.put_gateway_response(
                restApiId=api_id,
                responseType=kind,
                responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
                responseTemplates=response.get("ResponseTemplates", {}),
                **status,
            )
        apigateway.create_deployment(restApiId=api_id, stageName=STAGE)

    def _allow_loops(self, cloudformation: "CloudFormationClient", template: Mapping[str, Any]) -> None:
        """Set the functions' recursive loops, which MiniStack does not read from a template."""
        functions = self._session.client("lambda", endpoint_url=self._endpoint_url)
        for name, resource in template["Resources"].items():
            if loop := resource.get("Properties", {}).get("RecursiveLoop"):
                detail = cloudformation.describe_stack_resource(StackName=_STACK, LogicalResourceId=name)
                function = detail["StackResourceDetail"]["PhysicalResourceId"]
                functions.put_function_recursion_config(FunctionName=function, RecursiveLoop=loop)

    def _deployment(self, outputs: Mapping[str, str]) -> Deployment:
        # The output is a URL of AWS; MiniStack serves the same API under a path of its own.
        return Deployment(
            table_name=outputs["TableName"],
            topic_arn=outputs["TopicArn"],
            relay_name=outputs["RelayName"],
            gateway_url=f"{self._endpoint_url}/restapis/{_api_id(outputs)}/{STAGE}/_user_request_",
        )


def new_signing_key() -> str:
    """Generate a private key for signing offers, in PEM."""
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _api_id(outputs: Mapping[str, str]) -> str:
    return outputs["ApiUrl"].removeprefix("https://").partition(".")[0]


def with_catalogue(package: Package, file: Path, directory: Path) -> Package:
    """Copy a package to `directory`, with `file` among its catalogues. The package has none of that name."""
    directory.mkdir(parents=True, exist_ok=True)
    code = directory / package.code.name
    shutil.copyfile(package.code, code)
    entry = zipfile.ZipInfo(f"chalicelib/catalogues/{file.name}")
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(code, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(entry, file.read_bytes())
    return replace(package, code=code)


def _with_code(template: str) -> str:
    """Set the S3 location of the code in the template, as `aws cloudformation package` does."""
    document = json.loads(template)
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{_BUCKET}/{_CODE_KEY}"
    return json.dumps(document)


def _wait_for_outputs(cloudformation: "CloudFormationClient") -> dict[str, str]:
    """Wait until the stack is created. Returns its outputs.

    Raises:
        StartError: the stack was rolled back.
    """
    while (stack := cloudformation.describe_stacks(StackName=_STACK)["Stacks"][0])["StackStatus"].endswith("PROGRESS"):
        time.sleep(0.05)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=_STACK)["StackEvents"]
        failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
        reasons = [f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}" for event in failed]
        raise StartError("\n".join([f"CloudFormation ended with {stack['StackStatus']}", *reasons]))
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
