"""Relay harness with a journal and a clock, whose stream delivers nothing."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.usecases.recovery import Swept, redrive, sweep
from tests.domain.builders import FAN
from tests.fake_operators import FakeJournal
from tests.fake_services import FakeSweepServices
from tests.fake_work import FakeWorkPositions
from tests.journal_hours import lines_of_hour
from tests.usecases.relay_harness import RelayHarness, credit, gift

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SETTLE_DELAY = 10 * MINUTE


class SweepHarness(RelayHarness):
    """Post entries that the stream does not deliver. `swept` is the result of the last run."""

    swept: Swept

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal(self.ledger, shards=1)
        self.positions = FakeWorkPositions()

    def give(self, number: int, **changes: Any) -> None:
        self.post(gift(number, posted_at=self.clock.now(), **changes))

    def buy(self, number: int, **changes: Any) -> None:
        self.post(credit(number, posted_at=self.clock.now(), **changes))

    def sweep(self, after: timedelta = timedelta(0)) -> int:
        self.clock.advance(after)
        self.swept = sweep(self.services(), range(1))
        return self.swept.relayed

    def redrive(self, first: datetime, last: datetime) -> list[int]:
        return redrive(first, last, self.services(), range(1))

    def place(self) -> str:
        """Return the position of the first walk."""
        return self.positions.places["sweep", "00"].split("|")[0]

    def services(self) -> FakeSweepServices:
        return FakeSweepServices(
            ledger=self.ledger,
            publisher=self.publisher,
            redrive_queue=self.queue,
            streak_timer=self.timer,
            clock=self.clock,
            journal=self.journal,
            positions=self.positions,
        )

    def unrelayed(self) -> list[str]:
        """Return the ids of entries neither received nor marked."""
        lines = [line for hour in self.hours() for line in lines_of_hour(self.journal, hour)]
        return sorted(line.entry_id for line in self.journal.not_relayed(lines))

    def hours(self) -> set[datetime]:
        posted = [entry.posted_at for entry in self.ledger.entries.get(FAN, {}).values() if entry.posted_at]
        return {at.replace(minute=0, second=0, microsecond=0) for at in posted}
