"""What a program asks of AWS: requests as they leave, and the capacity that DynamoDB says they took."""

from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

Reply = TypeVar("Reply")

_READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"})


class Events(Protocol):
    """The hooks of a botocore client, as far as they are used here."""

    def register(self, event_name: str, handler: Callable[..., None]) -> None:
        """Have the handler called whenever the event happens."""
        ...


class Meta(Protocol):
    """What a botocore client tells of itself."""

    @property
    def events(self) -> Events:
        """Its hooks."""
        ...


class Client(Protocol):
    """Any botocore client."""

    @property
    def meta(self) -> Meta:
        """What it tells of itself."""
        ...


@dataclass(slots=True)
class Tally:
    """What was asked of AWS."""

    requests: Counter[str] = field(default_factory=Counter)
    """By service, as botocore names it (`dynamodb`); each retry is one more."""
    write_units: float = 0.0
    """Of DynamoDB, those of its indexes included."""
    read_units: float = 0.0


class Recorder:
    """Listens to botocore clients. Has DynamoDB report the capacity of each request, and changes nothing else.

    Capacity that a refused request takes is not reported by DynamoDB, and so is not counted.
    """

    def __init__(self) -> None:
        self._tally = Tally()
        self.parameters: Mapping[str, Any] = {}
        """Of the last request to DynamoDB, as its caller gave them."""

    def attach(self, *clients: Client) -> None:
        """Listen to these, too."""
        for client in clients:
            events = client.meta.events
            events.register("provide-client-params.dynamodb.*", self._ask_for_capacity)
            events.register("before-send.*.*", self._sent)
            events.register("after-call.dynamodb.*", self._answered)

    def during(self, act: Callable[[], Reply]) -> tuple[Reply, Tally]:
        """Run something; what it returns, and what it asked for."""
        self._tally = Tally()
        reply = act()
        return reply, self._tally

    def _ask_for_capacity(self, params: MutableMapping[str, Any], **_: object) -> None:
        self.parameters = dict(params)
        params["ReturnConsumedCapacity"] = "INDEXES"

    def _sent(self, event_name: str, **_: object) -> None:
        self._tally.requests[event_name.split(".")[1]] += 1

    def _answered(self, event_name: str, parsed: Mapping[str, Any], **_: object) -> None:
        units = capacity(parsed)
        if event_name.rpartition(".")[2] in _READS:
            self._tally.read_units += units
        else:
            self._tally.write_units += units


def capacity(answer: Mapping[str, Any]) -> float:
    """The units that an answer of DynamoDB reports: one table's, or those of each table of a transaction."""
    reported = answer.get("ConsumedCapacity", ())
    each = [reported] if isinstance(reported, Mapping) else reported
    return float(sum(one["CapacityUnits"] for one in each))
