"""One way of working for all background workers: a lease, a position, a deadline, and failures set aside."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.work import (
    LEASE_MARGIN,
    LIMIT,
    PAUSES,
    RUN_TIME,
    Lease,
    LeaseLost,
    ParkedItem,
    Part,
    park_again,
    park_item,
    postpone_item,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.work import WorkPositions

log = logging.getLogger(__name__)


class WorkServices(Protocol):
    """Services that a background worker needs to keep its position."""

    @property
    def positions(self) -> WorkPositions: ...

    @property
    def clock(self) -> Clock: ...


class Turn(Protocol):
    """One run on one part, from its position until its deadline.

    `parked` counts the items set aside in this run, `undecided` those that it could not judge. `at` is the position,
    None if no run has stored one.
    """

    parked: int
    undecided: int

    @property
    def at(self) -> str | None: ...

    def is_over(self) -> bool:
        """Return True after the deadline, when no new batch may begin."""

    def move(self, to: str) -> None:
        """Store the position, after each batch.

        Raises:
            LeaseLost: another run has the part.
        """

    def park(self, item_id: str, reason: str) -> None:
        """Set an item aside, to be tried again after a pause."""

    def park_again(self, item: ParkedItem, reason: str) -> None:
        """Set a due item aside again, for longer."""

    def postpone(self, item: ParkedItem) -> None:
        """Set a due item aside for the same pause again, as its failure says nothing about it."""

    def due(self) -> Sequence[ParkedItem]:
        """Return the items set aside that are due, a hundred at most. A worker tries them before its walk."""

    def has_parked(self, item_id: str) -> bool:
        """Return True if the item is set aside, due or not."""

    def finish(self, item: ParkedItem) -> None:
        """Forget an item that was handled."""

    def carry_over(self, items: int = 1) -> None:
        """Count items that could not be judged and stay for a later run."""


class _Turn:
    def __init__(self, lease: Lease, services: WorkServices, deadline: datetime, pauses: Sequence[timedelta]) -> None:
        self.lease = lease
        self.services = services
        self.deadline = deadline
        self.pauses = pauses
        self.parked = 0
        self.undecided = 0

    @property
    def at(self) -> str | None:
        return self.lease.at

    def is_over(self) -> bool:
        return self.services.clock.now() >= self.deadline

    def move(self, to: str) -> None:
        lease = self.services.positions.move(self.lease, to)
        if lease is None:
            raise LeaseLost
        self.lease = lease

    def park(self, item_id: str, reason: str) -> None:
        self._park(park_item(item_id, reason, self.services.clock.now(), self.pauses))

    def park_again(self, item: ParkedItem, reason: str) -> None:
        self._park(park_again(item, reason, self.services.clock.now(), self.pauses))

    def postpone(self, item: ParkedItem) -> None:
        self._park(postpone_item(item, self.services.clock.now(), self.pauses))

    def due(self) -> Sequence[ParkedItem]:
        return self.services.positions.list_due(self.lease.part, self.services.clock.now(), LIMIT)

    def has_parked(self, item_id: str) -> bool:
        return self.services.positions.has_parked(self.lease.part, item_id)

    def finish(self, item: ParkedItem) -> None:
        self.services.positions.unpark(self.lease.part, item.item_id, self.services.clock.now())

    def carry_over(self, items: int = 1) -> None:
        self.undecided += items

    def release(self) -> None:
        self.services.positions.release(self.lease)

    def _park(self, item: ParkedItem) -> None:
        self.services.positions.park(self.lease.part, item)
        self.parked += 1
        fields = {
            "worker": self.lease.part.worker,
            "part": self.lease.part.name,
            "item_id": item.item_id,
            "tries": item.tries,
        }
        log.warning("item_parked", extra={**fields, "reason": item.reason})


def deadline_of(services: WorkServices) -> datetime:
    """Return the deadline of a run that begins now."""
    return services.clock.now() + RUN_TIME


def work_on(
    part: Part,
    step: Callable[[Turn], None],
    services: WorkServices,
    *,
    deadline: datetime,
    pauses: Sequence[timedelta] = PAUSES,
) -> Turn | None:
    """Run a step that works on a part, unless another run has it.

    The step moves the position after each batch and returns at the deadline. A lost lease ends it without an error.

    Returns:
        The turn, for its counts. None while another run has the part.
    """
    now = services.clock.now()
    lease = services.positions.take(part, services.clock.new_id(), now, deadline + LEASE_MARGIN)
    if lease is None:
        return None
    turn = _Turn(lease, services, deadline, pauses)
    try:
        step(turn)
    except LeaseLost:
        log.warning("lease_lost", extra={"worker": part.worker, "part": part.name})
    finally:
        turn.release()
    return turn
