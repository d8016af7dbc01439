"""Faults of a call: each of them is injected at each call of each use case."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

from chalicelib.domain.events import Publication
from chalicelib.errors import CoinpurseError, TryAgain
from tests.faults.intercepted_ports import Call


class Fault(StrEnum):
    """The fault of one call."""

    BEFORE = "fails before"
    AFTER = "done, answer lost"
    TWICE = "sent twice"
    CONFLICT = "conflict"
    THROTTLE = "throttled, and the next two"
    LATE = "timed out, done later"
    DIES_BEFORE = "process dies before"
    DIES_AFTER = "process dies after"


PAIRED: Final = (Fault.BEFORE, Fault.AFTER, Fault.TWICE, Fault.LATE)
"""The faults used in pairs: the effects of the others are covered by these."""

UNPAIRED: Final = tuple(fault for fault in Fault if fault not in PAIRED)

Faults = Mapping[int, Fault]
"""The call, counted from the first counted one, and its fault."""


class Killed(BaseException):
    """The death of the process. A BaseException, so that no handler catches it."""


class FaultPlan:
    """The callback of all intercepted ports: it counts the calls, and injects the planned faults.

    Counting starts at `start`. `calls` are the names of the counted calls, `hit` the injected faults,
    `injected` the number of calls they hit.
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.calls: list[str] = []
        self.hit: dict[int, str] = {}
        self.injected = 0
        self._is_on = False
        self._throttled = 0
        self._in_flight: list[Callable[[], Any]] = []

    def start(self) -> None:
        self._is_on = True

    def finish_delayed(self) -> None:
        """Make the delayed calls."""
        while self._in_flight:
            with suppress(CoinpurseError):
                self._in_flight.pop(0)()

    def __call__(self, call: Call) -> Any:
        if not self._is_on:
            return call.invoke()
        number = len(self.calls)
        self.calls.append(call.name)
        fault = self.faults.get(number)
        if not (fault or self._throttled or self._in_flight):
            return call.invoke()
        late = list(self._in_flight)
        try:
            if fault:
                self.hit[number] = call.name
                self.injected += 1
                return self._inject(fault, call)
            if self._throttled:
                self._throttled -= 1
                self.injected += 1
                return fails(call)
            return call.invoke()
        finally:
            # A call that timed out takes effect after the next call.
            for invoke in late:
                self._in_flight.remove(invoke)
                with suppress(CoinpurseError):
                    invoke()

    def _inject(self, fault: Fault, call: Call) -> Any:
        if fault in {Fault.AFTER, Fault.TWICE, Fault.DIES_AFTER}:
            call.invoke()
        if fault is Fault.TWICE:
            return call.invoke()
        if fault in {Fault.DIES_BEFORE, Fault.DIES_AFTER}:
            raise Killed
        if fault is Fault.LATE:
            self._in_flight.append(call.invoke)
        if fault is Fault.THROTTLE:
            self._throttled = 2
        if fault is Fault.CONFLICT and call.name == "EventPublisher.publish":
            return _half(call)
        return fails(call)


def fails(call: Call) -> Publication:
    """Raise the error that the caller sees. The publisher never raises: it returns the rejected messages."""
    if call.name != "EventPublisher.publish":
        raise TryAgain("Injected.")
    return Publication(busy=frozenset(message.id for message in call.arguments[0]))


def _half(call: Call) -> Publication:
    """Accept every other message, as PublishBatch may."""
    messages = call.arguments[0]
    call.invoke.func(messages[::2])  # type: ignore[attr-defined]  # a partial, and its method takes others, too
    return Publication(busy=frozenset(message.id for message in messages[1::2]))
