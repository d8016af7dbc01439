"""Ports with a tap in front of every call: whoever holds the tap sees the call, and decides what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from inspect import isfunction
from typing import Any, TypeVar, cast

from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.operators import OperatorLedger

Port = TypeVar("Port")

PROTOCOLS: tuple[type, ...] = (
    Ledger,
    OperatorLedger,
    Journal,
    PaymentGateway,
    Memberships,
    Subscriptions,
    EventPublisher,
    RedriveQueue,
    StreakTimer,
)
"""The ports behind which there is a network. The clock has none."""


@dataclass(frozen=True)
class Call:
    """One call of a port, not made yet. `name` is the port's and the method's: `Ledger.post_gift`."""

    name: str
    deed: Callable[[], Any]
    arguments: tuple[Any, ...]


Meet = Callable[[Call], Any]
"""What stands at a tap: makes the call, or does not, and answers."""


def pass_on(call: Call) -> Any:
    """Nothing happens on the way."""
    return call.deed()


def tapped(port: Port, protocol: type, meet: Meet) -> Port:
    """The port, each method of its protocol behind a tap. It has no others."""
    return cast("Port", _Tap(port, protocol, meet))


@cache
def methods_of(protocol: type) -> frozenset[str]:
    """What a port can be asked, as its protocol says."""
    return frozenset(name for name, value in vars(protocol).items() if isfunction(value) and name[0] != "_")


def all_calls() -> frozenset[str]:
    """The name of every call there is."""
    return frozenset(f"{protocol.__name__}.{name}" for protocol in PROTOCOLS for name in methods_of(protocol))


class _Tap:
    def __init__(self, port: object, protocol: type, meet: Meet) -> None:
        self._port = port
        self._protocol = protocol
        self._meet = meet
        self._methods = methods_of(protocol)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._methods:
            raise AttributeError(f"{self._protocol.__name__} has no {name}")
        method, called = getattr(self._port, name), f"{self._protocol.__name__}.{name}"

        def call(*arguments: Any) -> Any:
            return self._meet(Call(called, partial(method, *arguments), arguments))

        setattr(self, name, call)  # so that it is not looked for again
        return call
