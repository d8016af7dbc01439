"""Delayed streak checks in SQS."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.domain.streaks import Delivery, ScheduledCheck
from chalicelib.errors import TryAgain

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class _Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    user_id: str
    streak_id: str
    failures: int = 0


class SqsStreakTimer:
    """The StreakTimer port.

    Args:
        queue_url: a standard queue.
        dead_letters_url: the queue of checks that fail for good.
    """

    def __init__(self, queue_url: str, dead_letters_url: str) -> None:
        self._queue_url = queue_url
        self._dead_letters_url = dead_letters_url
        self._sqs = cast("SQSClient", client("sqs"))

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        body = _encode(user_id, streak_id, failures)
        with _transient_errors():
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=_seconds(after))

    def deliveries(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Delivery]:
        return [to_delivery(record) for record in records]

    def postpone(self, times_left: Mapping[str, timedelta]) -> None:
        """Set the visibility of ten messages at most in one request, as many as an invocation receives."""
        if not times_left:
            return
        with _transient_errors():
            # One that is rejected is delivered again after the queue's own visibility timeout.
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": receipt, "VisibilityTimeout": _seconds(left)}
                    for place, (receipt, left) in enumerate(times_left.items())
                ],
            )

    def set_aside(self, delivery: Delivery) -> None:
        check = delivery.check
        body = _encode(check.user_id, check.streak_id) if check else delivery.message
        with _transient_errors():
            self._sqs.send_message(QueueUrl=self._dead_letters_url, MessageBody=body)


def to_delivery(record: Mapping[str, Any]) -> Delivery:
    """Decode one of the `Records` that Lambda passes for a queue."""
    attributes = record["attributes"]
    try:
        message = msgspec.json.decode(record["body"], type=_Message)
        check = ScheduledCheck(user_id=message.user_id, streak_id=message.streak_id, failures=message.failures)
    except msgspec.DecodeError:
        check = None
    return Delivery(
        message_id=record["messageId"],
        receipt=record["receiptHandle"],
        message=record["body"],
        check=check,
        received=int(attributes["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
    )


def _encode(user_id: str, streak_id: str, failures: int = 0) -> str:
    return msgspec.json.encode(_Message(user_id=user_id, streak_id=streak_id, failures=failures)).decode()


def _seconds(left: timedelta) -> int:
    """Round up to whole seconds: an early check would only be repeated."""
    return math.ceil(left.total_seconds())


@contextmanager
def _transient_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise TryAgain("The streaks' queue did not answer.") from error
