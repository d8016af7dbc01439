"""The timer of streaks by the town's clock: an alarm rings when it is due, and again until somebody has heard it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.adapters.aws.streak_timer import parse


@dataclass(frozen=True)
class Alarm:
    """A streak that is to be looked at. Two of the same streak are two alarms, even at one time."""

    due: datetime
    user_id: str
    streak_id: str
    number: int


@dataclass
class Alarms:
    """The StreakTimer port. Each wish is an alarm of its own: whoever asks again since he was not answered wakes twice.

    `waiting` are those that nobody has heard.
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
        """Those that ring now."""
        return [alarm for alarm in self.waiting if alarm.due <= self.now()]

    def heard(self, alarm: Alarm) -> None:
        """It does not ring again."""
        self.waiting.remove(alarm)
