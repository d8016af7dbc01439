"""Relay entries again, which is always safe: `python -m infra.operations.redrive --stage prod queue` or `... stretch`.

`queue` takes the entries that were set aside, and the relay does the work. `stretch` takes all that was posted between
two hours (`2026-11-22T09`, UTC, both included), for a subscriber that missed it: as if the stream mapping had given it
up, so the redrive function does the work, in its own time. Credentials and region are boto3's usual ones.
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
"""Stream records in; out come the sequence numbers of those that must come again."""

_BATCH = 100
_PART = timedelta(minutes=10)
"""What the redrive function takes at once: well within its time, however busy those minutes were."""


def redrive_queue(sqs: "SQSClient", queue_url: str, relay_again: Callable[[Sequence[Keys]], list[Keys]]) -> int:
    """Relay what the queue holds. A message goes once its entry is relayed, or set aside anew.

    Returns:
        How many entries were not relayed and stay in the queue.
    """
    told = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
    waiting, left = int(told["Attributes"]["ApproximateNumberOfMessages"]), 0
    while waiting > 0:  # those that come back are for the next run
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


def give_up(sqs: "SQSClient", queue_url: str, first: datetime, last: datetime) -> int:
    """Tell the redrive function what the stream mapping would tell it, from the hour `first` to the hour `last`.

    Returns:
        In how many parts.
    """
    parts = int((last + timedelta(hours=1) - first) / _PART)
    for begin in (first + number * _PART for number in range(parts)):
        arrivals = {
            "approximateArrivalOfFirstRecord": iso(begin),
            "approximateArrivalOfLastRecord": iso(begin + _PART),
        }
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"DDBStreamBatchInfo": arrivals}))
    return parts


def relayed_again(dynamodb: "DynamoDBClient", table: str, relay: Relay, keys: Iterable[Keys]) -> list[Keys]:
    """Hand entries to the relay as if they had just been posted. Returns those that it wants again."""
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
    """The deployed relay.

    Raises:
        SystemExit: the function failed as a whole; its answer says why.
    """

    def relay(records: list[dict[str, Any]]) -> list[str]:
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"Records": records}).encode())
        said = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise SystemExit(f"The relay failed: {said}")
        return [failure["itemIdentifier"] for failure in json.loads(said)["batchItemFailures"]]

    return relay


def _hour(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.operations.redrive", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--stage", choices=STAGES, required=True)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("queue", help="the entries that were set aside")
    stretch = what.add_parser("stretch", help="all that was posted between two hours")
    stretch.add_argument("first", type=_hour, help="2026-11-22T09, UTC")
    stretch.add_argument("last", type=_hour, help="2026-11-22T17, included")
    arguments = parser.parse_args()
    outputs, sqs = stack_outputs(arguments.stage), boto3.client("sqs")
    if arguments.what == "stretch":
        parts = give_up(sqs, outputs["RelayFailureQueueUrl"], arguments.first, arguments.last)
        print(f"{parts} parts of it are waiting to be relayed.")
        return
    dynamodb, table = boto3.client("dynamodb"), outputs["TableName"]
    relay = relay_function(boto3.client("lambda"), outputs["RelayName"])
    left = redrive_queue(sqs, outputs["RedriveQueueUrl"], lambda keys: relayed_again(dynamodb, table, relay, keys))
    raise SystemExit(f"{left} entries were not relayed: run it again." if left else 0)


if __name__ == "__main__":
    main()
