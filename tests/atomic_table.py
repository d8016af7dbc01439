"""A DynamoDB table in this process: the real adapters and SDK run on it, and every transaction is atomic.

botocore's hook `before-call` answers each request, after its parameters are validated and serialized. Reads are always
consistent, indexes too. An expression or operation that the adapters do not use is refused, not guessed.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from tests.stores import DynamoStore, cloud_at, table_definition
from tests.table_expressions import InvalidExpression, Item, condition, placeholders, updated

Key = tuple[str, str]
Request = Mapping[str, Any]
MAX_ACTIONS: Final = 100
_NOWHERE: Final = "http://127.0.0.1:9"
_ITEM_BYTES: Final = 400 * 1024
_EXPRESSIONS: Final = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)


class Failure(Exception):
    """An error response."""

    def __init__(self, code: str, **members: Any) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": code}, **members}


@dataclass
class AtomicTable:
    """The items, and the stream of their changes.

    `records` are the changes that nobody has taken yet, in the form of a Lambda event's `Records`. Items are never
    changed in place, so that an item can be compared with its former version by identity.
    """

    items: dict[Key, Item] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    _changes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def clear(self) -> None:
        """Remove every item and change."""
        self.items.clear()
        self.records.clear()

    def expire(self, now: datetime) -> None:
        """Delete the items whose `ttl` has passed, as DynamoDB does within days."""
        for key, item in list(self.items.items()):
            if "ttl" in item and int(item["ttl"]["N"]) < now.timestamp():
                del self.items[key]

    def answer(self, model: Any, params: Mapping[str, Any], **_: object) -> tuple[SimpleNamespace, Mapping[str, Any]]:
        """Answer a request of a botocore client, as a handler of `before-call.dynamodb`."""
        request: Request = json.loads(params["body"])
        operations: Mapping[str, Callable[[Request], Mapping[str, Any]]] = {
            "BatchGetItem": self._batch_get,
            "GetItem": self._get,
            "PutItem": self._write_one,
            "Query": self._query,
            "Scan": self._scan,
            "TransactWriteItems": self._transact,
            "UpdateItem": self._write_one,
        }
        try:
            with self._lock:
                return SimpleNamespace(status_code=200), operations[model.name](request)
        except InvalidExpression:
            return SimpleNamespace(status_code=400), Failure("ValidationException").response
        except Failure as failure:
            return SimpleNamespace(status_code=400), failure.response

    def _get(self, request: Request) -> Mapping[str, Any]:
        found = self.items.get(_key(request["Key"]))
        return {} if found is None else {"Item": found}

    def _batch_get(self, request: Request) -> Mapping[str, Any]:
        [(name, wanted)] = request["RequestItems"].items()
        keys = [_key(key) for key in wanted["Keys"]]
        _require(len(set(keys)) == len(keys) <= MAX_ACTIONS)
        return {"Responses": {name: [self.items[key] for key in keys if key in self.items]}, "UnprocessedKeys": {}}

    def _query(self, request: Request) -> Mapping[str, Any]:
        _require("FilterExpression" not in request and "ProjectionExpression" not in request)
        _check_placeholders(request)
        partition, sort = INDEX_KEYS if "IndexName" in request else ("PK", "SK")
        test, given = condition(request["KeyConditionExpression"]), _given(request)
        found = sorted(
            (item for item in list(self.items.values()) if {partition, sort} <= item.keys() and test(item, *given)),
            key=lambda item: (item[sort]["S"].encode(), item["SK"]["S"].encode(), item["PK"]["S"]),
            reverse=not request.get("ScanIndexForward", True),
        )
        if start := request.get("ExclusiveStartKey"):
            keys = [_key(item) for item in found]
            found = found[keys.index(_key(start)) + 1 :]
        limit = request.get("Limit", len(found))
        page = [_projected(item) if "IndexName" in request else item for item in found[:limit]]
        last = {name: found[limit - 1][name] for name in {"PK", "SK", partition, sort}} if len(found) > limit else None
        return {
            "Items": page,
            "Count": len(page),
            "ScannedCount": len(page),
            **({"LastEvaluatedKey": last} if last else {}),
        }

    def _scan(self, request: Request) -> Mapping[str, Any]:
        _check_placeholders(request)
        text, given = request.get("FilterExpression"), _given(request)
        found = [item for item in self.items.values() if not text or condition(text)(item, *given)]
        return {"Items": found, "Count": len(found), "ScannedCount": len(self.items)}

    def _write_one(self, request: Request) -> Mapping[str, Any]:
        key, before, after, holds = self._outcome(request)
        if not holds:
            raise Failure("ConditionalCheckFailedException")
        self._store(key, before, after)
        wanted = request.get("ReturnValues", "NONE")
        _require(wanted in {"NONE", "ALL_NEW"})
        return {"Attributes": after} if wanted == "ALL_NEW" else {}

    def _transact(self, request: Request) -> Mapping[str, Any]:
        actions = [action for each in request["TransactItems"] for action in each.values()]
        outcomes = [self._outcome(action) for action in actions]
        _require(len({key for key, *_ in outcomes}) == len(actions) <= MAX_ACTIONS)
        if not all(holds for *_, holds in outcomes):
            raise Failure("TransactionCanceledException", CancellationReasons=list(_reasons(actions, outcomes)))
        for key, before, after, _ in outcomes:
            self._store(key, before, after)
        return {}

    def _outcome(self, action: Request) -> tuple[Key, Item | None, Item | None, bool]:
        """Return the key of an action, the item before and after it, and whether its condition holds."""
        _check_placeholders(action)
        key = _key(action["Item"] if "Item" in action else action["Key"])
        before, given = self.items.get(key), _given(action)
        text = action.get("ConditionExpression")
        if text and not condition(text)(before or {}, *given):
            return key, before, None, False
        if "Item" in action:
            return key, before, action["Item"], True
        if "UpdateExpression" in action:
            return key, before, updated(before or action["Key"], action["UpdateExpression"], *given), True
        raise NotImplementedError(f"only puts and updates, not {sorted(action)}")

    def _store(self, key: Key, before: Item | None, after: Item | None) -> None:
        _require(after is not None and len(json.dumps(after)) < _ITEM_BYTES)
        if after is None or after == before:
            return
        self.items[key] = after
        self._changes += 1
        change = {
            "Keys": {name: after[name] for name in ("PK", "SK")},
            "NewImage": after,
            "SequenceNumber": f"{self._changes:021d}",
            **({"OldImage": before} if before else {}),
        }
        self.records.append({"eventName": "MODIFY" if before else "INSERT", "dynamodb": change})


def _reasons(actions: Sequence[Request], outcomes: Sequence[tuple[Any, ...]]) -> Iterator[Mapping[str, Any]]:
    for action, (_, before, _, holds) in zip(actions, outcomes, strict=True):
        shows = before is not None and action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        yield {"Code": "None"} if holds else {"Code": "ConditionalCheckFailed", **({"Item": before} if shows else {})}


def _key(item: Item) -> Key:
    return item["PK"]["S"], item["SK"]["S"]


def _given(request: Request) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})


def _check_placeholders(request: Request) -> None:
    used = placeholders(*(request[name] for name in _EXPRESSIONS if name in request))
    names, values = _given(request)
    _require(used == names.keys() | values.keys())


def _require(is_valid: bool) -> None:
    if not is_valid:
        raise Failure("ValidationException")


_INDEX: Final[Mapping[str, Any]] = table_definition()["GlobalSecondaryIndexes"][0]
INDEX_KEYS: Final[tuple[str, str]] = tuple(key["AttributeName"] for key in _INDEX["KeySchema"])
_PROJECTED: Final = {"PK", "SK", *INDEX_KEYS, *_INDEX["Projection"]["NonKeyAttributes"]}


def _projected(item: Item) -> Item:
    return {name: value for name, value in item.items() if name in _PROJECTED}


def connected_store(table_name: str) -> tuple[DynamoStore, AtomicTable]:
    """Build the adapters on an empty table, which answers before botocore builds a request."""
    with cloud_at(_NOWHERE):
        store, table = DynamoStore(table_name), AtomicTable()
        store.client.meta.events.register("before-call.dynamodb", cast("Any", table.answer))
        return store, table


def wired_store(table_name: str) -> tuple[DynamoStore, AtomicTable]:
    """Build the adapters on an empty table behind botocore's HTTP session, so that faults of HTTP can be injected."""
    with cloud_at(_NOWHERE):
        store, table = DynamoStore(table_name), AtomicTable()
        cast("Any", store.client)._endpoint.http_session = Wire(table)
        return store, table


@dataclass
class Wire:
    """An HTTP session of botocore that sends each request to a table."""

    table: AtomicTable

    def send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer a request, also as a handler of botocore's event `before-send`."""
        operation = cast("bytes", request.headers["X-Amz-Target"]).decode().rpartition(".")[2]
        http, answer = self.table.answer(SimpleNamespace(name=operation), {"body": request.body})
        return http_response(http.status_code, json.dumps(_error_body(answer) if "Error" in answer else answer))


def _error_body(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    error, members = answer["Error"], {name: value for name, value in answer.items() if name != "Error"}
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{error['Code']}", "message": error["Message"], **members}


def http_response(status: int, body: str) -> AWSResponse:
    """Build a response as botocore's HTTP session returns it."""
    return AWSResponse(_NOWHERE, status, HTTPHeaders(), _Raw(body.encode()))


class _Raw(BytesIO):
    """A response body with the interface of urllib3."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()
