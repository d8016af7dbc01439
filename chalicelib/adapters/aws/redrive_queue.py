"""Queue of stream records that cannot be relayed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.errors import TryAgain

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class SqsRedriveQueue:
    """The RedriveQueue port.

    Args:
        queue_url: a standard queue.
    """

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._sqs = cast("SQSClient", client("sqs"))

    def set_aside(self, keys: Mapping[str, str]) -> None:
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=msgspec.json.encode(keys).decode())
        except (BotoCoreError, ClientError) as error:
            raise TryAgain("The redrive queue did not answer.") from error
