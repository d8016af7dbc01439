"""Simulated queue of streak checks on the simulated clock: a message stays until a handler acknowledges it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.streaks import Delivery, ScheduledCheck

VISIBILITY: Final = timedelta(minutes=6)
UNREADABLE: Final = "{"
MAX_RECEIVE_COUNT: Final = 1000
"""A message that was delivered as often goes to the dead letters, as the template says."""


@dataclass
class QueuedCheck:
    """A message in the queue. Two requests for one streak are two messages, even at the same time."""

    due: datetime
    sent_at: datetime
    number: int
    check: ScheduledCheck | None
    received: int = 0


@dataclass
class SimulatedStreakTimer:
    """The StreakTimer port. Each request adds a message, so a retry after a lost response leads to two.

    `pending` are the messages that no handler has acknowledged, `dead` those set aside.
    """

    now: Callable[[], datetime]
    pending: list[QueuedCheck] = field(default_factory=list)
    requested: int = 0
    dead: list[str] = field(default_factory=list)

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        self.add(ScheduledCheck(user_id=user_id, streak_id=streak_id, failures=failures), after)

    def deliveries(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Delivery]:
        raise NotImplementedError("`receive` delivers decoded messages")

    def postpone(self, times_left: Mapping[str, timedelta]) -> None:
        for message in self.pending:
            if (left := times_left.get(_receipt(message))) is not None:
                message.due = self.now() + left

    def set_aside(self, delivery: Delivery) -> None:
        self.dead.append(delivery.message)

    def add(self, check: ScheduledCheck | None, after: timedelta) -> None:
        """Send a message; None is unreadable."""
        self.requested += 1
        self.pending.append(QueuedCheck(self.now() + after, self.now(), self.requested, check))

    def receive(self) -> list[Delivery]:
        """Deliver the messages that are due, which hides them from other receivers."""
        worn = [message for message in self.pending if message.received >= MAX_RECEIVE_COUNT]
        self.dead += [f"message {message.number}" for message in worn]
        self.pending = [message for message in self.pending if message not in worn]
        due = [message for message in self.pending if message.due <= self.now()]
        for message in due:
            message.received += 1
            message.due = self.now() + VISIBILITY
        return [
            Delivery(
                message_id=str(message.number),
                receipt=_receipt(message),
                message=f"message {message.number}" if message.check else UNREADABLE,
                check=message.check,
                received=message.received,
                sent_at=message.sent_at,
            )
            for message in due
        ]

    def deliver(self, handle: Callable[[Sequence[Delivery]], Collection[str]]) -> None:
        """Deliver what is due and delete the messages whose ids the handler does not return."""
        if due := self.receive():
            done = {delivery.message_id for delivery in due} - set(handle(due))
            self.pending = [message for message in self.pending if str(message.number) not in done]


def _receipt(message: QueuedCheck) -> str:
    return f"{message.number}-{message.received}"
