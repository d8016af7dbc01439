"""The part of the simulated system that its audit needs."""

from collections.abc import Sequence

from chalicelib.domain.journal import place_of
from chalicelib.domain.work import Part
from chalicelib.ports.journal import Journal
from chalicelib.ports.totals import Totals
from chalicelib.ports.work import WorkPositions
from chalicelib.usecases.audit import audit_ledger
from tests.fake_totals import FakeTotals
from tests.fake_work import FakeWorkPositions
from tests.fakes import FakeClock, FakeLedger
from tests.faults.intercepted_ports import Interceptor, intercepted


class AuditedSystem:
    """Totals and positions of a simulated system, and its audit by one part."""

    clock: FakeClock
    fake_ledger: FakeLedger
    journal: Journal
    shards: Sequence[int] = range(1)  # of the journal, those that have entries

    def prepare_audit(self, intercept: Interceptor) -> None:
        """Build the ports of the audit, which begins with the present hour."""
        self.fake_totals = FakeTotals(self.fake_ledger)
        self.fake_positions = FakeWorkPositions()
        self.totals: Totals = intercepted(self.fake_totals, Totals, intercept)
        self.positions: WorkPositions = intercepted(self.fake_positions, WorkPositions, intercept)
        self._place_audit(self.fake_positions)

    def place_audit(self) -> None:
        """Let the audit begin with the present hour."""
        self._place_audit(self.positions)

    def audit(self) -> None:
        """Audit, and find nothing."""
        assert audit_ledger(self, self.shards).mismatches == []
        self.count_reviews()

    def count_reviews(self) -> int:
        raise NotImplementedError

    def _place_audit(self, positions: WorkPositions) -> None:
        for part in self.shards:
            positions.rewind(Part(worker="audit", name=f"{part:02d}"), place_of(self.clock.now()))
