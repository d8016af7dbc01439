"""MiniStack checks every call of every function against the policy it is deployed with.

So each test of this folder that passes proves that the policies allow enough. Here: that they are enforced at all, and
allow no more than they should.
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
def test_a_function_cannot_delete_what_was_written(stack: StackFacts, function: str) -> None:
    table = role_of(stack, function).client("dynamodb", endpoint_url=stack.aws_endpoint_url)

    assert table.get_item(TableName=stack.table_name, Key=KEY).get("Item") is None
    assert denied(lambda: table.delete_item(TableName=stack.table_name, Key=KEY))
    assert denied(lambda: table.scan(TableName=stack.table_name))


def test_only_the_relay_announces(stack: StackFacts) -> None:
    api = role_of(stack, "ApiHandler").client("sns", endpoint_url=stack.aws_endpoint_url)

    # In batches, as the relay does: MiniStack's topics take single messages from anyone in the account.
    batch: list[PublishBatchRequestEntryTypeDef] = [{"Id": "0", "Message": "not from the outbox"}]
    assert denied(lambda: api.publish_batch(TopicArn=stack.topic_arn, PublishBatchRequestEntries=batch))


@pytest.mark.parametrize(
    ("function", "secret"),
    [
        ("Relay", "stripe_api_key"),
        ("Sweep", "stripe_api_key"),
        ("Audit", "stripe_api_key"),
        ("Reconcile", "stripe_webhook_secrets"),
        ("Reconcile", "offer_signing_keys"),
        ("Relay", "offer_signing_keys"),
    ],
)
def test_nobody_reads_a_secret_that_is_not_needed(stack: StackFacts, function: str, secret: str) -> None:
    ssm = role_of(stack, function).client("ssm", endpoint_url=stack.aws_endpoint_url)

    assert denied(lambda: ssm.get_parameters(Names=[f"/coinpurse/local/{secret}"], WithDecryption=True))


def role_of(stack: StackFacts, function: str) -> boto3.Session:
    """A session with the rights of a function."""
    root = aws_session(stack.aws_region)
    roles = root.client("iam", endpoint_url=stack.aws_endpoint_url).list_roles()["Roles"]
    (arn,) = [role["Arn"] for role in roles if f"-{function}Role-" in role["RoleName"]]
    sts = root.client("sts", endpoint_url=stack.aws_endpoint_url)
    given = sts.assume_role(RoleArn=arn, RoleSessionName="policies")["Credentials"]
    return boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=stack.aws_region
    )


def denied(act: Callable[[], object]) -> bool:
    """Whether IAM refuses."""
    with pytest.raises(ClientError) as refused:
        act()
    return refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
