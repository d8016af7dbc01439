"""The topic and the queues."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from chalicelib.domain.events import Announcement, Publication


class EventPublisher(Protocol):
    """The topic that downstream consumers subscribe to."""

    def publish(self, announcements: Sequence[Announcement]) -> Publication:
        """Publish, at least once. Never raises: what was not accepted is told by its id."""


class RedriveQueue(Protocol):
    """Where a stream record goes that cannot be relayed, so that the others can."""

    def set_aside(self, keys: Mapping[str, str]) -> None:
        """Keep the keys of the entry for a person to look at."""


class StreakTimer(Protocol):
    """Tells when a streak may have ended."""

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        """Have the streak looked at after so long, at most 15 minutes; at least once."""
