"""Calibration: runs on MiniStack, one call after the other, and simulated at the latencies found there.

The client's CPU time of each run stands beside the one that the table's figures assume.

Two small runs give the latency of each operation and the client's time, by calls and items. With these the simulation
predicts the calls and the time of a larger run.
"""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest

from chalicelib.adapters.aws.sns_publisher import SnsPublisher
from chalicelib.adapters.dynamodb import stream_records
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.usecases.recovery import SETTLE_DELAY, sweep
from chalicelib.usecases.relay import relay_records
from infra.local.facts import aws_session
from infra.local.ministack import REGION, ministack
from tests.atomic_table import AtomicTable
from tests.bench.capacity import limits
from tests.bench.capacity.functions import simulated_cloud
from tests.bench.capacity.rows import fans, gift_at, posted
from tests.bench.capacity.simulation import Simulation, VirtualClock
from tests.bench.capacity.sweep import LATE, begin, post
from tests.fake_looks import OneThread
from tests.fake_topic import FakeRedriveQueue
from tests.stores import DynamoStore, cloud_at, create_table
from tests.table_expressions import Item

Measured = tuple[Mapping[str, Sequence[tuple[int, float]]], float, float]
"""Items and seconds of the calls of each operation, the seconds of the run, and those of the client's CPU."""

TOLERANCE: Final = 0.2
_KEPT: Final = (
    "partition_write_units",
    "partition_read_units",
    "topic_messages",
    "lambda_memory",
    "lambda_memory_of_a_core",
)
_SMALL, _MEDIUM, _LARGE = 40, 120, 300
_CREATORS: Final = 20


class LocalTable(AtomicTable):
    """A table of MiniStack. Rows are put there, and their stream records are kept."""

    def __init__(self, store: DynamoStore) -> None:
        super().__init__()
        self._store_there = store

    def put(self, item: Item) -> None:
        key = item["PK"]["S"], item["SK"]["S"]
        self._store(key, self.items.get(key), item)
        there: Any = self._store_there.client
        there.put_item(TableName=self._store_there.table_name, Item=item)


class LocalCloud:
    """The services of relay and sweep on MiniStack, with their calls counted and timed. Clocks do not move."""

    streak_pause = timedelta(seconds=5)
    source = "/coinpurse/capacity"
    livemode = False

    def __init__(self, name: str) -> None:
        store = DynamoStore(name)
        create_table(store)
        self.ledger, self.journal, self.positions = store.ledger, store.journal, DynamoWorkPositions(name)
        self.table, self.simulation = LocalTable(store), Simulation()
        self.clock, self.threads, self.redrive_queue = VirtualClock(self.simulation), OneThread(), FakeRedriveQueue()
        self.publisher = SnsPublisher("arn:aws:sns:us-east-1:000000000000:calibration", self.threads)
        self.streak_timer: Any = None
        self.calls: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._began, self._items = 0.0, 0
        for each, service in ((store.client, "dynamodb"), (self.publisher._sns, "sns")):
            events: Any = each.meta.events
            events.register(f"before-send.{service}", self._begin)
            events.register(f"after-call.{service}", self._end)

    def _begin(self, request: AWSPreparedRequest, **_: object) -> None:
        body: Any = request.body
        text = body.decode() if isinstance(body, bytes) else str(body)
        self._items = text.count(".Id=") or max(text.count('"Put"') + text.count('"Update"'), text.count('{"PK"'))
        self._began = time.monotonic()

    def _end(self, event_name: str, parsed: Mapping[str, Any], **_: object) -> None:
        items = len(parsed["Items"]) if "Items" in parsed else self._items
        self.calls[event_name.rpartition(".")[2]].append((items, time.monotonic() - self._began))


def _relay(cloud: Any, entries: int) -> Callable[[], object]:
    for number, fan in enumerate(islice(fans(), entries)):
        cloud.table.put(posted(gift_at(cloud.clock.now(), number, fan, f"creator-{number % _CREATORS}", 0)))
    records = list(cloud.table.records)
    return lambda: relay_records(stream_records.posted_records(records), [], cloud)


def _lost(cloud: Any, entries: int) -> Callable[[], object]:
    post(cloud, entries, LATE, is_received=False)
    begin(cloud, LATE + 3_600 + SETTLE_DELAY.total_seconds())
    return lambda: sweep(cloud, [0])


