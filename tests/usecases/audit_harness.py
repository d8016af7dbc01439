"""Audit harness: fans and a creator with entries, and reads that take time."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta

from chalicelib.domain.gifts import Gift
from chalicelib.domain.totals import PostedCoins, ReceivedCoins, WalletTotal
from chalicelib.usecases.audit import Audited, Limits, audit_ledger
from tests.domain.builders import FAN, a_reversal
from tests.fake_operators import FakeJournal
from tests.fake_totals import FakeTotals, Shard
from tests.fake_work import FakeWorkPositions
from tests.fakes import FakeClock, FakeLedger
from tests.usecases.relay_harness import gift
from tests.usecases.sweep_harness import SweepHarness

HOUR = timedelta(hours=1)
DUE = timedelta(hours=1, minutes=10)
"""Time after the beginning of an hour at which the audit walks through it."""
SOON = timedelta(minutes=15)
"""Pause before the next try of an item set aside."""


class SlowTotals(FakeTotals):
    """Totals whose rows take a time to read. `rows` counts them, by wallet or shard.

    Each element of `meanwhile` runs before one list of a wallet is read, or one of a shard.
    """

    def __init__(self, ledger: FakeLedger, clock: FakeClock) -> None:
        super().__init__(ledger)
        self.clock = clock
        self.rows: Counter[str | Shard] = Counter()
        self.wallet_row_time = self.shard_row_time = timedelta(0)
        self.meanwhile: dict[str, list[Callable[[], object]]] = {"wallet": [], "shard": []}
        self.wallet_reads: list[str] = []

    def read_wallets(self, user_ids: Collection[str]) -> Mapping[str, WalletTotal]:
        self.wallet_reads += user_ids
        return super().read_wallets(user_ids)

    def list_posted(self, user_id: str, after: str) -> Iterator[PostedCoins]:
        self._run("wallet")
        for row in super().list_posted(user_id, after):
            self.rows[user_id] += 1
            self.clock.advance(self.wallet_row_time)
            yield row

    def list_received(self, creator_id: str, shard: int, after: str) -> Iterator[ReceivedCoins]:
        self._run("shard")
        for row in super().list_received(creator_id, shard, after):
            self.rows[creator_id, shard] += 1
            self.clock.advance(self.shard_row_time)
            yield row

    def _run(self, kind: str) -> None:
        if self.meanwhile[kind]:
            self.meanwhile[kind].pop(0)()


class AuditHarness(SweepHarness):
    """A ledger, and its audit by one part."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__()
        self.journal = FakeJournal(self.ledger, shards=1)
        self.totals = SlowTotals(self.ledger, self.clock)
        self.positions = FakeWorkPositions()
        self.limits = limits or Limits()
        self.number = 100

    def audit(self, after: timedelta = DUE) -> Audited:
        self.clock.advance(after)
        return audit_ledger(self, parts=[0], limits=self.limits)

    def found(self, after: timedelta = DUE) -> list[str]:
        """Run the audit. Returns the names of the totals that differ."""
        return [mismatch.what for mismatch in self.audit(after).mismatches]

    def spend(self, coins: int = 1, user_id: str = "fan-1", creator_id: str = "creator-1") -> Gift:
        """Post a gift of the present time, and relay it."""
        self.number += 1
        sent = gift(self.number, user_id=user_id, creator_id=creator_id, price_coins=coins, posted_at=self.clock.now())
        self.ledger.coins[user_id] = self.ledger.coins.get(user_id, 0) - coins
        self.relay(sent)
        return sent

    def credit(self, coins: int = 70, user_id: str = "fan-1") -> None:
        """Post a purchase of the present time."""
        self.number += 1
        self.buy(self.number, user_id=user_id, coins=coins)
        self.ledger.coins[user_id] = self.ledger.coins.get(user_id, 0) + coins

    def place(self) -> str:
        return self.positions.places["audit", "00"]

    def parked(self) -> dict[str, str]:
        """Return the reasons of the items set aside, by item."""
        return {item.item_id: item.reason for item in self.positions.parked.get(("audit", "00"), {}).values()}


def books_of_two_fans() -> AuditHarness:
    """Build two fans. The first one sent a gift that was reversed."""
    harness = AuditHarness()
    harness.credit()
    sent = harness.spend(30)
    reversal = a_reversal(sent)
    harness.relay(reversal)
    harness.ledger.coins[FAN] += 30
    harness.credit(user_id="fan-2")
    return harness
