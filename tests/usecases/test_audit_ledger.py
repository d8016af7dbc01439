"""The audit's walk through the journal, and its comparison of wallets."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from chalicelib.domain.journal import JournalLine, hour_of, place_of
from chalicelib.domain.totals import Mismatch
from chalicelib.domain.work import RUN_TIME
from chalicelib.errors import TryAgain
from chalicelib.usecases.audit import Limits, audit_ledger
from chalicelib.usecases.recovery import SETTLE_DELAY
from tests.domain.builders import CREATOR, FAN
from tests.fake_operators import FakeJournal
from tests.fakes import START
from tests.usecases.audit_harness import DUE, HOUR, SOON, AuditHarness, books_of_two_fans

MINUTE = timedelta(minutes=1)


@pytest.fixture
def harness() -> AuditHarness:
    return books_of_two_fans()


def test_audit_of_consistent_books_logs_nothing(harness: AuditHarness, caplog: pytest.LogCaptureFixture) -> None:
    audited = harness.audit()
    assert (audited.mismatches, audited.parked, audited.undecided) == ([], 0, 0)
    assert caplog.records == []
    assert harness.place() == place_of(START + HOUR)
    assert harness.totals.wallet_sums[FAN].coins == 70


def test_audit_walks_through_an_hour_ten_minutes_after_its_end(harness: AuditHarness) -> None:
    harness.audit(DUE - MINUTE)
    assert harness.place() == place_of(START)
    harness.audit(MINUTE)
    assert harness.place() == place_of(START + HOUR)


@pytest.mark.parametrize("coins", [0, 69, 71, -70])
def test_audit_reports_both_figures_of_a_wrong_wallet_without_repair(
    harness: AuditHarness, coins: int, caplog: pytest.LogCaptureFixture
) -> None:
    harness.ledger.coins[FAN] = coins
    assert harness.audit().mismatches == [Mismatch(what=f"wallet/{FAN}", stored=coins, added_up=70)]
    (line,) = [line for line in caplog.records if line.levelname == "ERROR"]
    fields = vars(line)
    assert line.message == "total_mismatch"
    assert (fields["what"], fields["stored"], fields["added_up"]) == (f"wallet/{FAN}", coins, 70)
    assert harness.ledger.coins[FAN] == coins


def test_audit_reports_a_wrong_wallet_again_until_it_is_right(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] = 1
    assert harness.found() == [f"wallet/{FAN}"]
    harness.spend()
    assert harness.found(SOON) == [f"wallet/{FAN}"]
    assert harness.found(MINUTE) == []
    harness.ledger.coins[FAN] = 69
    assert harness.found(HOUR) == []
    assert harness.parked() == {}
    harness.ledger.coins[FAN] = 0
    harness.spend(user_id="fan-2")
    harness.spend(0)
    assert harness.found(2 * HOUR) == [f"wallet/{FAN}"]


def test_audit_reports_every_mismatch(harness: AuditHarness) -> None:
    harness.ledger.coins = {FAN: 1, "fan-2": 2}
    harness.ledger.shards[CREATOR, 0].coins = 3
    assert [mismatch.stored for mismatch in harness.audit().mismatches] == [1, 2, 3]


def test_audit_checks_only_what_moved_since_the_last_run(harness: AuditHarness) -> None:
    harness.audit(3 * HOUR)
    harness.totals.wallet_reads.clear()
    harness.spend()
    assert harness.found() == []
    assert harness.totals.wallet_reads == [FAN]


@pytest.mark.parametrize(("ago", "found"), [(timedelta(hours=24), 1), (timedelta(hours=26), 0)])
def test_audit_first_run_looks_a_day_back(harness: AuditHarness, ago: timedelta, found: int) -> None:
    harness.ledger.coins[FAN] = 0
    assert len(harness.audit(ago).mismatches) == found


def test_audit_first_run_continues_where_the_first_release_ended(harness: AuditHarness) -> None:
    harness.journal.watermarks["audit"] = START - HOUR
    harness.ledger.coins[FAN] = 0
    assert harness.found(timedelta(days=3)) == [f"wallet/{FAN}"]


def test_audit_of_all_parts_shares_the_time_of_a_run(harness: AuditHarness) -> None:
    harness.journal.shards = 16
    harness.ledger.coins = {FAN: 0, "fan-2": 0}
    harness.clock.advance(DUE)
    assert len(audit_ledger(harness).mismatches) == 2
    assert len(harness.positions.places) == 16


def test_audit_leaves_a_part_that_another_run_has(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] = 0
    harness.positions.leases["audit", "00"] = "another", harness.clock.now() + 9 * HOUR
    assert harness.found() == []


def test_audit_tells_how_far_it_is_behind(harness: AuditHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    assert harness.audit(3 * HOUR).behind == timedelta(0)
    read = harness.journal.read_page

    def read_slowly(shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        harness.clock.advance(RUN_TIME)
        return read(shard, after, limit)

    monkeypatch.setattr(harness.journal, "read_page", read_slowly)
    behind = harness.audit(5 * HOUR).behind
    assert behind == harness.clock.now() - hour_of(harness.place()) - HOUR - SETTLE_DELAY
    assert 3 * HOUR < behind < 4 * HOUR
    harness.positions.leases["audit", "00"] = "another", harness.clock.now() + 9 * HOUR
    assert harness.audit().behind == timedelta(0)


class UnavailableJournal(FakeJournal):
    """A journal that is unavailable after an hour."""

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        if after >= place_of(START + HOUR):
            raise TryAgain
        return super().read_page(shard, after, limit)


def test_audit_cut_short_has_reported_its_findings(harness: AuditHarness, caplog: pytest.LogCaptureFixture) -> None:
    harness.journal = UnavailableJournal(harness.ledger, shards=1)
    harness.ledger.coins[FAN] = 0
    with pytest.raises(TryAgain):
        harness.audit(3 * HOUR)
    assert [vars(line)["what"] for line in caplog.records if line.levelname == "ERROR"] == [f"wallet/{FAN}"]
    assert harness.place() == place_of(START + HOUR)


def test_audit_moves_its_position_after_each_batch(harness: AuditHarness) -> None:
    harness.limits = Limits(lines=2)
    assert harness.found() == []
    assert harness.place() == place_of(START + HOUR)
    assert harness.totals.wallet_sums["fan-2"].coins == 70


class Unreadable(AuditHarness):
    """Rows of one fan, or of one creator's shard, cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: set[object] = set()
        for name in ("read_wallets", "list_posted", "read_shard", "find_checked"):
            setattr(self.totals, name, partial(self._read, getattr(self.totals, name)))

    def _read(self, read: Callable[..., object], first: object, *rest: object) -> object:
        several = first if isinstance(first, Collection) and not isinstance(first, str) else [first]
        names = {each[0] if isinstance(each, tuple) else each for each in several}
        if names & self.bad:
            raise ValueError("coins: '1.5'")
        return read(first, *rest)


