"""The Totals port of each store, and the audit over it."""

from datetime import timedelta

from chalicelib.adapters.dynamodb.totals import DynamoTotals
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.ports.totals import Totals
from chalicelib.usecases.audit import audit_ledger
from tests.fake_totals import FakeTotals
from tests.fakes import FakeClock
from tests.stores import DynamoStore, FakeStore, Store


def totals_of(store: Store) -> Totals:
    if isinstance(store, FakeStore):
        return FakeTotals(store.ledger)
    assert isinstance(store, DynamoStore)
    return DynamoTotals(store.table_name)


def require_equal_sum(store: Store, user_id: str) -> None:
    """Check that the wallet's coins are the sum of its posted entries."""
    totals = totals_of(store)
    added_up = sum(entry.coins for entry in totals.list_posted(user_id, ""))
    assert totals.read_wallets([user_id])[user_id].coins == added_up


class AuditLab:
    """The audit of a store, with the positions of its own."""

    def __init__(self, store: DynamoStore, clock: FakeClock) -> None:
        self.journal, self.totals, self.clock = store.journal, totals_of(store), clock
        self.positions = DynamoWorkPositions(store.table_name)

    def audit(self, after: timedelta = timedelta(0)) -> list[str]:
        self.clock.advance(after)
        return [mismatch.what for mismatch in audit_ledger(self).mismatches]
