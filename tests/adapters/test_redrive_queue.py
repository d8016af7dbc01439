"""The redrive queue on SQS."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.aws.redrive_queue import SqsRedriveQueue
from chalicelib.errors import TryAgain
from tests.stores import cloud_at


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


def test_set_aside_sends_the_keys() -> None:
    queue_url = boto3.client("sqs").create_queue(QueueName="redrive")["QueueUrl"]
    keys = {"PK": "WALLET#ann|@=", "SK": "ENTRY#01a20320-a200-7000-8000-000000000001"}

    SqsRedriveQueue(queue_url).set_aside(keys)

    (message,) = boto3.client("sqs").receive_message(QueueUrl=queue_url)["Messages"]
    assert json.loads(message["Body"]) == keys


def test_set_aside_failing_queue_raises_try_again() -> None:
    queue = SqsRedriveQueue("https://sqs.us-east-1.amazonaws.com/123456789012/gone")

    with pytest.raises(TryAgain):
        queue.set_aside({"PK": "WALLET#ann", "SK": "ENTRY#1"})
