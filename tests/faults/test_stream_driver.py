"""The driver follows the rules that AWS documents: one test per rule, with a scripted function."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.fakes import FakeClock
from tests.faults.event_filter import passes
from tests.faults.stream_driver import FUNCTION_ARN, STREAM_ARN, EventSourceMapping, StreamDriver, number_of

REPORTS = EventSourceMapping(reports_failures=True)
Function = Callable[[list[str]], Any]


class StreamHarness:
    """Return a stream whose function receives the sequence numbers of its batch."""

    def __init__(self, mapping: EventSourceMapping, function: Function = lambda _: None, **facts: Any) -> None:
        self.clock = FakeClock()
        self.function = function
        self.stream = StreamDriver(self._handle, mapping, self.clock.now, **facts)

    def _handle(self, event: Any, _context: Any) -> Any:
        return self.function([number_of(record) for record in event["Records"]])

    def write(self, many: int, partition: str = "a") -> list[str]:
        return [self.stream.write({"PK": {"S": partition}, "SK": {"S": str(number)}}) for number in range(many)]


def failing(*numbers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def raises(_: Any) -> None:
    raise RuntimeError


# --- batches and shards -----------------------------------------------------------------------------------------------


def test_driver_delivers_in_order_up_to_the_batch_size() -> None:
    harness = StreamHarness(EventSourceMapping(batch_size=3))
    numbers = harness.write(7)
    assert harness.stream.drain() == 3
    assert harness.stream.delivered == [numbers[:3], numbers[3:6], numbers[6:]]
    assert harness.stream.is_idle


def test_driver_record_has_the_documented_shape() -> None:
    seen: list[Any] = []
    harness = StreamHarness(EventSourceMapping())
    harness.stream.function = lambda event, _: seen.extend(event["Records"])
    old, new = ({"PK": {"S": "a"}, "SK": {"S": "b"}, "n": {"N": number}} for number in "12")
    for before, after in ((None, old), (old, new), (new, None)):
        harness.stream.write(after, before)
    harness.stream.drain()
    assert [record["eventName"] for record in seen] == ["INSERT", "MODIFY", "REMOVE"]
    change = seen[1]["dynamodb"]
    assert (change["OldImage"], change["NewImage"]) == (old, new)
    assert change["Keys"] == {"PK": {"S": "a"}, "SK": {"S": "b"}}
    assert [set(record["dynamodb"]) & {"OldImage", "NewImage"} for record in seen[::2]] == [{"NewImage"}, {"OldImage"}]


def test_driver_keeps_a_partition_in_one_shard() -> None:
    harness = StreamHarness(EventSourceMapping(), shards=4)
    written = {partition: harness.write(3, partition) for partition in "abcdefgh"}
    harness.stream.drain()
    assert len(harness.stream.delivered) == 4
    for numbers in written.values():
        [batch] = [batch for batch in harness.stream.delivered if numbers[0] in batch]
        assert [number for number in batch if number in numbers] == numbers


def test_driver_blocks_only_the_failing_shard() -> None:
    harness = StreamHarness(EventSourceMapping(), shards=2)
    poisoned, well = harness.write(1, "c"), harness.write(1, "d")
    harness.function = lambda numbers: raises(numbers) if numbers == poisoned else None
    assert [harness.stream.poll() for _ in range(3)] == [2, 1, 1]
    assert sorted(harness.stream.delivered) == [poisoned, poisoned, poisoned, well]
    assert not harness.stream.is_idle


# --- what is a success, and what a failure ----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_driver_takes_an_empty_response_as_success(answer: Any) -> None:
    harness = StreamHarness(REPORTS, lambda _: answer)
    harness.write(3)
    assert harness.stream.drain() == 1


@pytest.mark.parametrize(
    "item",
    [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"itemIdentifier": "7"}, {"sequenceNumber": "7"}, {}, "7", None],
)
def test_driver_fails_the_batch_for_an_unknown_identifier(item: Any) -> None:
    harness = StreamHarness(REPORTS)
    numbers = harness.write(3)
    answers = iter([{"batchItemFailures": [{"itemIdentifier": numbers[2]}, item]}, None])
    harness.function = lambda _: next(answers)
    harness.stream.drain()
    assert harness.stream.delivered == [numbers, numbers]


def test_driver_retries_from_the_lowest_reported_number() -> None:
    harness = StreamHarness(REPORTS)
    numbers = harness.write(5)
    answers = iter([failing(numbers[4], numbers[2]), failing(numbers[3]), None])
    harness.function = lambda _: next(answers)
    harness.stream.drain()
    assert harness.stream.delivered == [numbers, numbers[2:], numbers[3:]]


def test_driver_adds_no_new_records_to_a_retried_batch() -> None:
    harness = StreamHarness(EventSourceMapping(batch_size=3, reports_failures=True))
    numbers = harness.write(5)
    answers = iter([failing(numbers[2]), None, None])
    harness.function = lambda _: next(answers)
    harness.stream.drain()
    assert harness.stream.delivered == [numbers[:3], numbers[2:3], numbers[3:]]


def test_driver_ignores_reported_failures_without_the_setting() -> None:
    harness = StreamHarness(EventSourceMapping(), failing)
    harness.write(3)
    assert harness.stream.drain() == 1


# --- retrying, halving, giving up -------------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("function", [raises, lambda numbers: failing(*numbers)], ids=["raises", "reports"])
def test_driver_gives_a_batch_up_after_its_retries(retries: int, function: Function) -> None:
    harness = StreamHarness(EventSourceMapping(reports_failures=True, max_retries=retries), function)
    numbers = harness.write(2)
    harness.stream.drain()
    assert harness.stream.delivered == [numbers] * (retries + 1)
    [given_up] = harness.stream.given_up
    assert given_up["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert given_up["requestContext"]["approximateInvokeCount"] == retries + 1


def test_driver_without_limits_retries_until_records_expire() -> None:
    harness = StreamHarness(EventSourceMapping(), raises)
    numbers = harness.write(2)
    for _ in range(50):
        assert harness.stream.poll() == 1
    harness.clock.advance(timedelta(hours=24, seconds=1))
    assert harness.stream.poll() == 0
    assert (harness.stream.expired, harness.stream.given_up) == (numbers, [])


def test_driver_drops_unread_records_after_a_day() -> None:
    harness = StreamHarness(EventSourceMapping(max_age=timedelta(hours=1)))
    numbers = harness.write(2)
    harness.clock.advance(timedelta(hours=25))
    later = harness.write(1)
    harness.stream.drain()
    assert (harness.stream.delivered, harness.stream.expired, harness.stream.given_up) == ([later], numbers, [])


def test_driver_bisects_to_a_poison_record_without_using_retries() -> None:
    harness = StreamHarness(EventSourceMapping(bisects=True, max_retries=1))
    numbers = harness.write(8)
    harness.function = lambda batch: raises(batch) if numbers[5] in batch else None
    harness.stream.drain()
    n = numbers
    assert harness.stream.delivered == [n, n[:4], n[4:], n[4:6], [n[4]], [n[5]], [n[5]], n[6:]]
    [given_up] = harness.stream.given_up
    assert given_up["DDBStreamBatchInfo"]["batchSize"] == 1
    assert given_up["DDBStreamBatchInfo"]["startSequenceNumber"] == n[5]


def test_driver_bisects_after_an_unreadable_response() -> None:
    harness = StreamHarness(EventSourceMapping(bisects=True, reports_failures=True, max_retries=0))
    numbers = harness.write(4)
    harness.function = lambda batch: failing("") if len(batch) > 1 else None
    harness.stream.drain()
    assert harness.stream.delivered[:3] == [numbers, numbers[:2], numbers[:1]]
    assert harness.stream.given_up == []


def test_driver_cuts_a_partial_failure_at_the_reported_number() -> None:
    harness = StreamHarness(EventSourceMapping(bisects=True, reports_failures=True))
    numbers = harness.write(8)
    answers = iter([failing(numbers[1]), None])
    harness.function = lambda _: next(answers)
    harness.stream.drain()
    assert harness.stream.delivered == [numbers, numbers[1:]]


def test_driver_gives_up_only_records_beyond_the_maximum_age() -> None:
    harness = StreamHarness(EventSourceMapping(max_age=timedelta(hours=12)), raises)
    old = harness.write(2)
    harness.stream.poll()
    harness.clock.advance(timedelta(hours=12))
    harness.stream.poll()
    harness.clock.advance(timedelta(seconds=1))
    young = harness.write(1)
    harness.function = lambda _: None
    harness.stream.drain()
    assert harness.stream.delivered == [old, old, young]
    [given_up] = harness.stream.given_up
    assert given_up["requestContext"]["condition"] == "RecordAgeExceeded"


def test_driver_reports_positions_of_given_up_records() -> None:
    harness = StreamHarness(EventSourceMapping(max_retries=0), raises)
    first = harness.write(1)
    harness.clock.advance(timedelta(seconds=90))
    last = harness.write(1)
    harness.stream.drain()
    [reported] = harness.stream.given_up
    assert reported == {
        "requestContext": {
            "requestId": "request-1",
            "functionArn": FUNCTION_ARN,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-22T12:01:30.000Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-00000000",
            "startSequenceNumber": first[0],
            "endSequenceNumber": last[0],
            "approximateArrivalOfFirstRecord": "2026-11-22T12:00:00Z",
            "approximateArrivalOfLastRecord": "2026-11-22T12:01:30Z",
            "batchSize": 2,
            "streamArn": STREAM_ARN,
        },
    }


# --- twice, and filtered ----------------------------------------------------------------------------------------------


def test_driver_may_repeat_a_successful_batch() -> None:
    harness = StreamHarness(EventSourceMapping(batch_size=2), twice=(1.0, Random(1)))
    numbers = harness.write(4)
    harness.stream.drain()
    assert harness.stream.delivered == [numbers[:2], numbers[:2], numbers[2:], numbers[2:]]


def test_driver_with_the_same_seed_repeats_the_same_batches() -> None:
    runs = []
    for _ in range(2):
        harness = StreamHarness(EventSourceMapping(batch_size=1), twice=(0.5, Random(7)))
        harness.write(50)
        harness.stream.drain()
        runs.append(harness.stream.delivered)
    assert runs[0] == runs[1]
    assert 50 < len(runs[0]) < 100


def test_driver_skips_filtered_records_in_a_batch() -> None:
    odd = ['{"dynamodb": {"Keys": {"SK": {"S": ["1", "3", "5"]}}}}']
    harness = StreamHarness(EventSourceMapping(batch_size=2, patterns=odd))
    numbers = harness.write(7)
    harness.stream.drain()
    assert harness.stream.delivered == [[numbers[1], numbers[3]], [numbers[5]]]
    assert harness.stream.is_idle


@pytest.mark.parametrize(
    ("pattern", "found", "fits"),
    [
        ('{"a": ["x", "y"]}', {"a": "y"}, True),
        ('{"a": ["x"]}', {"a": "z"}, False),
        ('{"a": ["x"]}', {}, False),
        ('{"a": ["x"], "b": ["y"]}', {"a": "x"}, False),
        ('{"a": {"b": ["x"]}}', {"a": {"b": "x", "c": "z"}}, True),
        ('{"a": {"b": ["x"]}}', {"a": "x"}, False),
        ('{"a": [{"prefix": "x#"}]}', {"a": "x#1"}, True),
        ('{"a": [{"prefix": "x#"}]}', {"a": "y#1"}, False),
        ('{"a": [{"anything-but": ["x"]}]}', {"a": "y"}, True),
        ('{"a": [{"anything-but": ["x"]}]}', {"a": "x"}, False),
        ('{"a": [{"anything-but": ["x"]}]}', {}, False),
        ('{"a": {"b": [{"exists": true}]}}', {"a": {"b": "x"}}, True),
        ('{"a": {"b": [{"exists": true}]}}', {}, False),
        ('{"a": {"b": [{"exists": false}]}}', {}, True),
        ('{"a": {"b": [{"exists": false}]}}', {"a": {"b": "x"}}, False),
    ],
)
def test_event_filter_matches_as_lambda_does(pattern: str, found: dict[str, Any], fits: bool) -> None:
    assert passes([pattern], found) is fits
    assert passes(['{"never": ["there"]}', pattern], found) is fits
    assert passes([], found)


def test_event_filter_refuses_an_unknown_pattern() -> None:
    with pytest.raises(NotImplementedError):
        passes(['{"a": [{"numeric": ["<", 1]}]}'], {"a": 0})
