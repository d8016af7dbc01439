"""Simulated streak timer on the simulated clock: a check is due again until a handler acknowledges it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.adapters.aws.streak_timer import parse


@dataclass(frozen=True)
class StreakCheck:
    """A scheduled check of a streak. Two requests for one streak are two checks, even at the same time."""

    due: datetime
    user_id: str
    streak_id: str
    number: int


@dataclass
class SimulatedStreakTimer:
    """The StreakTimer port. Each request adds a check, so a retry after a lost response leads to two checks.

    `pending` are the checks that no handler has acknowledged.
    """

    now: Callable[[], datetime]
    pending: list[StreakCheck] = field(default_factory=list)
    requested: int = 0

    def wake(self, user_id: str, streak_id: str, after: timedelta) -> None:
        self.requested += 1
        self.pending.append(StreakCheck(self.now() + after, user_id, streak_id, self.requested))

    def parse(self, message: str) -> tuple[str, str]:
        return parse(message)

    def due(self) -> list[StreakCheck]:
        """Return the checks that are due now."""
        return [check for check in self.pending if check.due <= self.now()]

    def acknowledge(self, check: StreakCheck) -> None:
        """Acknowledge a check."""
        self.pending.remove(check)
