"""Concurrent handlers of one fan's streaks: every pair and some triples, in every order of their calls."""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import pytest

from chalicelib.errors import TryAgain
from chalicelib.usecases.gifts import end_streak
from chalicelib.usecases.relay import relay_entries
from tests.fakes import PAUSE
from tests.faults.meetings import all_orders
from tests.faults.plays import bought
from tests.faults.stage import Stage
from tests.faults.streak_plays import begun

pytestmark = pytest.mark.usefixtures("quiet")


class Row:
    """Build a fan with an active streak that is not relayed. Its pause is over, so it may have ended."""

    def __init__(self, _names: Sequence[str]) -> None:
        self.stage = Stage()
        town = self.town = self.stage.town
        bought(town)
        self.streak_id = begun(town)
        town.send(town.key(), "rose", streak_id=self.streak_id)
        town.look()
        self.batch = tuple(town.records)
        self.keys = [town.key() for _ in range(4)]
        town.advance(1)

    def tap(self, place: int) -> None:
        self.town.send(self.keys[place], "rose", streak_id=self.streak_id)

    def begin(self, place: int) -> None:
        self.town.send(self.keys[place], "cake", streak_id=self.keys[place])

    def end(self) -> None:
        """Handle a due alarm. On TryAgain it stays due."""
        town = self.town
        end_streak("fan-1", self.streak_id, PAUSE, ledger=town.ledger, timer=town.timer, clock=town.clock)

    def relay(self) -> None:
        again = set(relay_entries(self.batch, self.town.relay()))
        done = {record.record_id for record in self.batch} - again
        self.town.records = [record for record in self.town.records if record.record_id not in done]
        if again:
            raise TryAgain


HANDLERS: dict[str, Callable[[Row], None]] = {
    "tap": lambda row: row.tap(0),
    "another tap": lambda row: row.tap(1),
    "begin": lambda row: row.begin(2),
    "another begins": lambda row: row.begin(3),
    "end": Row.end,
    "relay": Row.relay,
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
def test_those_of_a_streak_may_meet_in_any_order(names: tuple[str, ...]) -> None:
    ended = list(all_orders(Row, HANDLERS, names))
    assert [found for found in ended if found] == []
    assert ended
