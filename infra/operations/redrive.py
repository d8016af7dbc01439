"""Relay entries again, which is idempotent: `python -m infra.operations.redrive --stage prod queue` or `... stretch`.

`queue` invokes the relay with the entries in the redrive queue. `stretch` takes all entries posted between two hours
(`2026-11-22T09`, UTC, both included), for a subscriber that missed them. The next runs of the sweep publish them again,
each once, beside their other work. Credentials and region are boto3's defaults.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.ports.clock import Clock
from chalicelib.ports.work import WorkPositions
from chalicelib.usecases.recovery import redrive
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
_WAIT_SECONDS: Final = 10


@dataclass(frozen=True, kw_only=True)
class _RewindServices:
    positions: WorkPositions
    clock: Clock


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


def publish_again(
    table: str, first: datetime, last: datetime, clock: Clock, pause: Callable[[float], None] = time.sleep
) -> None:
    """Request a stretch of the sweep in each shard of the journal. Waits for runs that are under way."""
    services = _RewindServices(positions=DynamoWorkPositions(table), clock=clock)
    busy: Sequence[int] = range(JOURNAL_SHARDS)
    while busy := redrive(first, last, services, busy):
        print(f"The sweep is working on {len(busy)} of {JOURNAL_SHARDS} shards; trying again in {_WAIT_SECONDS} s.")
        pause(_WAIT_SECONDS)


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
    stretch = commands.add_parser("stretch", help="publish all entries posted between two hours again")
    stretch.add_argument("first", type=_hour, help="first hour, UTC, such as 2026-11-22T09")
    stretch.add_argument("last", type=_hour, help="last hour, included, such as 2026-11-22T17")
    arguments = parser.parse_args()
    outputs, sqs = stack_outputs(arguments.stage), boto3.client("sqs")
    if arguments.command == "stretch":
        last = arguments.last + timedelta(hours=1)
        try:
            publish_again(outputs["TableName"], arguments.first, last, SystemClock())
        except ValueError as error:
            raise SystemExit(str(error)) from error
        print("The next runs of the sweep publish the stretch again; the metric Redriven counts its entries.")
        return
    dynamodb, table = boto3.client("dynamodb"), outputs["TableName"]
    relay = relay_function(boto3.client("lambda"), outputs["RelayName"])
    left = redrive_queue(sqs, outputs["RedriveQueueUrl"], lambda keys: relay_entries(dynamodb, table, relay, keys))
    raise SystemExit(f"{left} entries were not relayed: run it again." if left else 0)


if __name__ == "__main__":
    main()
