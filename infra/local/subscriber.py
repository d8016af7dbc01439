"""A downstream consumer for the demo and the tests: an SQS queue subscribed to the topic."""

import json
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from infra.local.facts import StackFacts, aws_session

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef


class Subscriber:
    """An SQS queue subscribed to the topic, and the messages received so far."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url
        self.messages: dict[str, dict[str, object]] = {}
        """CloudEvents by id, which removes the duplicates of at-least-once delivery."""

    def has_received(self, event_ids: Set[str]) -> bool:
        """Check if messages with all these ids were received, and receive more if not."""
        return self.messages.keys() >= event_ids or self.receive().keys() >= event_ids

    def receive(self) -> dict[str, dict[str, object]]:
        """Receive waiting messages, or wait up to a second for one. Returns all messages so far."""
        response = self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        if received := response.get("Messages", []):
            contents = [json.loads(message["Body"]) for message in received]
            self.messages |= {content["id"]: content for content in contents}
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(received)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return self.messages


@contextmanager
def subscriber(facts: StackFacts) -> Iterator[Subscriber]:
    """Subscribe a new queue to the topic during the block."""
    session = aws_session(facts.aws_region)
    sqs = session.client("sqs", endpoint_url=facts.aws_endpoint_url)
    sns = session.client("sns", endpoint_url=facts.aws_endpoint_url)
    url = sqs.create_queue(QueueName=f"subscriber-{uuid7()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _queue_policy(arn, facts.topic_arn)})
    subscription = sns.subscribe(
        TopicArn=facts.topic_arn,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )
    try:
        yield Subscriber(sqs, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)
        for client in (sqs, sns):
            client.close()


def _queue_policy(queue_arn: str, topic_arn: str) -> str:
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
