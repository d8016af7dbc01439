"""The audit's comparison of wallets."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.journal import JournalLine
from chalicelib.domain.totals import WalletSum
from tests.domain.builders import CREATOR, FAN, a_reversal
from tests.fake_operators import FakeJournal
from tests.fakes import START
from tests.usecases.audit_harness import DUE, SOON, AuditHarness, books_of_two_fans

MINUTE = timedelta(minutes=1)


@pytest.fixture
def harness() -> AuditHarness:
    return books_of_two_fans()


def test_wallet_at_rest_costs_no_entries_after_the_first_look(harness: AuditHarness) -> None:
    harness.audit()
    harness.totals.rows.clear()
    for _ in range(5):
        harness.spend()
        assert harness.found() == []
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


@pytest.mark.parametrize("age", [DUE, timedelta(0)])
def test_purchase_of_an_old_id_costs_a_look_at_all_entries(harness: AuditHarness, age: timedelta) -> None:
    """It is paid days after its checkout was opened, long before the audit or at that moment."""
    harness.audit()
    harness.clock.advance(timedelta(days=9))
    harness.spend()
    harness.clock.advance(DUE - age)
    harness.ledger.coins[FAN] += 70
    earlier = harness.ledger.entries[FAN].pop("purchase-101")
    paid = replace(earlier, purchase_id="019aab12-0000-7000-8000-000000000000", posted_at=harness.clock.now())
    harness.ledger.entries[FAN]["again"] = earlier
    harness.ledger.entries[FAN][paid.entry_id] = paid
    harness.journal = UnlistedJournal(harness.ledger, shards=1)
    assert harness.found(age) == []
    assert harness.parked() == {}


class UnlistedJournal(FakeJournal):
    """A journal whose index does not show purchases yet."""

    def read_page(self, shard: int, after: str, limit: int) -> Sequence[JournalLine]:
        return [line for line in super().read_page(shard, after, limit) if line.kind != "purchase"]


def test_wallet_that_changes_while_it_is_read_agrees(harness: AuditHarness) -> None:
    harness.clock.advance(DUE)
    harness.totals.meanwhile["wallet"] = [harness.spend]
    harness.spend()
    assert harness.found(timedelta(0)) == []
    assert harness.parked() == {}
    assert harness.totals.wallet_sums[FAN].coins == 70


def test_wrong_wallet_with_new_entries_is_told(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] += 3
    harness.clock.advance(DUE)
    harness.spend(10)
    assert harness.found(timedelta(0)) == [f"wallet/{FAN}"]


def test_wallet_without_a_checked_sum_is_compared_with_all_entries(harness: AuditHarness) -> None:
    """Its total may be wrong by what the lines before this hour add up to."""
    harness.audit(timedelta(days=2))
    harness.totals.wallet_sums.clear()
    harness.ledger.coins[FAN] = 0
    harness.credit(5)
    assert harness.found() == [f"wallet/{FAN}"]


def test_right_wallet_whose_coins_return_to_what_they_were_is_not_told(harness: AuditHarness) -> None:
    """The second read finds the coins of the first one, and an entry between them that is taken back."""
    harness.clock.advance(DUE)
    sent = harness.spend(10)

    def spend() -> None:
        harness.spend(7)

    def take_back() -> None:
        harness.relay(a_reversal(sent, entry_id="reversal-7", coins=7, posted_at=harness.clock.now()))
        harness.ledger.coins[FAN] += 7

    harness.totals.meanwhile["wallet"] = [spend, take_back] * 4
    assert harness.found(timedelta(0)) == []
    harness.totals.meanwhile["wallet"].clear()
    assert harness.found(SOON) == []
    assert harness.parked() == {}


@pytest.mark.parametrize("wrong", [-1, 1, 3])
def test_wrong_wallet_is_never_right_while_it_changes(harness: AuditHarness, wrong: int) -> None:
    """Gifts of a coin follow each other, so a total that is a coin off is one that the wallet had, or will have."""
    harness.ledger.coins[FAN] += wrong
    harness.clock.advance(DUE)
    harness.totals.meanwhile["wallet"] = [harness.spend] * 9
    first = harness.found(timedelta(0))
    harness.totals.meanwhile["wallet"].clear()
    assert first + harness.found(SOON) != []
    assert harness.totals.wallet_sums[FAN].is_parked


def test_wrong_wallet_that_never_rests_is_told(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] += 1_000
    harness.clock.advance(DUE)
    harness.totals.meanwhile["wallet"] = [harness.spend] * 9
    assert harness.found(timedelta(0)) == [f"wallet/{FAN}"]


def test_right_wallet_that_changes_at_every_look_is_set_aside(harness: AuditHarness) -> None:
    harness.clock.advance(DUE)
    harness.totals.meanwhile["wallet"] = [harness.spend] * 9
    audited = harness.audit(timedelta(0))
    assert (audited.mismatches, audited.parked, audited.undecided) == ([], 1, 1)
    assert harness.parked() == {f"wallet/{FAN}": "always_changing"}
    harness.totals.meanwhile["wallet"].clear()
    assert harness.found(SOON) == []
    assert harness.parked() == {}


def test_entry_that_is_visible_before_its_total_is_no_mismatch(harness: AuditHarness) -> None:
    """DynamoDB makes the writes of a transaction visible one by one."""
    harness.audit()
    late = harness.spend(10)
    harness.clock.advance(DUE)
    harness.spend(1)
    harness.ledger.coins[FAN] += 10
    settled = harness.ledger.entries[FAN].pop(late.entry_id)
    harness.ledger.entries[FAN][late.entry_id] = replace(settled, posted_at=harness.clock.now())

    def become_visible() -> None:
        harness.ledger.coins[FAN] -= 10

    harness.totals.meanwhile["wallet"] = [lambda: None, become_visible]
    assert harness.found(timedelta(0)) == []
    assert harness.parked() == {}
