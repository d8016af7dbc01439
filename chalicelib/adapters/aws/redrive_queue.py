"""Queue of stream records that cannot be relayed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.domain.entries import EntryRef
from chalicelib.errors import TryAgain

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class SqsRedriveQueue:
    """The RedriveQueue port.

    Args:
        queue_url: a standard queue.
        keys_of: returns the table's key of a user's entry, or of the wallet if there is no entry id.
    """

    def __init__(self, queue_url: str, keys_of: Callable[[str, str | None], Mapping[str, str]]) -> None:
        self._queue_url = queue_url
        self._keys_of = keys_of
        self._sqs = cast("SQSClient", client("sqs"))

    def set_aside(self, ref: EntryRef) -> None:
        self._send(self._keys_of(ref.user_id, ref.entry_id))

    def set_aside_budget(self, user_id: str) -> None:
        self._send(self._keys_of(user_id, None))

    def _send(self, keys: Mapping[str, str]) -> None:
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=msgspec.json.encode(keys).decode())
        except (BotoCoreError, ClientError) as error:
            raise TryAgain("The redrive queue did not answer.") from error
