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


class Rig:
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


def test_records_come_in_order_and_no_more_of_them_than_the_batch_size() -> None:
    rig = Rig(EventSourceMapping(batch_size=3))
    numbers = rig.write(7)
    assert rig.stream.drain() == 3
    assert rig.stream.delivered == [numbers[:3], numbers[3:6], numbers[6:]]
    assert rig.stream.is_idle


def test_a_record_is_what_the_function_is_documented_to_get() -> None:
    seen: list[Any] = []
    rig = Rig(EventSourceMapping())
    rig.stream.function = lambda event, _: seen.extend(event["Records"])
    old, new = ({"PK": {"S": "a"}, "SK": {"S": "b"}, "n": {"N": number}} for number in "12")
    for before, after in ((None, old), (old, new), (new, None)):
        rig.stream.write(after, before)
    rig.stream.drain()
    assert [record["eventName"] for record in seen] == ["INSERT", "MODIFY", "REMOVE"]
    change = seen[1]["dynamodb"]
    assert (change["OldImage"], change["NewImage"]) == (old, new)
    assert change["Keys"] == {"PK": {"S": "a"}, "SK": {"S": "b"}}
    assert [set(record["dynamodb"]) & {"OldImage", "NewImage"} for record in seen[::2]] == [{"NewImage"}, {"OldImage"}]


def test_a_partition_stays_in_one_shard() -> None:
    rig = Rig(EventSourceMapping(), shards=4)
    written = {partition: rig.write(3, partition) for partition in "abcdefgh"}
    rig.stream.drain()
    assert len(rig.stream.delivered) == 4
    for numbers in written.values():
        [batch] = [batch for batch in rig.stream.delivered if numbers[0] in batch]
        assert [number for number in batch if number in numbers] == numbers


def test_a_failing_shard_waits_and_the_others_go_on() -> None:
    rig = Rig(EventSourceMapping(), shards=2)
    poisoned, well = rig.write(1, "c"), rig.write(1, "d")
    rig.function = lambda numbers: raises(numbers) if numbers == poisoned else None
    assert [rig.stream.poll() for _ in range(3)] == [2, 1, 1]
    assert sorted(rig.stream.delivered) == [poisoned, poisoned, poisoned, well]
    assert not rig.stream.is_idle


# --- what is a success, and what a failure ----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_answer_is_a_success(answer: Any) -> None:
    rig = Rig(REPORTS, lambda _: answer)
    rig.write(3)
    assert rig.stream.drain() == 1


@pytest.mark.parametrize(
    "item",
    [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"itemIdentifier": "7"}, {"sequenceNumber": "7"}, {}, "7", None],
)
def test_an_item_without_a_known_identifier_fails_the_whole_batch(item: Any) -> None:
    rig = Rig(REPORTS)
    numbers = rig.write(3)
    answers = iter([{"batchItemFailures": [{"itemIdentifier": numbers[2]}, item]}, None])
    rig.function = lambda _: next(answers)
    rig.stream.drain()
    assert rig.stream.delivered == [numbers, numbers]


def test_the_lowest_number_is_the_checkpoint_and_all_from_there_on_come_again() -> None:
    rig = Rig(REPORTS)
    numbers = rig.write(5)
    answers = iter([failing(numbers[4], numbers[2]), failing(numbers[3]), None])
    rig.function = lambda _: next(answers)
    rig.stream.drain()
    assert rig.stream.delivered == [numbers, numbers[2:], numbers[3:]]


def test_what_comes_again_is_not_filled_up_with_new_records() -> None:
    rig = Rig(EventSourceMapping(batch_size=3, reports_failures=True))
    numbers = rig.write(5)
    answers = iter([failing(numbers[2]), None, None])
    rig.function = lambda _: next(answers)
    rig.stream.drain()
    assert rig.stream.delivered == [numbers[:3], numbers[2:3], numbers[3:]]


def test_without_the_setting_nobody_reads_what_is_reported() -> None:
    rig = Rig(EventSourceMapping(), failing)
    rig.write(3)
    assert rig.stream.drain() == 1


