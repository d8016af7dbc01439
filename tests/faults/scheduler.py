"""Cooperative scheduler: several handlers, one call at a time, in a chosen order or in all orders.

There are no threads. A handler is a deterministic function of the responses of its ports. To advance it by one call,
the scheduler restarts it, replays the recorded responses, makes one new call, and stops it at the next one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from chalicelib.errors import CoinpurseError, TryAgain
from tests.fakes import FakeClock, uuid7_at
from tests.faults.intercepted_ports import Call
from tests.faults.simulated_system import SimulatedSystem
from tests.faults.snapshots import Snapshot

UNCHANGING: Final = frozenset({"PaymentGateway.read_event", "PaymentGateway.find_purchase_ref"})
"""Calls with a constant response: their order does not matter, so they are no steps."""

Handler = Callable[[], object]


class _Pause(BaseException):
    """The stop after a handler's one call. A BaseException, so that no handler catches it."""


@dataclass
class Actor:
    """A handler and its recorded responses."""

    number: int
    handler: Handler
    is_done: bool = False
    must_retry: bool = False
    responses: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    _replayed: int = 0
    _ids_replayed: int = 0
    _may_call: bool = False

    @property
    def is_new(self) -> bool:
        """Return True before the first step."""
        return not (self.is_done or self.responses)

    def step(self) -> None:
        """Make one more call, and stop at the next one."""
        self._replayed, self._ids_replayed, self._may_call = 0, 0, True
        try:
            self.handler()
        except _Pause:
            return
        except TryAgain:
            self.must_retry = True
        self.is_done = True

    def intercept(self, call: Call) -> Any:
        if self._replayed == len(self.responses):
            if call.name not in UNCHANGING:
                if not self._may_call:
                    raise _Pause
                self._may_call = False
            self.responses.append(_response_of(call))
        response = self.responses[self._replayed]
        self._replayed += 1
        if isinstance(response, Exception):
            raise response
        return response

    def new_id(self, now: datetime) -> str:
        """Derive an id from the actor and its own count, independent of the other handlers."""
        if self._ids_replayed == len(self.ids):
            self.ids.append(uuid7_at(now, self.number << 50 | len(self.ids)))
        self._ids_replayed += 1
        return self.ids[self._ids_replayed - 1]


class Scheduler:
    """A simulated system whose calls belong to the active actor. Without one they are made directly."""

    def __init__(self) -> None:
        self.actor: Actor | None = None
        self.system = SimulatedSystem(self._intercept)
        self.system.clock = _Clock(self)
        self.actors: list[Actor] = []
        self.error: Exception | None = None

    def run(self, handlers: Sequence[Handler], choices: Sequence[int]) -> list[int]:
        """Run the handlers; each choice selects the one to continue, and after the last choice the first.

        Returns the number of handlers to choose from at each step.
        """
        self._begin(handlers)
        widths: list[int] = []
        while ready := self._ready():
            place = len(widths)
            widths.append(len(ready))
            self._step(ready[choices[place] % len(ready) if place < len(choices) else 0])
        return widths

    def all_orders(self, handlers: Sequence[Handler]) -> Iterator[list[int]]:
        """Run the handlers in all orders of their calls. A state reached by two orders is continued only once.

        Yields the choices of each order that has ended, or has reached a known state, in the state that it left. What
        is done to the system then is undone before the next order.
        """
        self._begin(handlers)
        return self._continued([], set())

    def _continued(self, choices: list[int], seen: set[int]) -> Iterator[list[int]]:
        ready = self._ready()
        if not ready or self._is_among(seen):
            yield choices
            return
        snapshot = Snapshot(self)
        for choice, actor in enumerate(ready):
            if choice:
                snapshot.restore()
            self._step(actor)
            yield from self._continued([*choices, choice], seen)

    def _begin(self, handlers: Sequence[Handler]) -> None:
        self.error = None
        self.actors = [Actor(number, handler) for number, handler in enumerate(handlers, start=1)]

    def _ready(self) -> list[Actor]:
        """Return the actors that can continue. Those with the same handler begin in their order."""
        new: list[Handler] = []
        ready: list[Actor] = []
        for actor in self.actors:
            if not (actor.is_done or (actor.is_new and actor.handler in new)):
                ready.append(actor)
            if actor.is_new:
                new.append(actor.handler)
        return ready

    def _step(self, actor: Actor) -> None:
        self.actor = actor
        try:
            actor.step()
        except Exception as error:  # noqa: BLE001  # any exception that escapes is a finding
            actor.is_done, self.error = True, error
        finally:
            self.actor = None

    def retry(self) -> None:
        """Retry, alone, each handler that ended in TryAgain. Raises what another one has raised."""
        if self.error:
            raise self.error
        for actor in self.actors:
            if actor.must_retry:
                actor.handler()

    def external_step(self, name: str, invoke: Callable[[], Any]) -> Any:
        """Make an external change as a step of its own."""
        return self._intercept(Call(name, invoke, ()))

    @property
    def is_over(self) -> bool:
        """Return True if all handlers finished."""
        return all(actor.is_done for actor in self.actors)

    def is_new_end(self, ends: set[int]) -> bool:
        """Return True if all handlers finished, in a state in which none of the earlier ends was."""
        if self.error or not self.is_over:
            return self.is_over
        system = self.system
        return not _is_known((system.state(), system.responses, [actor.must_retry for actor in self.actors]), ends)

    def _is_among(self, seen: set[int]) -> bool:
        """Return True if this state was reached before, and record it."""
        return _is_known((self.system.state(), [(actor.is_done, actor.responses) for actor in self.actors]), seen)

    def _intercept(self, call: Call) -> Any:
        return self.actor.intercept(call) if self.actor else call.invoke()


class _Clock(FakeClock):
    """Issue the same ids to each actor at every restart."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def new_id(self) -> str:
        actor = self._scheduler.actor
        return actor.new_id(self.at) if actor else super().new_id()


def _is_known(state: object, seen: set[int]) -> bool:
    name = hash(repr(state))
    is_known = name in seen
    seen.add(name)
    return is_known


def _response_of(call: Call) -> Any:
    try:
        return call.invoke()
    except CoinpurseError as error:
        return error
