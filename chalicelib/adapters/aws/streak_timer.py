"""Delayed streak checks in SQS."""

import math
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.errors import TryAgain

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class _Message(msgspec.Struct, kw_only=True):
    user_id: str
    streak_id: str


class SqsStreakTimer:
    """The StreakTimer port.

    Args:
        queue_url: a standard queue.
    """

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._sqs = cast("SQSClient", client("sqs"))

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        """Send with the delay rounded up to whole seconds: an early check would only be repeated."""
        message = _Message(user_id=user_id, streak_id=streak_id)
        try:
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=msgspec.json.encode(message).decode(),
                DelaySeconds=math.ceil(after.total_seconds()),
            )
        except (BotoCoreError, ClientError) as error:
            raise TryAgain("The streaks' queue did not answer.") from error

    def parse(self, message: str) -> tuple[str, str]:
        return parse(message)


def parse(message: str) -> tuple[str, str]:
    """Return user id and streak id of a queue message. Raises msgspec.ValidationError, a ValueError."""
    parsed = msgspec.json.decode(message, type=_Message)
    return parsed.user_id, parsed.streak_id
