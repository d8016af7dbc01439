"""Relay entries again, which is idempotent: `python -m infra.operations.redrive --stage prod queue` or `... stretch`.

`queue` invokes the relay with the entries in the redrive queue. `stretch` takes all entries posted between two hours
(`2026-11-22T09`, UTC, both included), for a subscriber that missed them. It sends the messages that the stream mapping
sends when it discards a batch, so the redrive function relays them asynchronously. Credentials and region are boto3's
defaults.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3

from chalicelib.domain.ids import iso
from infra.deploy import STAGES, stack_outputs

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_sqs import SQSClient

Keys = dict[str, str]
"""`PK` and `SK` of an entry."""
Relay = Callable[[list[dict[str, Any]]], list[str]]
"""Takes stream records, and returns the sequence numbers of those that failed."""

_BATCH = 100
_PART = timedelta(minutes=10)
"""The period of one message. Its entries fit into the redrive function's timeout at the highest load."""


def redrive_queue(sqs: "SQSClient", queue_url: str, relay_again: Callable[[Sequence[Keys]], list[Keys]]) -> int:
    """Relay the entries in the queue. A message is deleted when its entry is relayed.

    Returns:
        The number of entries that failed and stay in the queue.
    """
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
    waiting, left = int(attributes["Attributes"]["ApproximateNumberOfMessages"]), 0
    while waiting > 0:  # counted once, so that entries that fail are not received again in this run
        messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=300).get(
            "Messages"
        )
        if not messages:
            break
        waiting -= len(messages)
        missed = relay_again([json.loads(message["Body"]) for message in messages])
        for message in messages:
            if json.loads(message["Body"]) in missed:
                left += 1
            else:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return left


def enqueue_range(sqs: "SQSClient", queue_url: str, first: datetime, last: datetime) -> int:
    """Send the redrive function the messages for all hours from `first` to `last`, as the stream mapping does.

    Returns:
        The number of messages.
    """
    parts = int((last + timedelta(hours=1) - first) / _PART)
    for begin in (first + number * _PART for number in range(parts)):
        arrivals = {
            "approximateArrivalOfFirstRecord": iso(begin),
            "approximateArrivalOfLastRecord": iso(begin + _PART),
        }
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"DDBStreamBatchInfo": arrivals}))
    return parts


def relay_entries(dynamodb: "DynamoDBClient", table: str, relay: Relay, keys: Iterable[Keys]) -> list[Keys]:
    """Invoke the relay with entries as if they had just been posted. Returns the keys of those that failed."""
    records: dict[str, dict[str, Any]] = {}
    for number, found in enumerate(keys):
        wanted = {name: {"S": value} for name, value in found.items()}
        item = dynamodb.get_item(TableName=table, Key=wanted, ConsistentRead=True).get("Item")
        if item:
            change = {"SequenceNumber": str(number), "Keys": wanted, "NewImage": item}
            records[str(number)] = {"eventName": "INSERT", "dynamodb": change}
    numbers = list(records)
    missed = [
        number
        for start in range(0, len(numbers), _BATCH)
        for number in relay([records[number] for number in numbers[start : start + _BATCH]])
    ]
    return [{name: value["S"] for name, value in records[number]["dynamodb"]["Keys"].items()} for number in missed]


def relay_function(client: "LambdaClient", name: str) -> Relay:
    """Wrap the deployed relay function.

    Raises:
        SystemExit: the invocation failed; the message has the function's error. Raised by the returned callable.
    """

    def relay(records: list[dict[str, Any]]) -> list[str]:
        response = client.invoke(FunctionName=name, Payload=json.dumps({"Records": records}).encode())
        payload = response["Payload"].read().decode()
        if response.get("FunctionError"):
            raise SystemExit(f"The relay failed: {payload}")
        return [failure["itemIdentifier"] for failure in json.loads(payload)["batchItemFailures"]]

    return relay


def _hour(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.operations.redrive", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--stage", choices=STAGES, required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("queue", help="relay the entries in the redrive queue")
    stretch = commands.add_parser("stretch", help="relay all entries posted between two hours")
    stretch.add_argument("first", type=_hour, help="first hour, UTC, such as 2026-11-22T09")
    stretch.add_argument("last", type=_hour, help="last hour, included, such as 2026-11-22T17")
    arguments = parser.parse_args()
    outputs, sqs = stack_outputs(arguments.stage), boto3.client("sqs")
    if arguments.command == "stretch":
        parts = enqueue_range(sqs, outputs["RelayFailureQueueUrl"], arguments.first, arguments.last)
        print(f"Queued {parts} messages for the redrive function.")
        return
    dynamodb, table = boto3.client("dynamodb"), outputs["TableName"]
    relay = relay_function(boto3.client("lambda"), outputs["RelayName"])
    left = redrive_queue(sqs, outputs["RedriveQueueUrl"], lambda keys: relay_entries(dynamodb, table, relay, keys))
    raise SystemExit(f"{left} entries were not relayed: run it again." if left else 0)


if __name__ == "__main__":
    main()
