"""The cloud in virtual time: DynamoDB, SNS and SQS behind the real adapters and SDK, with latencies and limits."""

import json
import random
from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from types import SimpleNamespace
from typing import Any, Final

from tests.atomic_table import INDEX_KEYS, AtomicTable, Failure, Key, Request
from tests.bench.capacity.limits import seconds, value
from tests.bench.capacity.simulation import Simulation
from tests.table_expressions import Item

Answer = tuple[SimpleNamespace, Mapping[str, Any]]
_TABLE_KEYS: Final = ("PK", "SK")
_READS: Final = frozenset({"BatchGetItem", "GetItem", "Query"})
_THROTTLED: Final = "ProvisionedThroughputExceededException"


@dataclass
class Costs:
    """Calls by operation, and throttled requests."""

    calls: Counter[str] = field(default_factory=Counter)
    throttled: int = 0

    def wait(self, operation: str, seconds: float, simulation: Simulation, calls: int = 1) -> None:
        """Let the function wait, and count it."""
        self.calls[operation] += calls
        simulation.sleep(seconds)


class Bucket:
    """A limit of units a second. What a second leaves unused is kept for the next one only."""

    def __init__(self, rate: float) -> None:
        self._rate, self._left, self._at = rate, rate, 0.0

    def takes(self, units: float, now: float) -> bool:
        """Take units if there are any left, as DynamoDB does: the last request may take more than is left."""
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left <= 0:
            return False
        self._left -= units
        return True


class SimulatedTable(AtomicTable):
    """A table whose requests take virtual time, are counted, throttled by partition, and meet in transactions."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self.simulation = simulation
        self.costs = Costs()
        self._held: set[Key] = set()
        self._sorted: dict[str, dict[str, list[tuple[str, Key]]]] = {}
        self._writes: dict[str, Bucket] = defaultdict(lambda: Bucket(value("partition_write_units")))
        self._reads: dict[str, Bucket] = defaultdict(lambda: Bucket(value("partition_read_units")))
        self._random = random.Random(0)  # the same pauses in each run

    def put(self, item: Item) -> None:
        """Store an item without a request, with its stream record."""
        key = item["PK"]["S"], item["SK"]["S"]
        self._store(key, self.items.get(key), item)

    def answer(self, model: Any, params: Mapping[str, Any], **_: object) -> Answer:
        operation, request = model.name, json.loads(params["body"])
        http, response = self._answer_once(operation, request, model, params)
        if response.get("Error", {}).get("Code") == _THROTTLED:  # the SDK repeats it, but no transaction
            self.simulation.sleep(self._random.uniform(0, seconds("retry_pause")))
            return self._answer_once(operation, request, model, params)
        return http, response

    def _answer_once(self, operation: str, request: Request, model: Any, params: Mapping[str, Any]) -> Answer:
        keys = _written(operation, request) if operation not in _READS else []
        self._charge("cpu_write" if keys else "cpu_read", len(keys))
        latency = self._latency(operation, len(keys) if keys else len(_read(operation, request)))
        if keys and not self._takes_writes(operation, request):
            return self._wait(operation, latency, lambda: _throttled(operation, len(keys)))
        if self._held.intersection(keys):
            refusal = _refusal(operation, "TransactionConflict", [key in self._held for key in keys])
            return self._wait(operation, latency, lambda: refusal)
        held = set(keys) if operation == "TransactWriteItems" else set[Key]()
        self._held |= held
        try:
            answered = self._wait(operation, latency, lambda: super(SimulatedTable, self).answer(model, params))
        finally:
            self._held -= held
        return answered if keys else self._finish_read(operation, request, answered)

    def _wait(self, operation: str, latency: float, answer: Callable[[], Answer]) -> Answer:
        self.costs.wait(operation, latency, self.simulation)
        return answer()

    def _finish_read(self, operation: str, request: Request, answered: Answer) -> Answer:
        """Take a read's units, once its items are known, and decode them."""
        items = _found(operation, answered[1])
        units = _read_units(operation, request, items)
        now = self.simulation.seconds
        is_throttled = [not self._reads[partition].takes(each, now) for partition, each in units.items()]
        if operation == "Query":
            self.costs.wait(operation, len(items) * seconds("Query each"), self.simulation, calls=0)
        self._charge("cpu_read", len(items))
        if any(is_throttled):
            self.costs.throttled += 1
            return _throttled(operation, 0)
        return answered

    def _charge(self, name: str, items: int) -> None:
        base = seconds("cpu_request") / (2 if name == "cpu_read" else 1)  # a read is charged twice: request, response
        self.simulation.compute(base + items * seconds(name))

    def _latency(self, operation: str, items: int) -> float:
        return seconds(operation) + items * (0.0 if operation == "Query" else seconds(f"{operation} each"))

    def _takes_writes(self, operation: str, request: Request) -> bool:
        units: Counter[str] = Counter()
        factor = 2 if operation == "TransactWriteItems" else 1
        for action in _actions(operation, request):
            item = action.get("Item") or action["Key"]
            units[item["PK"]["S"]] += factor * max(1, ceil(_bytes(item) / 1_024))
        now = self.simulation.seconds
        is_taken = all(self._writes[partition].takes(each, now) for partition, each in units.items())
        self.costs.throttled += not is_taken
        return is_taken

    def _store(self, key: Key, before: Item | None, after: Item | None) -> None:
        super()._store(key, before, after)
        if after is None:
            return
        for partition, sort in (_TABLE_KEYS, INDEX_KEYS):
            if partition not in after or sort not in after:
                continue
            place = after[sort]["S"], key
            if before is not None and before.get(sort) == after[sort] and before.get(partition) == after[partition]:
                continue
            insort(self._sorted.setdefault(partition, {}).setdefault(after[partition]["S"], []), place)

    def _query(self, request: Request) -> Mapping[str, Any]:
        """Query the items of one partition, from the lower bound of their sort keys on."""
        first, *bounds = [each["S"] for _, each in sorted(request["ExpressionAttributeValues"].items())]
        places = self._sorted.get((INDEX_KEYS if "IndexName" in request else _TABLE_KEYS)[0], {}).get(first, [])
        start = bisect_right(places, (min(bounds, default=""),))
        end = len(places)
        if "Limit" in request and request.get("ScanIndexForward", True) and "ExclusiveStartKey" not in request:
            end = start + request["Limit"] + 1
        everything = self.items
        self.items = {key: everything[key] for _, key in places[start:end]}
        try:
            return super()._query(request)
        finally:
            self.items = everything


