"""Clients of moto for tests: of the product's session, which makes one in a tenth of the time that boto3 takes."""

from typing import TYPE_CHECKING, cast

from chalicelib.adapters.aws_session import client

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient


def sns() -> "SNSClient":
    return cast("SNSClient", client("sns"))


def sqs() -> "SQSClient":
    return cast("SQSClient", client("sqs"))


def ssm() -> "SSMClient":
    return cast("SSMClient", client("ssm"))
