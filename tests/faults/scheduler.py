"""Cooperative scheduler: several handlers, one call at a time, in a chosen order or in all orders.

There are no threads. A handler is a deterministic function of the responses of its ports. To advance it by one call,
the scheduler restarts it, replays the recorded responses, makes one new call, and stops it at the next one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from chalicelib.errors import CoinpurseError, TryAgain
from tests.fakes import FakeClock, uuid7_at
from tests.faults.intercepted_ports import Call
from tests.faults.simulated_system import SimulatedSystem

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

    def run(self, handlers: Sequence[Handler], choices: Sequence[int], seen: set[int] | None = None) -> list[int]:
        """Run the handlers; each choice selects the unfinished one to continue, and after the last choice the first.

        Args:
            handlers: the handlers.
            choices: the order, as far as it is fixed.
            seen: states reached before, whose continuation is skipped.

        Returns:
            The number of unfinished handlers at each step. Shorter when a state was seen before.
        """
        self.actors = [Actor(number, handler) for number, handler in enumerate(handlers, start=1)]
        widths: list[int] = []
        for place in count():
            ready = [actor for actor in self.actors if not actor.is_done]
            if not ready or (seen is not None and place >= len(choices) and self._is_among(seen)):
                return widths
            widths.append(len(ready))
            self.actor = ready[choices[place] % len(ready) if place < len(choices) else 0]
            try:
                self.actor.step()
            finally:
                self.actor = None
        raise AssertionError("counting never ends")

    def retry(self) -> None:
        """Retry, alone, each handler that ended in TryAgain."""
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

    def _is_among(self, seen: set[int]) -> bool:
        """Return True if this state was reached before, and record it."""
        state = hash(repr((self.system.state(), [(actor.is_done, actor.responses) for actor in self.actors])))
        is_known = state in seen
        seen.add(state)
        return is_known

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


def orders(run: Callable[[Sequence[int]], Sequence[int]]) -> Iterator[list[int]]:
    """Generate all orders, each once: `run` takes choices and returns the number of options at each step."""
    choices: list[int] = []
    while True:
        widths = run(choices)
        choices += [0] * (len(widths) - len(choices))
        yield list(choices)
        while choices and choices[-1] == widths[len(choices) - 1] - 1:
            choices.pop()
        if not choices:
            return
        choices[-1] += 1


def _response_of(call: Call) -> Any:
    try:
        return call.invoke()
    except CoinpurseError as error:
        return error
