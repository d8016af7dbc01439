from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.journal import JournalLine, Mismatch
from chalicelib.errors import TryAgain
from chalicelib.usecases.audit import audit_ledger
from tests.domain.builders import CREATOR, FAN, a_reversal
from tests.fake_operators import FakeJournal
from tests.fakes import START
from tests.usecases.relay_harness import gift
from tests.usecases.sweep_harness import SweepHarness

HOUR = timedelta(hours=1)
SETTLE_DELAY = timedelta(minutes=10)


class AuditHarness(SweepHarness):
    """Two fans and a creator with entries, and their audit."""

    def __init__(self) -> None:
        super().__init__()
        self.buy(1)
        self.give(2, price_coins=30)
        self.buy(3, user_id="fan-2")
        self.post(a_reversal(gift(2, price_coins=30)))
        self.ledger.coins = {FAN: 70, "fan-2": 70}
        self.relay(*[entry for known in self.ledger.entries.values() for entry in known.values()])

    def audit(self, after: timedelta = SETTLE_DELAY) -> Sequence[Mismatch]:
        self.clock.advance(after)
        return audit_ledger(journal=self.journal, clock=self.clock)


@pytest.fixture
def harness() -> AuditHarness:
    return AuditHarness()


def test_audit_of_consistent_books_logs_nothing(harness: AuditHarness, caplog: pytest.LogCaptureFixture) -> None:
    assert harness.audit() == []
    assert caplog.records == []
    assert harness.journal.watermarks["audit"] == START


def test_audit_excludes_the_last_ten_minutes(harness: AuditHarness) -> None:
    harness.audit(timedelta(minutes=69))
    assert harness.journal.watermarks["audit"] == START
    harness.audit(timedelta(minutes=1))
    assert harness.journal.watermarks["audit"] == START + HOUR


@pytest.mark.parametrize("coins", [0, 69, 71, -70])
def test_audit_reports_both_figures_of_a_wrong_wallet_without_repair(
    harness: AuditHarness, coins: int, caplog: pytest.LogCaptureFixture
) -> None:
    harness.ledger.coins[FAN] = coins
    assert harness.audit() == [Mismatch(what=f"wallet/{FAN}", stored=coins, added_up=70)]
    (line,) = caplog.records
    fields = vars(line)
    assert (line.levelname, line.message) == ("ERROR", "total_mismatch")
    assert (fields["what"], fields["stored"], fields["added_up"]) == (f"wallet/{FAN}", coins, 70)
    assert harness.ledger.coins[FAN] == coins


def test_audit_reports_a_wrong_shard(harness: AuditHarness) -> None:
    harness.ledger.shards[CREATOR, 0].coins = 1
    assert harness.audit() == [Mismatch(what=f"creator/{CREATOR}/0", stored=1, added_up=0)]
    assert harness.ledger.shards[CREATOR, 0].coins == 1


def test_audit_accepts_a_shard_without_entries(harness: AuditHarness) -> None:
    harness.post(gift(9, creator_id="creator-9", price_coins=1))
    harness.ledger.coins[FAN] -= 1
    assert harness.audit() == []


def test_audit_reports_every_mismatch(harness: AuditHarness) -> None:
    harness.ledger.coins = {FAN: 1, "fan-2": 2}
    harness.ledger.shards[CREATOR, 0].coins = 3
    assert [mismatch.stored for mismatch in harness.audit()] == [1, 2, 3]


def test_audit_checks_only_what_moved_since_the_last_run(harness: AuditHarness) -> None:
    harness.audit(after=3 * HOUR)
    harness.ledger.coins["fan-2"] = 1
    harness.buy(4)
    harness.ledger.coins[FAN] = 0
    assert [mismatch.what for mismatch in harness.audit(after=HOUR)] == [f"wallet/{FAN}"]


@pytest.mark.parametrize(("ago", "found"), [(timedelta(hours=24), 1), (timedelta(hours=26), 0)])
def test_audit_first_run_looks_a_day_back(harness: AuditHarness, ago: timedelta, found: int) -> None:
    harness.ledger.coins[FAN] = 0
    assert len(harness.audit(after=ago)) == found


class UnavailableJournal(FakeJournal):
    """A journal that is unavailable from an hour on."""

    ends_at: datetime = START + HOUR

    def read_hour(self, hour: datetime) -> Sequence[JournalLine]:
        if hour >= self.ends_at:
            raise TryAgain
        return super().read_hour(hour)


def test_audit_cut_short_has_reported_its_findings(harness: AuditHarness, caplog: pytest.LogCaptureFixture) -> None:
    harness.journal = UnavailableJournal(harness.ledger)
    harness.ledger.coins[FAN] = 0
    with pytest.raises(TryAgain):
        harness.audit(after=3 * HOUR)
    assert [vars(line)["what"] for line in caplog.records] == [f"wallet/{FAN}"]
    assert harness.journal.watermarks["audit"] == START
