"""Checks of streaks: a streak ends when its pause is over."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

from chalicelib.domain.posting import Posting
from chalicelib.domain.streaks import Active, Delivery, Ended, ScheduledCheck, end_of
from chalicelib.errors import TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.events import StreakTimer
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import Posted
from chalicelib.ports.threads import Threads

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5

MAX_DELIVERIES: Final = 900
MAX_AGE: Final = timedelta(hours=11)
"""A message that reaches either limit is replaced. SQS moves one to the dead letters after 1,000 deliveries, and hides
one for 12 hours at most."""

RETRY_DELAY: Final = timedelta(minutes=1)
"""The pause after a dependency did not respond."""

RUN_TIME: Final = timedelta(seconds=30)
"""No check begins later. The rest of the function's time is for a slow one and for hiding the messages: a run that is
killed between these leaves a worn message beside the one that replaces it."""

MAX_FAILURES: Final = 10
FAILURE_DELAY: Final = timedelta(minutes=6)
"""A check that fails otherwise is repeated an hour long, so that a deployment can correct it."""


class StreakServices(Protocol):
    """Services that checks of streaks need."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def streak_timer(self) -> StreakTimer: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def threads(self) -> Threads: ...

    @property
    def streak_pause(self) -> timedelta: ...


def check_streaks(deliveries: Sequence[Delivery], services: StreakServices) -> list[str]:
    """End the streaks whose pause is over. The message of any other stays in the queue, hidden for the time left.

    The queue counts all deliveries, so it cannot tell a check that fails from a streak that goes on: failures are
    counted in the message.

    Returns:
        The ids of the messages to keep.
    """
    deadline = services.clock.now() + RUN_TIME

    def check(delivery: Delivery) -> timedelta | None:
        try:
            return _time_left(delivery, services) if services.clock.now() < deadline else RETRY_DELAY
        except TryAgain:
            return RETRY_DELAY

    checked = zip(deliveries, services.threads.map(check, deliveries), strict=True)
    times_left = {delivery: left for delivery, left in checked if left is not None}
    try:
        services.streak_timer.postpone({delivery.receipt: left for delivery, left in times_left.items()})
    except TryAgain:
        log.warning("streaks_not_postponed")  # they are delivered again, only later
    return [delivery.message_id for delivery in times_left]


def end_streak(user_id: str, streak_id: str, pause: timedelta, *, ledger: Ledger, clock: Clock) -> Ended | Active:
    """End the streak and write its notification if `pause` has passed since its last gift.

    Raises:
        TryAgain: the outcome is unknown, or the streak grew at every attempt.
    """
    for _ in range(MAX_ATTEMPTS):
        now = clock.now()
        streak = ledger.read_wallet(user_id).streak
        if streak is None or streak.streak_id != streak_id:
            return Ended(is_repeat=True)
        left = streak.last_at + pause - now
        if left > timedelta(0):
            return Active(left=left)
        # Conditional on the streak as read: a gift sent since then makes it longer, and it has not ended.
        posting = Posting(posted_at=now, event_id=clock.new_id())
        match ledger.end_streak(user_id, end_of(streak, user_id, clock.new_id(), posting)):
            case Posted():
                return Ended(is_repeat=False)
    raise TryAgain("The streak goes on.")


def _time_left(delivery: Delivery, services: StreakServices) -> timedelta | None:
    """Check one streak. Returns the time until its next check by this message, or None if there is none."""
    check = delivery.check
    if check is None:
        log.error("streak_message_unreadable", extra={"message_id": delivery.message_id})
        services.streak_timer.set_aside(delivery)
        return None
    try:
        left = _time_until_end(check, services)
    except Exception:  # any failure concerns this streak only
        log.exception("streak_not_ended", extra={"streak_id": check.streak_id})
        _repeat_failed(check, delivery, services.streak_timer)
        return None
    is_worn = delivery.received >= MAX_DELIVERIES or services.clock.now() - delivery.sent_at >= MAX_AGE
    if left is not None and is_worn:
        services.streak_timer.wake(check.user_id, check.streak_id, left, check.failures)
        return None
    return left


def _time_until_end(check: ScheduledCheck, services: StreakServices) -> timedelta | None:
    ledger, clock, pause = services.ledger, services.clock, services.streak_pause
    try:
        match end_streak(check.user_id, check.streak_id, pause, ledger=ledger, clock=clock):
            case Ended():
                return None
            case active:
                return active.left
    except TryAgain:
        return RETRY_DELAY


def _repeat_failed(check: ScheduledCheck, delivery: Delivery, timer: StreakTimer) -> None:
    """Replace the message by one that counts the failure, or set it aside for good."""
    failures = check.failures + 1
    if failures >= MAX_FAILURES:
        timer.set_aside(delivery)
    else:
        timer.wake(check.user_id, check.streak_id, FAILURE_DELAY, failures)
