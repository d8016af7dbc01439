"""Relaying again what was set aside or given up, against moto."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.dynamodb.stream_records import discarded_stretch
from infra.operations.redrive import enqueue_range, redrive_queue, relay_entries, relay_function

TABLE = "ledger"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, template: dict[str, Any]) -> Iterator[None]:
    """The deployed table's keys and index."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    properties = template["Resources"]["Table"]["Properties"]
    names = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    with mock_aws():
        boto3.client("dynamodb").create_table(TableName=TABLE, **{name: properties[name] for name in names})
        yield


class RecordingRelay:
    def __init__(self, wants_again: int = 0) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.wants_again = wants_again

    def __call__(self, records: list[dict[str, Any]]) -> list[str]:
        self.batches.append(records)
        return [record["dynamodb"]["SequenceNumber"] for record in records[: self.wants_again]]

    @property
    def told(self) -> list[str]:
        return [record["dynamodb"]["NewImage"]["SK"]["S"] for batch in self.batches for record in batch]


def post(name: str) -> dict[str, str]:
    keys = {"PK": "WALLET#fan", "SK": f"ENTRY#{name}"}
    item = {attribute: {"S": value} for attribute, value in (keys | {"status": "posted"}).items()}
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=item)
    return keys


def test_a_stretch_is_told_part_by_part_as_the_mapping_would() -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]
    nine, ten = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (9, 10))
    assert enqueue_range(sqs, url, nine, ten) == 12
    told: list[tuple[datetime, datetime]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        told += [discarded_stretch(message["Body"]) for message in messages]
    told.sort()
    assert (told[0][0], told[-1][1]) == (nine, ten + timedelta(hours=1))
    assert all(end == begin for (_, end), (begin, _) in pairwise(told))


def test_the_relay_is_given_a_hundred_at_a_time_as_if_just_posted() -> None:
    keys = [post(f"{number:03d}") for number in range(120)]
    relay = RecordingRelay()
    assert (
        relay_entries(boto3.client("dynamodb"), TABLE, relay, [*keys, {"PK": "WALLET#fan", "SK": "ENTRY#gone"}]) == []
    )
    assert [len(batch) for batch in relay.batches] == [100, 20]
    assert relay.told == [found["SK"] for found in keys]
    assert {record["eventName"] for batch in relay.batches for record in batch} == {"INSERT"}


def test_what_the_relay_wants_again_is_named() -> None:
    keys = [post(name) for name in ("a", "b", "c")]
    assert relay_entries(boto3.client("dynamodb"), TABLE, RecordingRelay(wants_again=2), keys) == keys[:2]


@pytest.mark.parametrize(("wants_again", "left"), [(0, 0), (1, 1)])
def test_a_message_goes_once_its_entry_is_relayed(wants_again: int, left: int) -> None:
    sqs, dynamodb = boto3.client("sqs"), boto3.client("dynamodb")
    url = sqs.create_queue(QueueName="redrive")["QueueUrl"]
    for name in ("a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(post(name)))
    relay = RecordingRelay(wants_again)
    missed = redrive_queue(sqs, url, lambda keys: relay_entries(dynamodb, TABLE, relay, keys))
    assert missed == left
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert sum(int(value) for name, value in told.items() if name in names) == left
    assert sorted(relay.told) == ["ENTRY#a", "ENTRY#b"]


def test_an_empty_queue_is_done() -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="redrive")["QueueUrl"]
    assert redrive_queue(sqs, url, lambda _: pytest.fail("nothing to relay")) == 0


@pytest.mark.parametrize("error", ["", "Unhandled"])
def test_the_deployed_relay_is_invoked_and_believed(error: str) -> None:
    client = boto3.client("lambda")
    body = json.dumps({"batchItemFailures": [{"itemIdentifier": "7"}]}).encode()
    answer: dict[str, Any] = {"Payload": StreamingBody(BytesIO(body), len(body))}
    with Stubber(client) as stubber:
        stubber.add_response("invoke", answer | ({"FunctionError": error} if error else {}))
        if error:
            with pytest.raises(SystemExit, match="The relay failed"):
                relay_function(client, "relay")([])
        else:
            assert relay_function(client, "relay")([]) == ["7"]
