"""Several handlers at once, one call at a time, in any order that is asked for; and all the orders there are.

There are no threads. A handler is a function of what its ports answer, so it is taken one call further by starting it
anew: what it was answered before is answered again, one more call is really made, and at the next one it is stopped.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from chalicelib.errors import CoinpurseError, TryAgain
from tests.fakes import FakeClock, uuid7_at
from tests.faults.taps import Call
from tests.faults.town import Town

UNCHANGING: Final = frozenset({"PaymentGateway.read_event", "PaymentGateway.find_purchase_ref"})
"""Calls whose answer nobody can change: it does not matter when they are made, so they are no steps."""

Handler = Callable[[], None]


class _Pause(BaseException):
    """The handler has made its one call: nothing in it can catch this."""


@dataclass
class Actor:
    """A handler, and how far it has come."""

    number: int
    handler: Handler
    is_done: bool = False
    must_come_again: bool = False
    made: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    _replayed: int = 0
    _ids_replayed: int = 0
    _may_call: bool = False

    def step(self) -> None:
        """One call further, and on to the next one."""
        self._replayed, self._ids_replayed, self._may_call = 0, 0, True
        try:
            self.handler()
        except _Pause:
            return
        except TryAgain:
            self.must_come_again = True
        self.is_done = True

    def meet(self, call: Call) -> Any:
        if self._replayed == len(self.made):
            if call.name not in UNCHANGING:
                if not self._may_call:
                    raise _Pause
                self._may_call = False
            self.made.append(_answer_of(call))
        answer = self.made[self._replayed]
        self._replayed += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def new_id(self, now: datetime) -> str:
        """An id that depends on nothing but who asks, and how often: the order of the others does not show in it."""
        if self._ids_replayed == len(self.ids):
            self.ids.append(uuid7_at(now, self.number << 50 | len(self.ids)))
        self._ids_replayed += 1
        return self.ids[self._ids_replayed - 1]


class Stage:
    """A town whose calls are made by whichever actor is on; without one they are simply made."""

    def __init__(self) -> None:
        self.actor: Actor | None = None
        self.town = Town(self._meet)
        self.town.clock = _Clock(self)
        self.actors: list[Actor] = []

    def play(self, handlers: Sequence[Handler], choices: Sequence[int], seen: set[int] | None = None) -> list[int]:
        """Let the handlers run; each choice says which of those that are not done goes on, later ones are the first.

        Args:
            handlers: what runs.
            choices: the order, as far as it is asked for.
            seen: states that were reached before, if nobody needs to see again what comes after them.

        Returns:
            How many there were to choose from, at each step. Shorter than it might be when a state was seen before.
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

    def come_again(self) -> None:
        """Who was not answered asks again, alone."""
        for actor in self.actors:
            if actor.must_come_again:
                actor.handler()

    def happens(self, name: str, deed: Callable[[], Any]) -> Any:
        """Something in the world outside happens, as a step of its own."""
        return self._meet(Call(name, deed, ()))

    @property
    def is_over(self) -> bool:
        """Whether all came to their end."""
        return all(actor.is_done for actor in self.actors)

    def _is_among(self, seen: set[int]) -> bool:
        """Whether this state was reached before: then whatever can come of it has been looked at. Notes it."""
        state = hash(repr((self.town.state(), [(actor.is_done, actor.made) for actor in self.actors])))
        is_known = state in seen
        seen.add(state)
        return is_known

    def _meet(self, call: Call) -> Any:
        return self.actor.meet(call) if self.actor else call.deed()


class _Clock(FakeClock):
    """Gives each actor the same ids whenever it starts anew."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def new_id(self) -> str:
        actor = self._stage.actor
        return actor.new_id(self.at) if actor else super().new_id()


def orders(play: Callable[[Sequence[int]], Sequence[int]]) -> Iterator[list[int]]:
    """All orders, each once: `play` is given choices and answers how many there were to choose from at each step."""
    choices: list[int] = []
    while True:
        widths = play(choices)
        choices += [0] * (len(widths) - len(choices))
        yield list(choices)
        while choices and choices[-1] == widths[len(choices) - 1] - 1:
            choices.pop()
        if not choices:
            return
        choices[-1] += 1


def _answer_of(call: Call) -> Any:
    try:
        return call.deed()
    except CoinpurseError as error:
        return error
