"""Faults of a call: each of them is injected at each call of each use case."""

from collections.abc import Callable, Mapping, Sequence
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

_READ_VERBS: Final = ("find_", "has_", "list_", "read_")
_READS: Final = frozenset(
    {"last_looks", "not_relayed", "present_session"},
)
_WORKERS_OWN: Final = (
    "Journal.",
    "Looks.",
    "OperatorLedger.list_",
    "PaymentGateway.list_events",
    "Totals.",
    "WorkPositions.",
)
_REPEATABLE: Final = frozenset(
    {
        "Ledger.mark_gift_published",
        "Ledger.mark_published",
        "Ledger.mark_run_published",
        "Ledger.may_publish_again",
        "Ledger.receive_gifts",
        "Looks.note_look",
        "PaymentGateway.open_session",
        "WorkPositions.move",
        "WorkPositions.release",
        "WorkPositions.take",
        "WorkPositions.unpark",
    }
)


def is_workers_own(name: str) -> bool:
    """Return True for a call by which a worker finds its work, or keeps what it has done."""
    return name.startswith(_WORKERS_OWN)


def is_read(name: str) -> bool:
    """Return True for a call without an effect, such as `Ledger.find_entry`."""
    method = name.partition(".")[2]
    return method in _READS or method.startswith(_READ_VERBS)


def is_repeatable(name: str) -> bool:
    """Return True for a call that has no further effect when it is repeated, and the same response."""
    return name in _REPEATABLE or is_read(name)


def paired_faults(name: str) -> Sequence[Fault]:
    """Return the paired faults of a call that lead to different runs.

    A read fails in one way: its answer is lost or comes late without an effect. A repeatable call that is sent twice
    is not distinguishable from one sent once.
    """
    if is_read(name):
        return (Fault.BEFORE,)
    return tuple(fault for fault in PAIRED if fault is not Fault.TWICE or not is_repeatable(name))


Faults = Mapping[int, Fault]
"""The call, counted from the first counted one, and its fault."""


class Killed(BaseException):
    """The death of the process. A BaseException, so that no handler catches it."""


class FaultPlan:
    """The callback of all intercepted ports: it counts the calls, and injects the planned faults.

    Counting starts at `start`. `calls` are the names of the counted calls, `hit` the injected faults,
    `injected` the number of calls they hit.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self._is_on = False
        self._plan(faults or {})

    def start(self, faults: Faults) -> None:
        self._is_on = True
        self._plan(faults)

    def _plan(self, faults: Faults) -> None:
        self.faults = faults
        self.calls: list[str] = []
        self.hit: dict[int, str] = {}
        self.injected = 0
        self._throttled = 0
        self._in_flight: list[Callable[[], Any]] = []

    @property
    def is_between(self) -> bool:
        """Return True if a later one of several faults is not injected yet."""
        return 1 < len(self.faults) > len(self.hit)

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
