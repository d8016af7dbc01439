"""Concurrent handlers of one fan's streaks: every pair and some triples, in every order of their calls."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import pytest

from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import relay_entries
from chalicelib.usecases.streaks import end_streak
from tests.fakes import PAUSE
from tests.faults.call_orders import all_orders
from tests.faults.scenarios import bought
from tests.faults.scheduler import Scheduler
from tests.faults.streak_scenarios import begun

pytestmark = pytest.mark.usefixtures("quiet")


class StreakHarness:
    """Build a fan with an active streak that is not relayed. Its pause is over, so it may have ended."""

    def __init__(self, _names: Sequence[str]) -> None:
        self.scheduler = Scheduler()
        system = self.system = self.scheduler.system
        bought(system)
        self.streak_id = begun(system)
        system.send(system.key(), "rose", streak_id=self.streak_id)
        system.read_stream()
        self.batch = tuple(system.records)
        self.keys = [system.key() for _ in range(4)]
        system.advance(1)

    def tap(self, place: int) -> None:
        self.system.send(self.keys[place], "rose", streak_id=self.streak_id)

    def begin(self, place: int) -> None:
        self.system.send(self.keys[place], "cake", streak_id=self.keys[place])

    def end(self) -> None:
        """Handle a due check. On TryAgain it stays due."""
        system = self.system
        end_streak("fan-1", self.streak_id, PAUSE, ledger=system.ledger, clock=system.clock)

    def relay(self) -> None:
        again = set(relay_entries(self.batch, self.system.relay()))
        done = {record.record_id for record in self.batch} - again
        self.system.records = [record for record in self.system.records if record.record_id not in done]
        if again:
            raise TryAgain


HANDLERS: dict[str, Callable[[StreakHarness], None]] = {
    "tap": lambda harness: harness.tap(0),
    "another tap": lambda harness: harness.tap(1),
    "begin": lambda harness: harness.begin(2),
    "another begins": lambda harness: harness.begin(3),
    "end": StreakHarness.end,
    "relay": StreakHarness.relay,
}
PAIRS = list(combinations_with_replacement(HANDLERS, 2))
TRIPLES = [
    ("tap", "another tap", "end"),
    ("tap", "end", "end"),
    ("tap", "begin", "end"),
    ("begin", "another begins", "end"),
    ("tap", "relay", "end"),
    ("relay", "relay", "tap"),
]


@pytest.mark.parametrize("names", [*PAIRS, *TRIPLES], ids="+".join)
def test_streak_handlers_in_any_order_break_no_invariant(names: tuple[str, ...]) -> None:
    ended = list(all_orders(StreakHarness, HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended
