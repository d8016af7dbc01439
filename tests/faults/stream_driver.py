"""DynamoDB Streams and the Lambda event source mapping that reads them, with the semantics that AWS documents.

The local stand-in for AWS ignores partial failures, bisecting and giving up, so they are proved on this driver.
Nothing sleeps: a poll is one invocation per shard at most, and the test sets the clock.

Sources, all in the Lambda developer guide unless noted otherwise:
- services-ddb-batchfailurereporting: an empty or null list or answer is a success; an empty, null or wrongly named
  `itemIdentifier` fails the whole batch; else the lowest sequence number is the checkpoint, and all from there on are
  retried. When the invocation fails and bisecting is on, the batch is halved in any case; a partial answer
  cuts it at the returned sequence number.
- services-dynamodb-errors: a failed batch is retried until its records expire, exceed the maximum age or use up the
  retries; halving does not use up retries; records that are given up go to the on-failure destination as metadata.
- services-ddb-params: the limits and defaults. with-ddb: a shard waits for its failing batch, other shards go on.
- invocation-eventfiltering: filtered records are discarded, and the reader moves on.
- DynamoDB developer guide, Streams: each shard in order, all changes of an item in one shard, kept for 24 hours.
Not documented, and chosen as the harder case for the function: a partial answer uses up a retry, and a retried batch
is not filled up with new records. RecordAgeExceeded is the text that the destination receives.
"""

import json
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import yaml

from tests.faults.event_filter import passes

Record = dict[str, Any]
Image = Mapping[str, Any]

RETENTION: Final = timedelta(hours=24)
STREAM_ARN: Final = "arn:aws:dynamodb:eu-central-1:123456789012:table/coinpurse/stream/2026-11-22T12:00:00.000"
FUNCTION_ARN: Final = "arn:aws:lambda:eu-central-1:123456789012:function:relay"
TEMPLATE: Final = Path(__file__).parents[2] / "infra" / "resources.yaml"


@dataclass(frozen=True, kw_only=True)
class EventSourceMapping:
    """The settings of a mapping; the defaults are Lambda's. None is no limit."""

    batch_size: int = 100
    patterns: Sequence[str] = ()
    reports_failures: bool = False
    bisects: bool = False
    max_retries: int | None = None
    max_age: timedelta | None = None

    @classmethod
    @cache
    def of_the_relay(cls) -> Self:
        """Read the deployed mapping from the template."""
        template = yaml.load(TEMPLATE.read_text("utf-8"), _Template)  # a SafeLoader
        settings = template["Resources"]["Relay"]["Properties"]["Events"]["RelayDynamodbEventSource"]["Properties"]
        assert settings["StartingPosition"] == "TRIM_HORIZON"
        assert template["Parameters"]["RelayParallelization"]["Default"] == 1
        return cls(
            batch_size=settings["BatchSize"],
            patterns=[found["Pattern"] for found in settings["FilterCriteria"]["Filters"]],
            reports_failures=settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"],
            bisects=settings["BisectBatchOnFunctionError"],
            max_retries=settings["MaximumRetryAttempts"],
            max_age=timedelta(seconds=settings["MaximumRecordAgeInSeconds"]),
        )


class _Template(yaml.SafeLoader):
    """A template loader that ignores CloudFormation's functions."""


_Template.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


@dataclass(frozen=True)
class _Batch:
    records: Sequence[Record]
    failures: int = 0
    is_again: bool = False


@dataclass
class _Shard:
    name: str
    unread: deque[Record] = field(default_factory=deque)
    under_way: deque[_Batch] = field(default_factory=deque)


