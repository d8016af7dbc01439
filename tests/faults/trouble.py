"""Faults of a call: each of them is injected at each call of each use case."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

from chalicelib.domain.events import Publication
from chalicelib.errors import CoinpurseError, TryAgain
from tests.faults.taps import Call


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

Plan = Mapping[int, Fault]
"""The call, counted from the first counted one, and its fault."""


class Killed(BaseException):
    """The death of the process. A BaseException, so that no handler catches it."""


class Trouble:
    """The callback of all intercepted ports: it counts the calls, and injects the planned faults.

    Counting starts at `begin`. `calls` are the names of the counted calls, `met` the injected faults,
    `strikes` the number of calls they hit.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.calls: list[str] = []
        self.met: dict[int, str] = {}
        self.strikes = 0
        self._is_on = False
        self._throttled = 0
        self._in_flight: list[Callable[[], Any]] = []

    def begin(self) -> None:
        self._is_on = True

    def land(self) -> None:
        """Make the delayed calls."""
        while self._in_flight:
            with suppress(CoinpurseError):
                self._in_flight.pop(0)()

    def __call__(self, call: Call) -> Any:
        if not self._is_on:
            return call.deed()
        number = len(self.calls)
        self.calls.append(call.name)
        fault = self.plan.get(number)
        if not (fault or self._throttled or self._in_flight):
            return call.deed()
        late = list(self._in_flight)
        try:
            if fault:
                self.met[number] = call.name
                self.strikes += 1
                return self._strike(fault, call)
            if self._throttled:
                self._throttled -= 1
                self.strikes += 1
                return fails(call)
            return call.deed()
        finally:
            # A call that timed out takes effect after the next call.
            for deed in late:
                self._in_flight.remove(deed)
                with suppress(CoinpurseError):
                    deed()

    def _strike(self, fault: Fault, call: Call) -> Any:
        if fault in {Fault.AFTER, Fault.TWICE, Fault.DIES_AFTER}:
            call.deed()
        if fault is Fault.TWICE:
            return call.deed()
        if fault in {Fault.DIES_BEFORE, Fault.DIES_AFTER}:
            raise Killed
        if fault is Fault.LATE:
            self._in_flight.append(call.deed)
        if fault is Fault.THROTTLE:
            self._throttled = 2
        if fault is Fault.CONFLICT and call.name == "EventPublisher.publish":
            return _half(call)
        return fails(call)


def fails(call: Call) -> Publication:
    """Raise the error that the caller sees. The publisher never raises: it returns the rejected messages."""
    if call.name != "EventPublisher.publish":
        raise TryAgain("Injected.")
    return Publication(busy=frozenset(announcement.id for announcement in call.arguments[0]))


def _half(call: Call) -> Publication:
    """Accept every other message, as PublishBatch may."""
    announcements = call.arguments[0]
    call.deed.func(announcements[::2])  # type: ignore[attr-defined]  # a partial, and its method takes others, too
    return Publication(busy=frozenset(announcement.id for announcement in announcements[1::2]))
