"""Simulated streak timer on the simulated clock: an alarm is due again until a handler acknowledges it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.adapters.aws.streak_timer import parse


@dataclass(frozen=True)
class Alarm:
    """A scheduled check of a streak. Two checks of one streak are two alarms, even at the same time."""

    due: datetime
    user_id: str
    streak_id: str
    number: int


@dataclass
class Alarms:
    """The StreakTimer port. Each request adds an alarm, so a retry after a lost response leads to two checks.

    `waiting` are the alarms that no handler has acknowledged.
    """

    now: Callable[[], datetime]
    waiting: list[Alarm] = field(default_factory=list)
    asked: int = 0

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        self.asked += 1
        self.waiting.append(Alarm(self.now() + after, user_id, streak_id, self.asked))

    def parse(self, message: str) -> tuple[str, str]:
        return parse(message)

    def due(self) -> list[Alarm]:
        """Return the alarms that are due now."""
        return [alarm for alarm in self.waiting if alarm.due <= self.now()]

    def heard(self, alarm: Alarm) -> None:
        """Acknowledge an alarm."""
        self.waiting.remove(alarm)
