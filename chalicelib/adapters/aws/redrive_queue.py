"""Queue of stream records that cannot be relayed."""

from collections.abc import Mapping

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TryAgain


class SqsRedriveQueue:
    """The RedriveQueue port.

    Args:
        queue_url: a standard queue.
    """

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._sqs = boto3.client(
            "sqs",
            config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"}),
        )

    def set_aside(self, keys: Mapping[str, str]) -> None:
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=msgspec.json.encode(keys).decode())
        except (BotoCoreError, ClientError) as error:
            raise TryAgain("The redrive queue did not answer.") from error