# --- retrying, halving, giving up -------------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("function", [raises, lambda numbers: failing(*numbers)], ids=["raises", "reports"])
def test_a_batch_is_given_up_after_its_retries(retries: int, function: Function) -> None:
    rig = Rig(EventSourceMapping(reports_failures=True, max_retries=retries), function)
    numbers = rig.write(2)
    rig.stream.drain()
    assert rig.stream.delivered == [numbers] * (retries + 1)
    [given_up] = rig.stream.given_up
    assert given_up["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert given_up["requestContext"]["approximateInvokeCount"] == retries + 1


def test_without_limits_a_batch_is_retried_until_the_stream_forgets_it() -> None:
    rig = Rig(EventSourceMapping(), raises)
    numbers = rig.write(2)
    for _ in range(50):
        assert rig.stream.poll() == 1
    rig.clock.advance(timedelta(hours=24, seconds=1))
    assert rig.stream.poll() == 0
    assert (rig.stream.expired, rig.stream.given_up) == (numbers, [])


def test_what_nobody_reads_for_a_day_is_forgotten_without_a_word() -> None:
    rig = Rig(EventSourceMapping(max_age=timedelta(hours=1)))
    numbers = rig.write(2)
    rig.clock.advance(timedelta(hours=25))
    later = rig.write(1)
    rig.stream.drain()
    assert (rig.stream.delivered, rig.stream.expired, rig.stream.given_up) == ([later], numbers, [])


def test_halving_isolates_a_poison_record_and_uses_up_no_retries() -> None:
    rig = Rig(EventSourceMapping(bisects=True, max_retries=1))
    numbers = rig.write(8)
    rig.function = lambda batch: raises(batch) if numbers[5] in batch else None
    rig.stream.drain()
    n = numbers
    assert rig.stream.delivered == [n, n[:4], n[4:], n[4:6], [n[4]], [n[5]], [n[5]], n[6:]]
    [given_up] = rig.stream.given_up
    assert given_up["DDBStreamBatchInfo"]["batchSize"] == 1
    assert given_up["DDBStreamBatchInfo"]["startSequenceNumber"] == n[5]


def test_an_answer_that_makes_no_sense_is_halved_like_an_error() -> None:
    rig = Rig(EventSourceMapping(bisects=True, reports_failures=True, max_retries=0))
    numbers = rig.write(4)
    rig.function = lambda batch: failing("") if len(batch) > 1 else None
    rig.stream.drain()
    assert rig.stream.delivered[:3] == [numbers, numbers[:2], numbers[:1]]
    assert rig.stream.given_up == []


def test_a_partial_answer_is_cut_where_it_says_and_not_halved() -> None:
    rig = Rig(EventSourceMapping(bisects=True, reports_failures=True))
    numbers = rig.write(8)
    answers = iter([failing(numbers[1]), None])
    rig.function = lambda _: next(answers)
    rig.stream.drain()
    assert rig.stream.delivered == [numbers, numbers[1:]]


def test_records_beyond_the_age_are_given_up_and_younger_ones_go_on() -> None:
    rig = Rig(EventSourceMapping(max_age=timedelta(hours=12)), raises)
    old = rig.write(2)
    rig.stream.poll()
    rig.clock.advance(timedelta(hours=12))
    rig.stream.poll()
    rig.clock.advance(timedelta(seconds=1))
    young = rig.write(1)
    rig.function = lambda _: None
    rig.stream.drain()
    assert rig.stream.delivered == [old, old, young]
    [given_up] = rig.stream.given_up
    assert given_up["requestContext"]["condition"] == "RecordAgeExceeded"


def test_what_is_given_up_is_told_by_where_it_is() -> None:
    rig = Rig(EventSourceMapping(max_retries=0), raises)
    first = rig.write(1)
    rig.clock.advance(timedelta(seconds=90))
    last = rig.write(1)
    rig.stream.drain()
    [told] = rig.stream.given_up
    assert told == {
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


def test_a_batch_that_went_well_may_come_once_more() -> None:
    rig = Rig(EventSourceMapping(batch_size=2), twice=(1.0, Random(1)))
    numbers = rig.write(4)
    rig.stream.drain()
    assert rig.stream.delivered == [numbers[:2], numbers[:2], numbers[2:], numbers[2:]]


def test_the_same_seed_repeats_the_same_batches() -> None:
    runs = []
    for _ in range(2):
        rig = Rig(EventSourceMapping(batch_size=1), twice=(0.5, Random(7)))
        rig.write(50)
        rig.stream.drain()
        runs.append(rig.stream.delivered)
    assert runs[0] == runs[1]
    assert 50 < len(runs[0]) < 100


def test_what_no_filter_lets_through_is_passed_over_and_fills_no_batch() -> None:
    odd = ['{"dynamodb": {"Keys": {"SK": {"S": ["1", "3", "5"]}}}}']
    rig = Rig(EventSourceMapping(batch_size=2, patterns=odd))
    numbers = rig.write(7)
    rig.stream.drain()
    assert rig.stream.delivered == [[numbers[1], numbers[3]], [numbers[5]]]
    assert rig.stream.is_idle


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
def test_a_pattern_is_read_as_lambda_does(pattern: str, found: dict[str, Any], fits: bool) -> None:
    assert passes([pattern], found) is fits
    assert passes(['{"never": ["there"]}', pattern], found) is fits
    assert passes([], found)


def test_a_pattern_that_we_cannot_read_is_not_guessed() -> None:
    with pytest.raises(NotImplementedError):
        passes(['{"a": [{"numeric": ["<", 1]}]}'], {"a": 0})
