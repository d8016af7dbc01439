"""The redrive queue on SQS."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.adapters.aws.redrive_queue import SqsRedriveQueue
from chalicelib.adapters.dynamodb.keys import item_keys
from chalicelib.domain.entries import EntryRef
from chalicelib.errors import TryAgain
from tests.adapters import aws_lab
from tests.stores import cloud_at


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


def test_set_aside_sends_the_keys() -> None:
    queue_url = aws_lab.sqs().create_queue(QueueName="redrive")["QueueUrl"]
    queue, sqs = SqsRedriveQueue(queue_url, item_keys), aws_lab.sqs()

    queue.set_aside(EntryRef(user_id="ann|@=", entry_id="01a20320-a200-7000-8000-000000000001"))
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    assert message["Body"] == '{"PK":"WALLET#ann|@=","SK":"ENTRY#01a20320-a200-7000-8000-000000000001"}'

    queue.set_aside_budget("ann|@=")
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    assert message["Body"] == '{"PK":"WALLET#ann|@=","SK":"WALLET"}'


def test_set_aside_failing_queue_raises_try_again() -> None:
    queue = SqsRedriveQueue("https://sqs.us-east-1.amazonaws.com/123456789012/gone", item_keys)

    with pytest.raises(TryAgain):
        queue.set_aside(EntryRef(user_id="ann", entry_id="1"))
