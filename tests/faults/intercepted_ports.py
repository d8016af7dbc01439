"""Intercepted ports: a callback sees every call before it is made, and may fail it."""

from collections.abc import Callable
from functools import cache, partial
from inspect import isfunction
from typing import Any, TypeVar, cast

from msgspec import Struct

from chalicelib.ports.billing import PaymentGateway, Subscriptions
from chalicelib.ports.events import EventPublisher, RedriveQueue, StreakTimer
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.looks import Looks
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.operators import OperatorLedger
from chalicelib.ports.totals import Totals
from chalicelib.ports.work import WorkPositions

Port = TypeVar("Port")

PROTOCOLS: tuple[type, ...] = (
    Ledger,
    OperatorLedger,
    Journal,
    WorkPositions,
    Looks,
    PaymentGateway,
    Memberships,
    Subscriptions,
    EventPublisher,
    RedriveQueue,
    StreakTimer,
    Totals,
    WorkPositions,
)
"""The ports with a network behind them. The clock has none."""


class Call(Struct, frozen=True):
    """One call of a port, not made yet. `name` is the port's and the method's: `Ledger.post_gift`."""

    name: str
    invoke: Callable[[], Any]
    arguments: tuple[Any, ...]


Interceptor = Callable[[Call], Any]
"""A callback that makes the call, or does not, and returns or raises."""


def pass_through(call: Call) -> Any:
    """Make the call unchanged."""
    return call.invoke()


def intercepted(port: Port, protocol: type, intercept: Interceptor) -> Port:
    """Return the port with each method of its protocol intercepted. It has no other attributes."""
    return cast("Port", InterceptedPort(port, protocol, intercept))


@cache
def methods_of(protocol: type) -> frozenset[str]:
    """List the methods of a port's protocol, also those of the protocols that it extends."""
    ports = [base for base in protocol.__mro__ if base.__module__.startswith("chalicelib.ports")]
    return frozenset(
        name for base in ports for name, value in vars(base).items() if isfunction(value) and name[0] != "_"
    )


def all_calls() -> frozenset[str]:
    """List the names of all calls."""
    return frozenset(f"{protocol.__name__}.{name}" for protocol in PROTOCOLS for name in methods_of(protocol))


class InterceptedPort:
    """A port whose calls go to the interceptor. It has no state."""

    def __init__(self, port: object, protocol: type, intercept: Interceptor) -> None:
        self._port = port
        self._protocol = protocol
        self._intercept = intercept
        self._methods = methods_of(protocol)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._methods:
            raise AttributeError(f"{self._protocol.__name__} has no {name}")
        method, called = getattr(self._port, name), f"{self._protocol.__name__}.{name}"

        def call(*arguments: Any) -> Any:
            return self._intercept(Call(called, partial(method, *arguments), arguments))

        setattr(self, name, call)  # cached, so that `__getattr__` runs once per method
        return call
