"""Redrive of set-aside entries and of discarded stream ranges, on moto."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.domain.work import Part
from infra.operations.redrive import publish_again, redrive_queue, relay_entries, relay_function
from tests.fakes import FakeClock

TABLE = "ledger"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, template: dict[str, Any]) -> Iterator[None]:
    """The ledger's table with the template's keys and index."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    properties = template["Resources"]["Table"]["Properties"]
    names = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    with mock_aws():
        dynamodb().create_table(TableName=TABLE, **{name: properties[name] for name in names})
        yield


@cache
def dynamodb() -> Any:
    """Create the client once: it takes as long as a test."""
    return boto3.client("dynamodb")


class RecordingRelay:
    def __init__(self, failures: int = 0) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.failures = failures

    def __call__(self, records: list[dict[str, Any]]) -> list[str]:
        self.batches.append(records)
        return [record["dynamodb"]["SequenceNumber"] for record in records[: self.failures]]

    @property
    def relayed(self) -> list[str]:
        return [record["dynamodb"]["NewImage"]["SK"]["S"] for batch in self.batches for record in batch]


def post(name: str) -> dict[str, str]:
    keys = {"PK": "WALLET#fan", "SK": f"ENTRY#{name}"}
    item = {attribute: {"S": value} for attribute, value in (keys | {"status": "posted"}).items()}
    dynamodb().put_item(TableName=TABLE, Item=item)
    return keys


def test_publish_again_requests_the_stretch_of_every_shard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock, nine = FakeClock(), datetime(2026, 11, 22, 9, tzinfo=UTC)
    positions = DynamoWorkPositions(TABLE)
    positions.take(Part(worker="sweep", name="07"), "run", clock.now(), clock.now() + timedelta(seconds=15))

    publish_again(TABLE, nine, nine + timedelta(hours=1), clock, lambda wait: clock.advance(timedelta(seconds=wait)))

    assert capsys.readouterr().out.count("1 of 16 shards") == 2
    found = [
        positions.take(Part(worker="sweep", name=f"{shard:02d}"), "next", clock.now(), nine) for shard in range(16)
    ]
    places = {lease.at for lease in found if lease}
    assert places == {"||2026-11-22T08:59:00.000Z|2026-11-22T10:01:00.000Z~"}


def test_relay_entries_sends_batches_of_a_hundred_inserts() -> None:
    keys = [post(f"{number:03d}") for number in range(120)]
    relay = RecordingRelay()
    assert relay_entries(dynamodb(), TABLE, relay, [*keys, {"PK": "WALLET#fan", "SK": "ENTRY#gone"}]) == []
    assert [len(batch) for batch in relay.batches] == [100, 20]
    assert relay.relayed == [found["SK"] for found in keys]
    assert {record["eventName"] for batch in relay.batches for record in batch} == {"INSERT"}


def test_relay_entries_returns_failed_keys() -> None:
    keys = [post(name) for name in ("a", "b", "c")]
    assert relay_entries(dynamodb(), TABLE, RecordingRelay(failures=2), keys) == keys[:2]


@pytest.mark.parametrize(("failures", "remaining"), [(0, 0), (1, 1)])
def test_redrive_queue_deletes_messages_of_relayed_entries(failures: int, remaining: int) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="redrive")["QueueUrl"]
    for name in ("a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(post(name)))
    relay = RecordingRelay(failures)
    missed = redrive_queue(sqs, url, lambda keys: relay_entries(dynamodb(), TABLE, relay, keys))
    assert missed == remaining
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    relayed = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert sum(int(value) for name, value in relayed.items() if name in names) == remaining
    assert sorted(relay.relayed) == ["ENTRY#a", "ENTRY#b"]


def test_redrive_queue_empty_queue_is_zero() -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="redrive")["QueueUrl"]
    assert redrive_queue(sqs, url, lambda _: pytest.fail("nothing to relay")) == 0


@pytest.mark.parametrize("error", ["", "Unhandled"])
def test_relay_function_returns_failures_or_exits(error: str) -> None:
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
