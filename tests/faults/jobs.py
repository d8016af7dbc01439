"""The jobs of the proof, the longest first, so that two processes end at about the same time."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from time import monotonic
from typing import Final

from tests.faults import interleavings, work
from tests.faults.failpoints import SCENARIOS, points_of
from tests.faults.planted.bug import Bug
from tests.faults.planting import BUGS
from tests.faults.work import CHUNK, IN_TRIPLES, LIVES_AT_ONCE, Piece

LIVES: Final = 300
BUGS_AT_ONCE: Final = 16
"""Planted bugs of a job, at least: bugs with the same tests stay together, since these run once without a bug."""


@dataclass(frozen=True)
class Job:
    """A piece of work for one process: a function of tests/faults/work.py, and its arguments.

    `seconds` is the expected time on a quiet core. It decides the order, and the first estimate of the whole time.
    """

    run: Callable[..., Piece]
    seconds: float
    arguments: tuple[object, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the function."""
        return self.run.__name__

    def __str__(self) -> str:
        return " ".join(map(str, (self.kind, *self.arguments)))

    def __call__(self) -> Piece:
        """Run the piece without logging, and measure it."""
        logging.disable(logging.CRITICAL)
        began = monotonic()
        piece = self.run(*self.arguments)
        piece.seconds = monotonic() - began
        return piece


def jobs(kills: int) -> list[Job]:
    """Build all jobs, the longest first."""
    return sorted(_jobs(kills), key=lambda job: job.seconds, reverse=True)


def bugs_by_tests(bugs: Iterable[Bug] = BUGS) -> Iterator[list[Bug]]:
    """Divide the planted bugs into jobs."""
    together: list[Bug] = []
    for _, same in groupby(sorted(bugs, key=lambda bug: bug.tests), key=lambda bug: bug.tests):
        together += same
        if len(together) >= BUGS_AT_ONCE:
            yield together
            together = []
    if together:
        yield together


def _jobs(kills: int) -> Iterator[Job]:
    yield Job(work.kill_on_ministack, kills / 8, (kills,))
    yield Job(work.kill_on_dynamodb_local, kills / 30, (kills // 4,))
    for bugs in bugs_by_tests():
        yield Job(work.planted_bugs, 4 * len(bugs), tuple(bug.name for bug in bugs))
    for scenario in SCENARIOS:
        points = points_of(scenario)
        yield Job(work.two_faults, points**2.5 / 800, (scenario.name,))
        yield Job(work.one_fault, points / 20, (scenario.name,))
    for rest, name in enumerate(reversed(IN_TRIPLES), start=1):
        yield Job(work.three_handlers, rest**2 / 8, (name,))
    yield from (Job(work.two_handlers, 2, (name,)) for name in interleavings.HANDLERS)
    yield from (Job(work.eight_handlers, 3, (start,)) for start in range(0, 12 * CHUNK, CHUNK))
    yield from (Job(work.lossy_delivery, 3, (start,)) for start in range(0, 8 * CHUNK, CHUNK))
    yield from (Job(work.random_lives, 25, (start,)) for start in range(0, LIVES, LIVES_AT_ONCE))
    yield Job(work.any_order, 120)
    yield Job(work.seven_events, 60)
    yield Job(work.large_amounts, 60)
    yield Job(work.relay_faults, 20)
    yield Job(work.memberships, 20)
    yield Job(work.reviews, 40)
    yield Job(work.many_gifts_swept, 60)
    yield Job(work.forgeries, 20)