def _actions(operation: str, request: Request) -> list[Mapping[str, Any]]:
    if operation == "TransactWriteItems":
        return [action for each in request["TransactItems"] for action in each.values()]
    return [request]


def _written(operation: str, request: Request) -> list[Key]:
    items = [action.get("Item") or action["Key"] for action in _actions(operation, request)]
    return [(item["PK"]["S"], item["SK"]["S"]) for item in items]


def _read(operation: str, request: Request) -> list[Any]:
    if operation == "BatchGetItem":
        [wanted] = request["RequestItems"].values()
        return list(wanted["Keys"])
    return [None]


def _found(operation: str, response: Mapping[str, Any]) -> list[Item]:
    if operation == "BatchGetItem":
        return [item for items in response.get("Responses", {}).values() for item in items]
    return list(response.get("Items", [response["Item"]] if "Item" in response else []))


def _read_units(operation: str, request: Request, items: list[Item]) -> Mapping[str, float]:
    units: dict[str, float] = defaultdict(float)
    if operation == "Query":
        partition = request["ExpressionAttributeValues"][":0"]["S"]
        units[partition] = max(1, ceil(sum(map(_bytes, items)) / 4_096))
    else:
        for item in items:
            units[item["PK"]["S"]] += max(1, ceil(_bytes(item) / 4_096))
    wanted = next(iter(request["RequestItems"].values())) if operation == "BatchGetItem" else request
    if not wanted.get("ConsistentRead"):
        return {partition: each / 2 for partition, each in units.items()}
    return units


def _bytes(item: Item) -> int:
    return sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())


def _throttled(operation: str, actions: int) -> Answer:
    return _refusal(operation, "ProvisionedThroughputExceeded", [True] * actions)


def _refusal(operation: str, code: str, concerned: list[bool]) -> Answer:
    if operation == "TransactWriteItems":
        reasons = [{"Code": code if each else "None"} for each in concerned]
        failure = Failure("TransactionCanceledException", CancellationReasons=reasons)
    else:
        failure = Failure(f"{code}Exception")
    return SimpleNamespace(status_code=400), failure.response


class SimulatedMessaging:
    """SNS and SQS: requests take time and are counted. `published`: messages that the topic took."""

    def __init__(self, simulation: Simulation, costs: Costs) -> None:
        self.simulation, self.costs = simulation, costs
        self.published = 0
        self._topic = Bucket(value("topic_messages"))

    def answer(self, model: Any, params: Mapping[str, Any], **_: object) -> Answer:
        """Answer a request of a botocore client, as a handler of `before-call`."""
        operation, messages = model.name, _messages(model.name, params["body"])
        self.simulation.compute(seconds("cpu_request") + messages * seconds("cpu_message"))
        latency = seconds(operation) + messages * seconds(f"{operation} each")
        self.costs.wait(operation, latency, self.simulation)
        if operation == "PublishBatch":
            if not self._topic.takes(messages, self.simulation.seconds):
                self.costs.throttled += 1
                return SimpleNamespace(status_code=400), Failure("Throttled").response
            self.published += messages
        return SimpleNamespace(status_code=200), {"Successful": [], "Failed": []}


def _messages(operation: str, body: Any) -> int:
    if operation == "PublishBatch":
        return sum(name.endswith(".Id") for name in body)
    if operation.endswith("Batch"):
        return len(json.loads(body)["Entries"])
    return 1
