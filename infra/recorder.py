"""Counts of the requests that botocore clients send, and of the capacity units that DynamoDB reports."""

from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

Reply = TypeVar("Reply")

_READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"})


class Events(Protocol):
    """The event hooks of a botocore client."""

    def register(self, event_name: str, handler: Callable[..., None]) -> None:
        """Call the handler at each event of this name."""
        ...


class Meta(Protocol):
    """The metadata of a botocore client."""

    @property
    def events(self) -> Events:
        """The client's event hooks."""
        ...


class Client(Protocol):
    """Any botocore client."""

    @property
    def meta(self) -> Meta:
        """The client's metadata."""
        ...


@dataclass(slots=True)
class Counts:
    """Requests and capacity units."""

    requests: Counter[str] = field(default_factory=Counter)
    """Requests by botocore's service name (`dynamodb`), retries included."""
    write_units: float = 0.0
    """DynamoDB's write units, those of its indexes included."""
    read_units: float = 0.0


class Recorder:
    """Counts the requests of botocore clients. Sets `ReturnConsumedCapacity`, and changes nothing else.

    DynamoDB does not report the capacity of failed requests, so it is not counted.
    """

    def __init__(self) -> None:
        self._counts = Counts()
        self.parameters: Mapping[str, Any] = {}
        """Parameters of the last request to DynamoDB, as the caller passed them."""

    def attach(self, *clients: Client) -> None:
        """Count the requests of these clients too."""
        for client in clients:
            events = client.meta.events
            events.register("provide-client-params.dynamodb.*", self._request_capacity)
            events.register("before-send.*.*", self._count_request)
            events.register("after-call.dynamodb.*", self._count_capacity)

    def record(self, act: Callable[[], Reply]) -> tuple[Reply, Counts]:
        """Call `act`. Returns its result and the counts of its requests."""
        self._counts = Counts()
        reply = act()
        return reply, self._counts

    def _request_capacity(self, params: MutableMapping[str, Any], **_: object) -> None:
        self.parameters = dict(params)
        params["ReturnConsumedCapacity"] = "INDEXES"

    def _count_request(self, event_name: str, **_: object) -> None:
        self._counts.requests[event_name.split(".")[1]] += 1

    def _count_capacity(self, event_name: str, parsed: Mapping[str, Any], **_: object) -> None:
        units = capacity(parsed)
        if event_name.rpartition(".")[2] in _READS:
            self._counts.read_units += units
        else:
            self._counts.write_units += units


def capacity(response: Mapping[str, Any]) -> float:
    """Sum the capacity units that a response of DynamoDB reports, for one table or for each of a transaction."""
    reported = response.get("ConsumedCapacity", ())
    each = [reported] if isinstance(reported, Mapping) else reported
    return float(sum(one["CapacityUnits"] for one in each))
