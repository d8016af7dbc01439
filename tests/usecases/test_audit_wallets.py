"""The audit's comparison of wallets."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.journal import JournalLine, place_of
from chalicelib.domain.totals import WalletSum
from chalicelib.domain.work import RUN_TIME
from chalicelib.usecases.audit import Limits
from tests.domain.builders import CREATOR, FAN
from tests.fake_operators import FakeJournal
from tests.fakes import START
from tests.usecases.audit_harness import DUE, HOUR, SOON, AuditHarness, books_of_two_fans

MINUTE = timedelta(minutes=1)


@pytest.fixture
def harness() -> AuditHarness:
    return books_of_two_fans()


def test_wallet_at_rest_costs_no_entries(harness: AuditHarness) -> None:
    for _ in range(5):
        assert harness.found() == []
        harness.spend()
    assert harness.totals.rows.total() == harness.totals.rows[CREATOR, 0]


def costs_of_a_busy_fan(history: int) -> list[int]:
    """Return the entries read in each hour for a fan who sends a gift every 20 minutes.

    Gifts follow each hour until it is walked through, so the wallet's total has always moved on by then.
    """
    harness = AuditHarness()
    harness.credit(1_000)
    for _ in range(history):
        harness.spend()
    harness.audit(timedelta(days=2))
    costs = []
    for _ in range(30):
        before = harness.totals.rows[FAN]
        for _ in range(3):
            harness.spend()
            harness.clock.advance(20 * MINUTE)
        assert harness.found(timedelta(0)) == []
        costs.append(harness.totals.rows[FAN] - before)
    assert harness.parked() == {}
    return costs


def test_active_wallet_costs_its_recent_entries_whatever_its_history() -> None:
    costs = costs_of_a_busy_fan(0)
    assert costs_of_a_busy_fan(300)[3:] == costs[3:]
    assert costs[-1] <= 3 * 27


def test_checked_sum_that_is_wrong_costs_a_look_and_no_alarm(harness: AuditHarness) -> None:
    harness.audit()
    harness.totals.wallet_sums[FAN] = WalletSum(coins=5, at=START)
    harness.spend()
    assert harness.found() == []
    assert harness.totals.wallet_sums[FAN].coins == 69


def test_line_that_the_index_shows_late_costs_a_look_and_no_alarm(harness: AuditHarness) -> None:
    late = harness.spend()
    del harness.ledger.entries[FAN][late.entry_id]
    harness.audit()
    harness.ledger.entries[FAN][late.entry_id] = late
    harness.spend()
    assert harness.found() == []
    assert harness.totals.wallet_sums[FAN].coins == 68


def test_purchase_of_an_old_id_costs_a_look_at_all_entries(harness: AuditHarness) -> None:
    harness.audit()
    harness.clock.advance(timedelta(days=9))
    harness.spend()
    harness.ledger.coins[FAN] += 70
    earlier = harness.ledger.entries[FAN].pop("purchase-101")
    paid = replace(earlier, purchase_id="019aab12-0000-7000-8000-000000000000", posted_at=harness.clock.now())
    harness.ledger.entries[FAN]["again"] = earlier
    harness.ledger.entries[FAN][paid.entry_id] = paid
    harness.journal = UnlistedJournal(harness.ledger, shards=1)
    assert harness.found() == []
    assert harness.parked() == {}


class UnlistedJournal(FakeJournal):
    """A journal whose index does not show purchases yet."""

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        return [line for line in super().read_page(shard, after, limit) if line.kind != "purchase"]


def test_wallet_that_changes_while_it_is_read_agrees(harness: AuditHarness) -> None:
    harness.clock.advance(DUE)
    harness.totals.meanwhile = [harness.spend]
    harness.spend()
    assert harness.found(timedelta(0)) == []
    assert harness.parked() == {}
    assert harness.totals.wallet_sums[FAN].coins == 70


def test_wrong_wallet_with_new_entries_is_told(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] += 3
    harness.clock.advance(DUE)
    harness.spend(10)
    assert harness.found(timedelta(0)) == [f"wallet/{FAN}"]


def test_wrong_wallet_that_changes_is_told_later(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] += 3
    harness.clock.advance(DUE)
    harness.spend(10)
    harness.totals.meanwhile = [lambda: harness.spend(10)] * 9
    assert harness.found(timedelta(0)) == []
    harness.totals.meanwhile.clear()
    assert harness.found(SOON) == [f"wallet/{FAN}"]


def test_wrong_wallet_that_never_rests_is_told(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] += 1_000
    harness.clock.advance(DUE)
    harness.totals.meanwhile = [harness.spend] * 9
    assert harness.found(timedelta(0)) == [f"wallet/{FAN}"]


def test_wallet_whose_latest_entries_are_out_of_order_is_set_aside(harness: AuditHarness) -> None:
    harness.clock.advance(DUE)
    for coins in (5, 7):
        harness.spend(coins)
        harness.clock.advance(timedelta(seconds=1))
    harness.ledger.coins[FAN] += 5
    harness.totals.meanwhile = [harness.spend] * 9
    audited = harness.audit(timedelta(0))
    assert (audited.mismatches, audited.parked, audited.undecided) == ([], 1, 1)
    assert harness.parked() == {f"wallet/{FAN}": "always_changing"}
    harness.totals.meanwhile.clear()
    harness.ledger.coins[FAN] -= 5
    assert harness.found(SOON) == []
    assert harness.parked() == {}


def test_wallet_with_too_many_entries_for_a_batch_is_judged_later(harness: AuditHarness) -> None:
    harness.limits = Limits(rows=2)
    harness.ledger.coins[FAN] = 0
    audited = harness.audit()
    assert (audited.mismatches, audited.undecided) == ([], 1)
    assert harness.parked() == {f"wallet/{FAN}": "too_many_entries"}
    assert harness.found(SOON) == [f"wallet/{FAN}"]


def test_wallet_that_takes_longer_than_a_run_does_not_stop_the_walk(harness: AuditHarness) -> None:
    harness.limits = Limits(rows=2)
    harness.ledger.coins[FAN] = 0
    harness.audit()
    harness.totals.wallet_row_time = RUN_TIME
    harness.spend(user_id="fan-2")
    audited = harness.audit()
    assert (audited.undecided, harness.parked()) == (1, {f"wallet/{FAN}": "too_long"})


def test_audit_tries_items_set_aside_for_half_of_the_time(harness: AuditHarness) -> None:
    harness.limits = Limits(rows=2)
    harness.credit(1, user_id="fan-3")
    for fan in (FAN, "fan-3"):
        harness.ledger.coins[fan] = 9
        harness.spend(1, user_id=fan)
        harness.spend(1, user_id=fan)
    harness.audit()
    assert len(harness.parked()) == 2
    harness.totals.wallet_row_time = RUN_TIME
    harness.spend(0, user_id="fan-2")
    harness.audit()
    tries = [item.tries for item in harness.positions.parked["audit", "00"].values()]
    assert sorted(tries) == [1, 2]


def test_batch_that_is_not_finished_in_time_continues_in_the_next_run() -> None:
    """Each fan's first look reads all entries, which takes most of a run."""
    harness = AuditHarness()
    for number in range(6):
        harness.credit(user_id=f"fan-{number}")
    harness.clock.advance(HOUR)
    for number in range(6):
        harness.spend(user_id=f"fan-{number}")
    harness.clock.advance(-HOUR)
    harness.totals.wallet_row_time = RUN_TIME / 4
    runs = 0
    while harness.positions.places.get(("audit", "00"), "") <= place_of(START):
        assert harness.found(DUE if runs == 0 else MINUTE) == []
        runs += 1
        assert len(harness.totals.wallet_sums) >= runs
    assert runs > 1
    assert harness.parked() == {}