@dataclass
class StreamDriver:
    """A table's stream, and the mapping that delivers it to a function.

    Args:
        function: the handler.
        mapping: its event source mapping.
        now: the time.
        shards: the number of shards. A partition key stays in one.
        twice: the probability, and its random source, that a successful batch is delivered again.
    """

    function: Callable[[Any, Any], Any]
    mapping: EventSourceMapping
    now: Callable[[], datetime]
    shards: int = 1
    twice: tuple[float, Random] = field(default_factory=lambda: (0.0, Random(0)))
    delivered: list[list[str]] = field(default_factory=list)
    given_up: list[dict[str, Any]] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = count(100_000_000_000_000_000_000)
        self._shards = [_Shard(f"shardId-{number:020d}-{number:08x}") for number in range(self.shards)]

    def write(self, new: Image | None, old: Image | None = None) -> str:
        """Append a change of an item, by its images. Returns the record's sequence number."""
        item = new or old
        assert item, "a change has an image before or after it"
        images = {"NewImage": new, "OldImage": old}
        change: Record = {
            "ApproximateCreationDateTime": self.now().timestamp(),
            "Keys": {"PK": item["PK"], "SK": item["SK"]},
            **{name: dict(image) for name, image in images.items() if image},
            "SequenceNumber": str(next(self._numbers)),
            "SizeBytes": len(json.dumps(item)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        shard = self._shards[zlib.crc32(item["PK"]["S"].encode()) % self.shards]
        shard.unread.append(
            {
                "eventID": f"event-{change['SequenceNumber']}",
                "eventName": "MODIFY" if new and old else "INSERT" if new else "REMOVE",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "eu-central-1",
                "dynamodb": change,
                "eventSourceARN": STREAM_ARN,
            }
        )
        return str(change["SequenceNumber"])

    def poll(self) -> int:
        """Invoke the function once per shard that has records. Returns the number of invocations."""
        return sum(self._poll(shard) for shard in self._shards)

    def drain(self, most: int = 10_000) -> int:
        """Poll until nothing is left. Returns the number of polls. Fails when there is no end to it."""
        for polls in range(most):
            if not self.poll():
                return polls
        raise AssertionError(f"still not drained after {most} polls")

    @property
    def is_idle(self) -> bool:
        """Return True if every record was delivered, or discarded by a rule."""
        return not any(shard.unread or shard.under_way for shard in self._shards)

    def _poll(self, shard: _Shard) -> bool:
        self._expire(shard)
        if not shard.under_way:
            self._read(shard)
        if not shard.under_way:
            return False
        batch = shard.under_way.popleft()
        limit = self.mapping.max_age or timedelta.max
        old = [record for record in batch.records if self._age(record) > limit]
        fresh = [record for record in batch.records if self._age(record) <= limit]
        if old:
            self._give_up(shard, replace(batch, records=old), "RecordAgeExceeded")
        if fresh:
            self._invoke(shard, replace(batch, records=fresh))
        return True

    def _expire(self, shard: _Shard) -> None:
        """Drop records older than the stream's retention, read or not."""
        kept = [record for record in shard.unread if self._age(record) <= RETENTION]
        gone = [record for record in shard.unread if self._age(record) > RETENTION]
        shard.unread = deque(kept)
        for batch in list(shard.under_way):
            fresh = [record for record in batch.records if self._age(record) <= RETENTION]
            gone += [record for record in batch.records if self._age(record) > RETENTION]
            shard.under_way.popleft()
            if fresh:
                shard.under_way.append(replace(batch, records=fresh))
        self.expired += [number_of(record) for record in gone if passes(self.mapping.patterns, record)]

    def _read(self, shard: _Shard) -> None:
        """Take the next batch out of the shard. Filtered records are skipped."""
        taken: list[Record] = []
        while shard.unread and len(taken) < self.mapping.batch_size:
            record = shard.unread.popleft()
            if passes(self.mapping.patterns, record):
                taken.append(record)
        if taken:
            shard.under_way.append(_Batch(taken))

    def _age(self, record: Record) -> timedelta:
        return self.now() - arrival_of(record)

    def _invoke(self, shard: _Shard, batch: _Batch) -> None:
        self.delivered.append([number_of(record) for record in batch.records])
        try:
            answer = self.function({"Records": deepcopy(list(batch.records))}, None)
        except Exception:  # noqa: BLE001  # any exception fails the batch, as in Lambda
            self._failed(shard, batch, at=0, raised=True)
            return
        at = self._first_failure(batch, answer)
        if at is None:
            self._succeeded(shard, batch)
        else:
            self._failed(shard, batch, at=max(at, 0), raised=at < 0)

    def _first_failure(self, batch: _Batch, answer: Any) -> int | None:
        """Return the index of the lowest reported record; None for a success, -1 when all of them failed."""
        reported = (answer or {}).get("batchItemFailures") if self.mapping.reports_failures else None
        if not reported:
            return None
        numbers = [number_of(record) for record in batch.records]
        named: list[Any] = [item.get("itemIdentifier") if isinstance(item, Mapping) else None for item in reported]
        return min(numbers.index(name) for name in named) if all(name in numbers for name in named) else -1

    def _succeeded(self, shard: _Shard, batch: _Batch) -> None:
        chance, dice = self.twice
        if not batch.is_again and dice.random() < chance:
            shard.under_way.appendleft(replace(batch, is_again=True))

    def _failed(self, shard: _Shard, batch: _Batch, *, at: int, raised: bool) -> None:
        size = len(batch.records)
        if raised and self.mapping.bisects and size > 1:
            halves = [batch.records[: size // 2], batch.records[size // 2 :]]
            shard.under_way.extendleft(replace(batch, records=half) for half in reversed(halves))
            return
        rest = replace(batch, records=batch.records[at:], failures=batch.failures + 1)
        if self.mapping.max_retries is not None and rest.failures > self.mapping.max_retries:
            self._give_up(shard, rest, "RetryAttemptsExhausted", raised=raised)
        else:
            shard.under_way.appendleft(rest)

    def _give_up(self, shard: _Shard, batch: _Batch, condition: str, *, raised: bool = False) -> None:
        """Send the position of the records, never the records themselves, to the on-failure destination."""
        first, last = batch.records[0], batch.records[-1]
        responses = {"statusCode": 200, "executedVersion": "$LATEST"} | (
            {"functionError": "Unhandled"} if raised else {}
        )
        self.given_up.append(
            {
                "requestContext": {
                    "requestId": f"request-{len(self.delivered)}",
                    "functionArn": FUNCTION_ARN,
                    "condition": condition,
                    "approximateInvokeCount": batch.failures,
                },
                **({"responseContext": responses} if batch.failures else {}),
                "version": "1.0",
                "timestamp": _instant(self.now(), "milliseconds"),
                "DDBStreamBatchInfo": {
                    "shardId": shard.name,
                    "startSequenceNumber": number_of(first),
                    "endSequenceNumber": number_of(last),
                    "approximateArrivalOfFirstRecord": _instant(arrival_of(first), "seconds"),
                    "approximateArrivalOfLastRecord": _instant(arrival_of(last), "seconds"),
                    "batchSize": len(batch.records),
                    "streamArn": STREAM_ARN,
                },
            }
        )


def number_of(record: Record) -> str:
    """Return the sequence number of a record."""
    return str(record["dynamodb"]["SequenceNumber"])


def arrival_of(record: Record) -> datetime:
    """Return the arrival time of a record in the stream."""
    return datetime.fromtimestamp(record["dynamodb"]["ApproximateCreationDateTime"], UTC)


def _instant(at: datetime, precision: str) -> str:
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
