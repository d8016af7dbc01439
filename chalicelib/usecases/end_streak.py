"""A streak is over when nothing has been added to it for a while."""

from datetime import timedelta
from typing import Final

from chalicelib.domain.ledger import Posting
from chalicelib.domain.streaks import end_of
from chalicelib.errors import TryAgain
from chalicelib.ports import Clock, Ledger, StreakTimer

LOOKS: Final = 5


def end_streak(
    user_id: str, streak_id: str, pause: timedelta, *, ledger: Ledger, timer: StreakTimer, clock: Clock
) -> str:
    """End the streak if its last gift was sent `pause` ago, and have its total told; else look again when it may be.

    Returns:
        ended; goes_on; or ended_before, by another look or by the fan's next streak.

    Raises:
        TryAgain: the outcome is not known, or the fan kept adding to it.
    """
    for _ in range(LOOKS):
        now = clock.now()
        streak = ledger.read_wallet(user_id).streak
        if streak is None or streak.streak_id != streak_id:
            return "ended_before"
        left = streak.last_at + pause - now
        if left > timedelta(0):
            timer.wake(user_id, streak_id, left)
            return "goes_on"
        # The guard: a gift that was added since makes it a longer streak, which has not ended.
        posting = Posting(posted_at=now, event_id=clock.new_id())
        if ledger.end_streak(user_id, end_of(streak, user_id, clock.new_id(), posting)):
            return "ended"
    raise TryAgain("The streak goes on.")
