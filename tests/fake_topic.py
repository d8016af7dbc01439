"""Fakes of the event publisher, the redrive queue and the streak timer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chalicelib.adapters.aws.streak_timer import to_delivery
from chalicelib.domain.entries import EntryRef
from chalicelib.domain.events import Message, Publication
from chalicelib.domain.streaks import Delivery


@dataclass
class FakePublisher:
    """The EventPublisher port. Records what it accepts; ids in `busy` and `refused` fail."""

    published: list[Message] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def publish(self, messages: Sequence[Message]) -> Publication:
        ids = {message.id for message in messages}
        failing = self.busy | self.refused
        self.published += [message for message in messages if message.id not in failing]
        return Publication(busy=frozenset(ids & self.busy), refused=frozenset(ids & self.refused))


@dataclass
class FakeRedriveQueue:
    """The RedriveQueue port."""

    kept: list[EntryRef] = field(default_factory=list)
    budgets: list[str] = field(default_factory=list)
    """The users whose budget was set aside."""

    def set_aside(self, ref: EntryRef) -> None:
        self.kept.append(ref)

    def set_aside_budget(self, user_id: str) -> None:
        self.budgets.append(user_id)


@dataclass
class FakeStreakTimer:
    """The StreakTimer port. Collects the checks that are due; a test delivers them."""

    waiting: list[tuple[str, str, timedelta]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    """The failures of each of the checks in `waiting`."""
    postponed: dict[str, timedelta] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)

    def wake(self, user_id: str, streak_id: str, after: timedelta, failures: int = 0) -> None:
        self.waiting.append((user_id, streak_id, after))
        self.failures.append(failures)

    def deliveries(self, records: Sequence[Mapping[str, Any]]) -> Sequence[Delivery]:
        return [to_delivery(record) for record in records]

    def postpone(self, times_left: Mapping[str, timedelta]) -> None:
        self.postponed |= times_left

    def set_aside(self, delivery: Delivery) -> None:
        self.dead.append(delivery.message)
