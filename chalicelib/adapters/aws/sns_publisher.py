"""Publication of messages on SNS, ten per request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.domain.events import Message, Publication
from chalicelib.domain.journal import batches
from chalicelib.ports.threads import Threads

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
        threads: send the batches side by side.
    """

    def __init__(self, topic_arn: str, threads: Threads) -> None:
        self._topic_arn = topic_arn
        self._threads = threads
        self._sns = cast("SNSClient", client("sns"))

    def publish(self, messages: Sequence[Message]) -> Publication:
        """Publish in batches of ten. Ids may repeat; each is sent."""
        published = self._threads.map(self._publish_batch, list(batches(messages, BATCH)))
        return Publication(
            busy=frozenset[str]().union(*(each.busy for each in published)),
            refused=frozenset[str]().union(*(each.refused for each in published)),
        )

    def _publish_batch(self, batch: Sequence[Message]) -> Publication:
        try:
            response = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[_message(str(place), message) for place, message in enumerate(batch)],
            )
        except (BotoCoreError, ClientError):
            # Some may have been published. Delivery is at least once, so all are retried.
            return Publication(busy=frozenset(message.id for message in batch), refused=frozenset())
        # PublishBatch answers 200 and lists the rejected messages in `Failed`.
        failed = [(batch[int(failure["Id"])].id, _is_refusal(failure)) for failure in response.get("Failed", [])]
        return Publication(
            busy=frozenset(message_id for message_id, is_refusal in failed if not is_refusal),
            refused=frozenset(message_id for message_id, is_refusal in failed if is_refusal),
        )


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
