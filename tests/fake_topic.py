"""Stand-ins for the topic and the queues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.adapters.aws.streak_timer import parse
from chalicelib.domain.events import Announcement, Publication


@dataclass
class FakePublisher:
    """The EventPublisher port: keeps what it accepts; does not accept what it is told not to."""

    published: list[Announcement] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def publish(self, announcements: Sequence[Announcement]) -> Publication:
        asked = {announcement.id for announcement in announcements}
        turned_away = self.busy | self.refused
        self.published += [announcement for announcement in announcements if announcement.id not in turned_away]
        return Publication(busy=frozenset(asked & self.busy), refused=frozenset(asked & self.refused))


@dataclass
class FakeRedriveQueue:
    """The RedriveQueue port."""

    kept: list[Mapping[str, str]] = field(default_factory=list)

    def set_aside(self, keys: Mapping[str, str]) -> None:
        self.kept.append(keys)


@dataclass
class FakeStreakTimer:
    """The StreakTimer port: keeps what it is told, until somebody lets the time pass."""

    waiting: list[tuple[str, str, timedelta]] = field(default_factory=list)

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        self.waiting.append((user_id, streak_id, after))

    def parse(self, message: str) -> tuple[str, str]:
        return parse(message)
