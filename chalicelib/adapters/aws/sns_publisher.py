"""Publication of messages on SNS, ten per request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.domain.events import Message, Publication

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sns.type_defs import (
        BatchResultErrorEntryTypeDef,
        MessageAttributeValueTypeDef,
        PublishBatchRequestEntryTypeDef,
    )

BATCH: Final = 10
"""Limit of PublishBatch. Ten messages of at most 4 KB stay below its 256 KB."""


class SnsPublisher:
    """The EventPublisher port.

    Args:
        topic_arn: a standard topic.
    """

    def __init__(self, topic_arn: str) -> None:
        self._topic_arn = topic_arn
        self._sns = cast("SNSClient", client("sns"))

    def publish(self, messages: Sequence[Message]) -> Publication:
        """Publish in batches of ten. Ids may repeat; each is sent."""
        busy: set[str] = set()
        refused: set[str] = set()
        for start in range(0, len(messages), BATCH):
            self._publish_batch(messages[start : start + BATCH], busy, refused)
        return Publication(busy=frozenset(busy), refused=frozenset(refused))

    def _publish_batch(self, batch: Sequence[Message], busy: set[str], refused: set[str]) -> None:
        try:
            response = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[_message(str(place), message) for place, message in enumerate(batch)],
            )
        except (BotoCoreError, ClientError):
            # Some may have been published. Delivery is at least once, so all are retried.
            busy.update(message.id for message in batch)
            return
        # PublishBatch answers 200 and lists the rejected messages in `Failed`.
        for failure in response.get("Failed", []):
            (refused if _is_refusal(failure) else busy).add(batch[int(failure["Id"])].id)


def _is_refusal(failure: "BatchResultErrorEntryTypeDef") -> bool:
    """Tell a message that SNS never accepts from one rejected for now. A throttled one is the sender's fault, too.

    Codes: docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html, Errors (`KMSThrottling`, `Throttled`).
    """
    return failure["SenderFault"] and "Throttl" not in failure["Code"]


def _message(place: str, message: Message) -> "PublishBatchRequestEntryTypeDef":
    return {
        "Id": place,
        "Message": msgspec.json.encode(message.envelope).decode(),
        "MessageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
    }


def _attribute(value: str | int) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String" if isinstance(value, str) else "Number", "StringValue": str(value)}
