"""The streak timer on SQS."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from chalicelib.adapters.aws.streak_timer import SqsStreakTimer, to_delivery
from chalicelib.domain.streaks import Delivery, ScheduledCheck
from chalicelib.errors import TryAgain
from tests.adapters import aws_lab
from tests.stores import cloud_at

GONE = "https://sqs.us-east-1.amazonaws.com/123456789012/gone"

RECORD = {
    "messageId": "m",
    "receiptHandle": "r",
    "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1764316800000"},
}


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud_at(None), mock_aws():
        yield


def test_streak_timer_keeps_hides_replaces_and_gives_up_messages() -> None:
    sqs = aws_lab.sqs()
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("streaks", "dead"))
    timer = SqsStreakTimer(queue, dead)

    def received() -> Sequence[Delivery]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"])
        return timer.deliveries(
            [
                {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                    "attributes": one["Attributes"],
                }
                for one in answer["Messages"]
            ]
        )

    timer.wake("ann", "s1", timedelta(0))
    timer.wake("bob", "s2", timedelta(0), failures=3)
    sqs.send_message(QueueUrl=queue, MessageBody='{"user_id": 7}')
    ann, bob, poison = received()
    assert ann.message == '{"user_id":"ann","streak_id":"s1"}', "as the first release wrote it"
    assert ann.check == ScheduledCheck(user_id="ann", streak_id="s1")
    assert bob.check == ScheduledCheck(user_id="bob", streak_id="s2", failures=3)
    assert (poison.check, ann.received) == (None, 1)
    assert abs(datetime.now(UTC) - ann.sent_at) < timedelta(minutes=1)

    timer.postpone({ann.receipt: timedelta(0), bob.receipt: timedelta(seconds=59.1)})
    [again] = received()
    assert (again.message_id, again.received) == (ann.message_id, 2)
    timer.postpone({})
    timer.set_aside(poison)
    timer.set_aside(bob)
    aside = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    whole = '{"user_id":"bob","streak_id":"s2"}'
    assert [one["Body"] for one in aside] == [poison.message, whole], "bob's has all its attempts again"


def test_streak_timer_of_a_failing_queue_raises_try_again() -> None:
    timer = SqsStreakTimer(GONE, GONE)
    with pytest.raises(TryAgain):
        timer.wake("ann", "s1", timedelta(seconds=5))
    with pytest.raises(TryAgain):
        timer.postpone({"receipt": timedelta(seconds=5)})
    with pytest.raises(TryAgain):
        timer.set_aside(to_delivery({**RECORD, "body": "{"}))