@pytest.mark.parametrize(("bad", "aside"), [(FAN, f"wallet/{FAN}"), (CREATOR, f"creator/{CREATOR}/0")])
def test_audit_sets_what_it_cannot_read_aside_and_goes_on(bad: str, aside: str) -> None:
    harness = Unreadable()
    harness.credit()
    harness.spend()
    harness.credit(user_id="fan-2")
    harness.ledger.coins["fan-2"] = 1
    harness.bad = {bad}
    assert harness.found() == ["wallet/fan-2"]
    assert harness.place() == place_of(START + HOUR)
    for _ in range(2):
        assert harness.parked()[aside] == "unreadable"
        harness.audit(HOUR)
    harness.bad = set()
    harness.audit(6 * HOUR)
    assert aside not in harness.parked()


def test_audit_leaves_what_it_cannot_read_to_its_retries() -> None:
    """The pauses grow, also when new lines name it."""
    harness = Unreadable()
    harness.credit()
    harness.bad = {FAN}
    harness.audit()
    for hours in (1, 2):
        harness.credit()
        harness.audit(hours * HOUR)
    assert harness.positions.parked["audit", "00"][f"wallet/{FAN}"].tries == 3
    harness.credit()
    audited = harness.audit(2 * HOUR)
    assert (audited.parked, audited.undecided) == (0, 0)


class GarbledJournal(FakeJournal):
    """A journal with a row of which only the keys can be read."""

    garbled = ""

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        page = super().read_page(shard, after, limit)
        return [self._read(line) if line.entry_id == self.garbled else line for line in page]

    def _read(self, line: JournalLine) -> JournalLine:
        return replace(line, event_id="", kind="", coins=0, creator_id=None)


def test_wallet_of_a_line_that_cannot_be_read_is_compared(harness: AuditHarness) -> None:
    """Without its coins the lines agree with a total that the entry did not move."""
    harness.audit()
    lost = harness.spend(5)
    harness.ledger.coins[FAN] += 5
    harness.journal = journal = GarbledJournal(harness.ledger, shards=1)
    journal.garbled = lost.entry_id
    assert harness.found() == [f"wallet/{FAN}"]
