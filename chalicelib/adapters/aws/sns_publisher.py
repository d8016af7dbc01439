"""Publication of messages on SNS, ten per request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws_session import client
from chalicelib.domain.events import Announcement, Publication

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sns.type_defs import MessageAttributeValueTypeDef, PublishBatchRequestEntryTypeDef

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

    def publish(self, announcements: Sequence[Announcement]) -> Publication:
        """Publish in batches of ten. Ids may repeat; each announcement is its own message."""
        busy: set[str] = set()
        refused: set[str] = set()
        for start in range(0, len(announcements), BATCH):
            self._publish_batch(announcements[start : start + BATCH], busy, refused)
        return Publication(busy=frozenset(busy), refused=frozenset(refused))

    def _publish_batch(self, batch: Sequence[Announcement], busy: set[str], refused: set[str]) -> None:
        try:
            answer = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[
                    _message(str(place), announcement) for place, announcement in enumerate(batch)
                ],
            )
        except (BotoCoreError, ClientError):
            # Some may have been published. Delivery is at least once, so all are retried.
            busy.update(announcement.id for announcement in batch)
            return
        # PublishBatch answers 200 and lists the rejected messages in `Failed`.
        for failure in answer.get("Failed", []):
            (refused if failure["SenderFault"] else busy).add(batch[int(failure["Id"])].id)


def _message(place: str, announcement: Announcement) -> "PublishBatchRequestEntryTypeDef":
    return {
        "Id": place,
        "Message": msgspec.json.encode(announcement.envelope).decode(),
        "MessageAttributes": {name: _attribute(value) for name, value in announcement.attributes.items()},
    }


def _attribute(value: str | int) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String" if isinstance(value, str) else "Number", "StringValue": str(value)}
