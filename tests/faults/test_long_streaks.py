"""Streaks of minutes and hours: one message in the queue, one end."""

from datetime import timedelta
from typing import Final

import pytest

from chalicelib.usecases.streaks import MAX_DELIVERIES
from tests.fakes import PAUSE
from tests.faults.simulated_system import SimulatedSystem
from tests.faults.streak_scenarios import begun, miscounted_streaks

BETWEEN_TAPS: Final = PAUSE * 0.8


@pytest.mark.parametrize(("minutes", "messages"), [(30, 1), (100, 2)])
def test_long_streak_ends_once_with_its_total_and_no_dead_letter(minutes: int, messages: int) -> None:
    system = SimulatedSystem()
    taps = int(timedelta(minutes=minutes) / BETWEEN_TAPS)
    system.grant(system.key(), taps + 1)
    streak_id, looks = begun(system), 0
    system.stream()
    for _ in range(taps):
        system.clock.advance(BETWEEN_TAPS)
        system.end_streaks()
        system.send(system.key(), "rose", streak_id=streak_id)
        assert system.fake_ledger.streaks, "it goes on"
        assert len(system.streak_timer.pending) == 1
        looks = max(looks, *(message.received for message in system.streak_timer.pending))
    system.stream()
    system.clock.advance(PAUSE)
    system.end_streaks()
    system.stream()

    assert list(miscounted_streaks(system)) == []
    assert (system.streak_timer.dead, system.streak_timer.pending) == ([], [])
    assert system.streak_timer.requested == messages
    assert 180 <= looks <= MAX_DELIVERIES
