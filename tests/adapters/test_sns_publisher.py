"""Publication on SNS."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from chalicelib.adapters.aws.sns_publisher import SnsPublisher
from chalicelib.domain.events import Message, Publication, message_for_credit, message_for_gift
from chalicelib.domain.purchases import Status
from chalicelib.domain.shards import ShardPosition
from chalicelib.ports.threads import Handled, Item
from tests.adapters import aws_lab
from tests.adapters.samples import a_gift, a_purchase
from tests.fake_looks import OneThread
from tests.fakes import START
from tests.stores import cloud_at

Batches = list[list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


@pytest.fixture
def publisher() -> SnsPublisher:
    return SnsPublisher(aws_lab.sns().create_topic(Name="gifts")["TopicArn"], OneThread())


@pytest.fixture
def batches(publisher: SnsPublisher) -> Batches:
    """The entries of each PublishBatch request."""
    batches: Batches = []

    def note(params: dict[str, Any], **_: object) -> None:
        batches.append(params["PublishBatchRequestEntries"])

    publisher._sns.meta.events.register("provide-client-params.sns.PublishBatch", note)
    return batches


def messages(number: int) -> list[Message]:
    return [
        message_for_gift(a_gift(), ShardPosition(sequence=1), source="//coinpurse/test", livemode=False)
        for _ in range(number)
    ]


def replace_responses(publisher: SnsPublisher, answer: Callable[[], None] | dict[str, Any]) -> None:
    """Replace the responses of PublishBatch with `answer`."""

    def replace(parsed: dict[str, Any], **_: object) -> None:
        parsed.clear()
        parsed.update(answer if isinstance(answer, dict) else {})

    publisher._sns.meta.events.register("after-call.sns.PublishBatch", replace)


@pytest.fixture
def received(publisher: SnsPublisher) -> Callable[[], list[dict[str, Any]]]:
    """A function that reads the messages in a queue subscribed to the topic."""
    sqs = aws_lab.sqs()
    queue_url = sqs.create_queue(QueueName="overlay")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws_lab.sns().subscribe(TopicArn=publisher._topic_arn, Protocol="sqs", Endpoint=arn)

    def receive() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return receive


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_publish_sends_batches_of_ten(
    publisher: SnsPublisher, batches: Batches, number: int, sizes: Sequence[int]
) -> None:
    assert publisher.publish(messages(number)) == Publication()

    assert [len(batch) for batch in batches] == sizes
    assert all(len({entry["Id"] for entry in batch}) == len(batch) for batch in batches)


def test_publish_sends_same_event_twice_in_one_batch(publisher: SnsPublisher, batches: Batches) -> None:
    (message,) = messages(1)

    assert publisher.publish([message, message]) == Publication()
    assert [entry["Id"] for entry in batches[0]] == ["0", "1"]


def test_publish_gift_delivers_cloudevent_with_filter_attributes(
    publisher: SnsPublisher, received: Callable[[], list[dict[str, Any]]]
) -> None:
    gift = a_gift(message="おめでとう 🎉 \"'<&>", creator_id="|:@._-=")
    message = message_for_gift(gift, ShardPosition(sequence=7), source="//coinpurse/test", livemode=False)

    publisher.publish([message])

    (delivered,) = received()
    assert json.loads(delivered["Message"]) == message.envelope
    assert delivered["MessageAttributes"] == {
        "event_type": {"Type": "String", "Value": "coinpurse.gift.sent.v1"},
        "kind": {"Type": "String", "Value": "gift"},
        "coins": {"Type": "Number", "Value": "60"},
        "livemode": {"Type": "String", "Value": "false"},
        "creator_id": {"Type": "String", "Value": "|:@._-="},
    }


def test_publish_credit_delivers_cloudevent(
    publisher: SnsPublisher, received: Callable[[], list[dict[str, Any]]]
) -> None:
    posted = a_purchase(status=Status.POSTED, posted_at=START, event_id="event", payment_intent="pi_1")

    publisher.publish([message_for_credit(posted, source="//coinpurse/test", livemode=True)])

    (message,) = received()
    assert json.loads(message["Message"])["data"]["coins"] == 500
    assert message["MessageAttributes"]["livemode"] == {"Type": "String", "Value": "true"}


def test_publish_reports_failures_by_sender_fault(publisher: SnsPublisher) -> None:
    events = messages(13)
    replace_responses(
        publisher,
        {
            "Successful": [{"Id": "0", "MessageId": "1"}],
            "Failed": [
                {"Id": "1", "Code": "InternalError", "SenderFault": False},
                {"Id": "2", "Code": "InvalidParameter", "SenderFault": True},
            ],
        },
    )

    outcome = publisher.publish(events)

    assert outcome.busy == {events[1].id, events[11].id}
    assert outcome.refused == {events[2].id, events[12].id}


@pytest.mark.parametrize("code", ["Throttled", "ThrottledException", "KMSThrottling", "KMSThrottlingException"])
def test_publish_throttled_message_is_reported_busy(publisher: SnsPublisher, code: str) -> None:
    events = messages(1)
    replace_responses(publisher, {"Successful": [], "Failed": [{"Id": "0", "Code": code, "SenderFault": True}]})
    outcome = publisher.publish(events)
    assert (outcome.busy, outcome.refused) == (frozenset({events[0].id}), frozenset())


def test_publish_failed_batch_is_reported_busy(publisher: SnsPublisher) -> None:
    events = messages(12)
    aws_lab.sns().delete_topic(TopicArn=publisher._topic_arn)

    assert publisher.publish(events) == Publication(busy=frozenset(each.id for each in events))


class CountingThreads(OneThread):
    """Notes how many calls are made side by side."""

    def __init__(self) -> None:
        self.at_once: list[int] = []

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        self.at_once.append(len(items))
        return super().map(handle, items)


def test_publish_a_hundred_messages_is_ten_requests_side_by_side() -> None:
    threads = CountingThreads()
    topic = aws_lab.sns().create_topic(Name="gifts")["TopicArn"]
    assert SnsPublisher(topic, threads).publish(messages(100)) == Publication(busy=frozenset(), refused=frozenset())
    assert threads.at_once == [10]


def test_publish_failed_batch_does_not_stop_later_ones(publisher: SnsPublisher) -> None:
    events, sent = messages(30), []

    def fail_second(**_: object) -> None:
        sent.append(True)
        if 1 < len(sent) <= 3:  # the request and its one retry
            raise ReadTimeoutError(endpoint_url="https://sns.example")

    publisher._sns.meta.events.register_first("before-send.sns.PublishBatch", fail_second)

    assert publisher.publish(events).busy == {each.id for each in events[10:20]}
    assert len(sent) == 4
