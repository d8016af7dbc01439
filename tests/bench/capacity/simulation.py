"""Virtual time. Tasks sleep in it; one runs at a time, always the one that is due first, so each run is the same."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from tests.fakes import START, uuid7_at

Item = TypeVar("Item")
Handled = TypeVar("Handled")


@dataclass
class Processor:
    """The CPU of one function. Its threads compute one after the other, as Python's do.

    `share`: the part of a core that it has. `busy`: the seconds that it computed.
    """

    share: float = 1.0
    free_at: float = 0.0
    busy: float = 0.0

    def take(self, now: float, seconds: float) -> float:
        """Reserve the next time that is free. Returns the seconds until it is over."""
        needed = seconds / self.share
        self.free_at = max(self.free_at, now) + needed
        self.busy += needed
        return self.free_at - now


@dataclass(eq=False)
class Task:
    """A call that runs in virtual time, on the processor of its function."""

    call: Callable[[], Any]
    processor: Processor
    fiber: Any = None
    is_over: bool = False
    result: Any = None
    error: BaseException | None = None
    waiting: list["Task"] = field(default_factory=list)


class Simulation:
    """Virtual time, and the tasks in it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._due: list[tuple[float, int, Task]] = []
        self._numbers = count()
        self._hub: Any = getcurrent()
        self._current: Task | None = None
        self._outside = Processor()

    @property
    def processor(self) -> Processor:
        """The processor of the function that runs."""
        return self._current.processor if self._current else self._outside

    def start(self, call: Callable[[], Any], processor: Processor | None = None, after: float = 0.0) -> Task:
        """Start a call as a task, by default on the processor of the one that runs."""
        task = Task(call, processor or self.processor)
        task.fiber = greenlet(lambda: self._perform(task), self._hub)  # to which it returns
        self._schedule(task, after)
        return task

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the task that runs. Without one, for everything."""
        if self._current is None:
            self.seconds += seconds
            return
        self._schedule(self._current, seconds)
        self._hub.switch()

    def compute(self, seconds: float) -> None:
        """Use the function's CPU, after its threads that asked before."""
        self.sleep(self.processor.take(self.seconds, seconds))

    def join(self, tasks: Sequence[Task]) -> None:
        """Wait until the tasks are over."""
        for task in tasks:
            if task.is_over:
                continue
            if self._current is None:
                self.run()
            else:
                task.waiting.append(self._current)
                self._hub.switch()

    def run(self, until: float = float("inf")) -> None:
        """Run the tasks that are due before `until`, in order.

        Raises:
            BaseException: of the first task that failed and that no other one waits for.
        """
        self._hub = getcurrent()
        while self._due and self._due[0][0] <= until:
            self.seconds, _, task = heapq.heappop(self._due)
            self._current = task
            task.fiber.switch()
            self._current = None
            if task.is_over and task.error and not task.waiting:
                raise task.error
            for waiting in task.waiting if task.is_over else ():
                self._schedule(waiting, 0.0)
        if until != float("inf"):
            self.seconds = max(self.seconds, until)

    def _schedule(self, task: Task, after: float) -> None:
        heapq.heappush(self._due, (self.seconds + after, next(self._numbers), task))

    def _perform(self, task: Task) -> None:
        try:
            task.result = task.call()
        except BaseException as error:  # noqa: BLE001  # raised by `run`
            task.error = error
        task.is_over = True


class VirtualClock:
    """The Clock port in virtual time. Ids are the same in each run."""

    def __init__(self, simulation: Simulation, start: datetime = START) -> None:
        self._simulation, self._start, self._ids = simulation, start, count(1)

    def now(self) -> datetime:
        milliseconds = int(self._simulation.seconds * 1_000)
        return self._start + timedelta(milliseconds=milliseconds)

    def wait_until(self, at: datetime) -> None:
        self._simulation.sleep(max(0.0, (at - self.now()).total_seconds()))

    def new_id(self) -> str:
        return uuid7_at(self.now(), next(self._ids))


class VirtualThreads:
    """The Threads port in virtual time: `threads` calls of a function at the same time."""

    def __init__(self, simulation: Simulation, threads: int) -> None:
        self._simulation, self._threads = simulation, threads

    def map(self, handle: Callable[[Item], Handled], items: Sequence[Item]) -> Sequence[Handled]:
        if len(items) <= 1:
            return [handle(item) for item in items]
        results: dict[int, Handled] = {}
        errors: dict[int, BaseException] = {}
        left = iter(list(enumerate(items)))

        def work() -> None:
            for place, item in left:
                try:
                    results[place] = handle(item)
                except Exception as error:  # noqa: BLE001  # raised below, after all have ended
                    errors[place] = error

        self._simulation.join([self._simulation.start(work) for _ in range(min(self._threads, len(items)))])
        for place in sorted(errors):
            raise errors[place]
        return [results[place] for place in range(len(items))]
