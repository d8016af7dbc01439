"""The audit of wallets whose entries take long to read."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.journal import place_of
from chalicelib.domain.work import RUN_TIME
from chalicelib.usecases.audit import Limits
from tests.domain.builders import FAN
from tests.fakes import START
from tests.usecases.audit_harness import DUE, HOUR, SOON, AuditHarness, books_of_two_fans

MINUTE = timedelta(minutes=1)


@pytest.fixture
def harness() -> AuditHarness:
    return books_of_two_fans()


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
    assert sorted(harness.parked().values()) == ["too_long", "too_many_entries"]


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


def test_wallet_whose_entries_take_longer_than_a_run_is_added_up_in_several() -> None:
    harness = AuditHarness(Limits(rows=100))
    for _ in range(500):
        harness.credit(1)
        harness.clock.advance(timedelta(milliseconds=1))
    harness.clock.advance(timedelta(days=2))
    harness.credit(1)
    harness.ledger.coins[FAN] += 1
    harness.audit()
    assert harness.parked() == {f"wallet/{FAN}": "too_many_entries"}
    harness.totals.wallet_row_time = RUN_TIME / 250
    found, runs = harness.found(SOON), 1
    while not found and runs < 20:
        assert harness.parked()[f"wallet/{FAN}"] in {"too_long", "unconfirmed"}
        found, runs = harness.found(SOON), runs + 1
    assert found == [f"wallet/{FAN}"]
    assert 2 < runs < 20
    harness.ledger.coins[FAN] -= 1
    while harness.parked() and runs < 40:
        assert harness.found(HOUR) == []
        runs += 1
    assert harness.parked() == {}
    assert harness.totals.wallet_sums[FAN].after is None


def test_run_without_time_for_one_entry_keeps_no_sum(harness: AuditHarness) -> None:
    harness.totals.meanwhile["wallet"] = [lambda: harness.clock.advance(RUN_TIME)]
    assert harness.found() == []
    assert harness.totals.wallet_sums == {}
    harness.ledger.coins[FAN] = 0
    assert harness.found() == [f"wallet/{FAN}"]


def test_sum_begun_by_a_walk_goes_on_in_the_next_run(harness: AuditHarness) -> None:
    for _ in range(300):
        harness.credit(1)
    harness.clock.advance(timedelta(days=2))
    harness.spend()
    harness.totals.wallet_row_time = RUN_TIME / 200
    for _ in range(3):
        assert harness.found() == []
    assert harness.parked() == {}
    assert harness.totals.wallet_sums[FAN].after is None


def test_wallet_set_aside_is_left_to_its_next_try(harness: AuditHarness) -> None:
    harness.ledger.coins[FAN] = 0
    harness.found()
    harness.spend()
    assert harness.positions.parked["audit", "00"][f"wallet/{FAN}"].tries == 1
    harness.positions.parked.clear()
    assert harness.found() == []


def test_wallet_whose_entries_vanish_is_told(harness: AuditHarness) -> None:
    harness.totals.meanwhile["wallet"] = [harness.ledger.entries["fan-2"].clear]
    assert harness.found() == ["wallet/fan-2"]


def test_confirmation_of_a_mismatch_may_find_too_many_entries(harness: AuditHarness) -> None:
    harness.limits = Limits(rows=4)
    harness.ledger.coins[FAN] += 5

    def credit() -> None:
        for _ in range(4):
            harness.credit(1)

    harness.totals.meanwhile["wallet"] = [lambda: None, lambda: None, lambda: None, credit]
    assert harness.found() == []
    assert harness.parked() == {f"wallet/{FAN}": "unconfirmed"}
    assert harness.found(SOON) == [f"wallet/{FAN}"]


def test_purchase_of_an_old_id_while_all_entries_are_added_up_in_several_runs_is_no_mismatch() -> None:
    """The sum has passed its id already, and the second sum takes several runs, too."""
    harness = AuditHarness(Limits(rows=100))
    for _ in range(300):
        harness.credit(1)
        harness.clock.advance(timedelta(milliseconds=1))
    harness.clock.advance(timedelta(days=9))
    harness.spend(0)
    harness.audit()
    harness.totals.wallet_row_time = RUN_TIME / 150
    old_id = "019aab12-0000-7000-8000-000000000000"
    paid = replace(harness.ledger.entries[FAN]["purchase-101"], purchase_id=old_id, posted_at=harness.clock.now())
    harness.ledger.entries[FAN][old_id] = paid
    harness.ledger.coins[FAN] += 1
    reasons: list[str] = []
    while harness.parked() and len(reasons) < 20:
        reasons += harness.parked().values()
        assert harness.found(SOON) == []
    assert reasons[:2] == ["too_many_entries", "too_long"]
    assert reasons.count("unconfirmed") > 1
    assert harness.parked() == {}