def _certain(cloud: Any, entries: int) -> Callable[[], object]:
    for hour in range(2):
        post(cloud, entries, hour * LATE, is_received=True)
    begin(cloud, LATE + 3_600 + SETTLE_DELAY.total_seconds())
    return lambda: sweep(cloud, [0])


RUNS: Final = {"relay": _relay, "sweep, lost": _lost, "sweep, certain": _certain}


def calibrate() -> bool:
    """Print each run's calls and time, on MiniStack and simulated. Returns True if they agree."""
    is_right = True
    with tempfile.TemporaryDirectory(prefix="coinpurse-bench-") as directory, ministack(Path(directory, "m")) as url:
        topics: Any = aws_session(REGION).client("sns", endpoint_url=url)
        topics.create_topic(Name="calibration")
        for place, (name, prepare) in enumerate(RUNS.items()):
            with cloud_at(url):
                _local(f"warm-up-{place}", prepare, _SMALL)
                small = [_local(f"small-{place}-{entries}", prepare, entries) for entries in (_SMALL, _MEDIUM)]
                large = _local(f"large-{place}", prepare, _LARGE)
            with _at_latencies(small):
                calls, seconds, _ = _simulated(prepare)
            assumed = _simulated(prepare)[2]
            found = Counter({each: len(times) for each, times in large[0].items()})
            print(f"{name}: {sum(found.values())} calls in {large[1]:.2f} s, simulated", end=" ")
            print(f"{sum(calls.values())} in {seconds:.2f} s ({seconds / large[1] - 1:+.0%});", end=" ")
            print(f"CPU {large[2]:.2f} s, assumed {assumed:.2f} s")
            is_right &= calls == found and abs(seconds / large[1] - 1) < TOLERANCE
    return is_right


def _local(name: str, prepare: Any, entries: int) -> Measured:
    cloud = LocalCloud(name)
    act = prepare(cloud, entries)
    cloud.calls.clear()
    began, cpu = time.monotonic(), time.process_time()
    act()
    return dict(cloud.calls), time.monotonic() - began, time.process_time() - cpu


def _simulated(prepare: Any) -> tuple[Counter[str], float, float]:
    with simulated_cloud() as cloud:
        cloud.threads = OneThread()  # type: ignore[assignment]
        cloud.publisher._threads = cloud.threads
        act = prepare(cloud, _LARGE)
        cloud.costs.calls.clear()
        began = cloud.simulation.seconds
        act()
        return Counter(cloud.costs.calls), cloud.simulation.seconds - began, cloud.simulation.processor.busy


@contextmanager
def _at_latencies(runs: Sequence[Measured]) -> Iterator[None]:
    """Use the latency of each operation, and the rest of the time for the client's part, both by calls and items."""
    limits.OTHER.update(dict.fromkeys(limits.LIMITS, 0.0) | {name: limits.LIMITS[name].value for name in _KEPT})
    for name in runs[0][0].keys() | runs[1][0].keys():
        base, each = _line([call for calls, _, _ in runs for call in calls.get(name, [])])
        limits.OTHER.update({name: 1_000 * base, f"{name} each": 1_000 * each})
    own = [_own(calls, took) for calls, took, _ in runs]
    base, each = _line(own)
    limits.OTHER["cpu_request"] = 1_000 * base
    limits.OTHER.update(dict.fromkeys(("cpu_read", "cpu_write", "cpu_message"), 1_000 * each))
    try:
        yield
    finally:
        limits.OTHER.clear()


def _own(calls: Mapping[str, Sequence[tuple[int, float]]], took: float) -> tuple[float, float]:
    """Return the items of a call, and the client's time for it, on average."""
    each = [call for listed in calls.values() for call in listed]
    return sum(items for items, _ in each) / len(each), (took - sum(seconds for _, seconds in each)) / len(each)


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fit base and slope, neither of them negative. Points with one number of items have no slope."""
    x, y = mean(each for each, _ in points), mean(each for _, each in points)
    spread = sum((each - x) ** 2 for each, _ in points)
    slope = sum((items - x) * (seconds - y) for items, seconds in points) / spread if spread else 0.0
    slope = min(max(slope, 0.0), y / x if x else 0.0)
    return y - slope * x, slope
