"""IAM policies on the deployed stack.

MiniStack enforces them, so each passing test of this folder shows that they allow enough. The tests here show that
they are enforced, and that they deny what a function does not need.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.facts import StackFacts, aws_session

if TYPE_CHECKING:
    from types_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef

pytestmark = pytest.mark.cloud

KEY = {"PK": {"S": "WALLET#nobody"}, "SK": {"S": "WALLET"}}


@pytest.mark.parametrize("function", ["ApiHandler", "Relay", "Redrive", "Sweep", "Reconcile", "Audit"])
def test_function_cannot_delete_or_scan_items(stack: StackFacts, function: str) -> None:
    table = role_of(stack, function).client("dynamodb", endpoint_url=stack.aws_endpoint_url)

    if function != "Redrive":  # it only rewinds the sweep
        assert table.get_item(TableName=stack.table_name, Key=KEY).get("Item") is None
    assert denied(lambda: table.delete_item(TableName=stack.table_name, Key=KEY))
    assert denied(lambda: table.scan(TableName=stack.table_name))


def test_api_cannot_publish(stack: StackFacts) -> None:
    api = role_of(stack, "ApiHandler").client("sns", endpoint_url=stack.aws_endpoint_url)

    # MiniStack lets anyone in the account `Publish` single messages; it checks `PublishBatch`, which the relay uses.
    batch: list[PublishBatchRequestEntryTypeDef] = [{"Id": "0", "Message": "not from the outbox"}]
    assert denied(lambda: api.publish_batch(TopicArn=stack.topic_arn, PublishBatchRequestEntries=batch))


@pytest.mark.parametrize(
    ("function", "secret"),
    [
        ("Relay", "stripe_api_key"),
        ("Sweep", "stripe_api_key"),
        ("Audit", "stripe_api_key"),
        ("Relay", "offer_signing_keys"),
    ],
)
def test_function_without_secrets_cannot_read_one(stack: StackFacts, function: str, secret: str) -> None:
    # MiniStack does not check which secrets a request names: tests/infra/test_policies.py reads that in the policies.
    ssm = role_of(stack, function).client("ssm", endpoint_url=stack.aws_endpoint_url)

    assert denied(lambda: ssm.get_parameters(Names=[f"/coinpurse/local/{secret}"], WithDecryption=True))


def role_of(stack: StackFacts, function: str) -> boto3.Session:
    """Return a session with the role of a function."""
    root = aws_session(stack.aws_region)
    roles = root.client("iam", endpoint_url=stack.aws_endpoint_url).list_roles()["Roles"]
    (arn,) = [role["Arn"] for role in roles if f"-{function}Role-" in role["RoleName"]]
    sts = root.client("sts", endpoint_url=stack.aws_endpoint_url)
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="policies")["Credentials"]
    return aws_session(stack.aws_region, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def denied(act: Callable[[], object]) -> bool:
    """Check that IAM denies the call."""
    with pytest.raises(ClientError) as refused:
        act()
    return refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
