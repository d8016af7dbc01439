"""The audit's comparison of creators' shards."""

from datetime import timedelta

import pytest

from chalicelib.domain.journal import place_of
from chalicelib.domain.totals import Mismatch, ShardSum
from chalicelib.domain.work import RUN_TIME
from chalicelib.usecases.audit import Limits
from chalicelib.usecases.recovery import SETTLE_DELAY
from tests.domain.builders import CREATOR
from tests.fake_shards import ShardState
from tests.fakes import START
from tests.usecases.audit_harness import DUE, HOUR, SOON, AuditHarness
from tests.usecases.relay_harness import gift

SHARD = CREATOR, 0
WHAT = f"creator/{CREATOR}/0"


@pytest.fixture
def harness() -> AuditHarness:
    """A creator who received gifts of 1, 2, 3 and 4 coins, a second apart, from as many fans."""
    harness = AuditHarness()
    for coins in (1, 2, 3, 4):
        harness.credit(user_id=f"fan-{coins}")
        harness.spend(coins, user_id=f"fan-{coins}")
        harness.clock.advance(timedelta(seconds=1))
    return harness


def state(harness: AuditHarness) -> ShardState:
    return harness.ledger.shards[SHARD]


def events(harness: AuditHarness) -> list[str]:
    return list(state(harness).sequences)


def test_shard_is_followed_up_to_its_total(harness: AuditHarness) -> None:
    assert harness.found() == []
    at = harness.clock.now() - SETTLE_DELAY
    assert harness.totals.shard_sums == {SHARD: ShardSum(sequence=4, coins=10, at=at)}


def test_shard_costs_its_new_entries_whatever_its_history(harness: AuditHarness) -> None:
    harness.audit()
    harness.totals.rows.clear()
    harness.spend(user_id="fan-1")
    assert harness.found() == []
    assert harness.totals.rows[SHARD] == 1


def test_shard_is_followed_once_for_all_lines_of_an_hour(harness: AuditHarness) -> None:
    harness.limits = Limits(lines=1)
    assert harness.found() == []
    assert harness.totals.rows[SHARD] == 4


@pytest.mark.parametrize("is_told_totals", [True, False], ids=["present rows", "rows of the first release"])
@pytest.mark.parametrize("coins", [9, 11, 0])
def test_wrong_total_of_a_shard_is_reported_without_repair(
    harness: AuditHarness, coins: int, *, is_told_totals: bool
) -> None:
    if not is_told_totals:
        state(harness).totals.clear()
    state(harness).coins = coins
    assert harness.audit().mismatches == [Mismatch(what=WHAT, stored=coins, added_up=10)]
    assert harness.parked() == {WHAT: "total_mismatch"}
    assert state(harness).coins == coins
    assert harness.found(SOON) == [WHAT]
    state(harness).coins = 10
    assert harness.found(HOUR) == []
    assert harness.parked() == {}
    assert not harness.totals.shard_sums[SHARD].is_parked


def test_wrong_total_that_later_gifts_continue_is_reported(harness: AuditHarness) -> None:
    harness.audit()
    state(harness).coins += 100
    harness.spend(5, user_id="fan-1")
    assert harness.audit().mismatches == [Mismatch(what=WHAT, stored=115, added_up=15)]


@pytest.mark.parametrize(("sequence", "added_up"), [(1, 3), (3, 3), (0, 3), (-2, 3)])
def test_wrong_sequence_is_reported(harness: AuditHarness, sequence: int, added_up: int) -> None:
    state(harness).sequences[events(harness)[1]] = sequence
    assert harness.audit().mismatches == [Mismatch(what=f"{WHAT}/sequence", stored=4, added_up=added_up)]
    assert harness.parked() == {WHAT: "total_mismatch"}


def test_missing_entry_is_reported(harness: AuditHarness) -> None:
    state(harness).sequences[events(harness)[1]] = 99
    assert harness.audit().mismatches == [Mismatch(what=WHAT, stored=10, added_up=8)]


def test_first_release_rows_are_added_up(harness: AuditHarness) -> None:
    totals = state(harness).totals
    for event_id in events(harness)[:2]:
        del totals[event_id]
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].coins == 10


def test_checked_sum_of_a_shard_that_is_wrong_costs_a_look_and_no_alarm(harness: AuditHarness) -> None:
    harness.totals.shard_sums[SHARD] = ShardSum(sequence=2, coins=99, at=START - HOUR)
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].coins == 10


def test_gift_that_is_received_hours_later_costs_a_wider_look(harness: AuditHarness) -> None:
    late = gift(50, user_id="fan-1", price_coins=6, posted_at=harness.clock.now())
    harness.ledger.coins["fan-1"] -= 6
    harness.post(late)
    harness.audit(3 * HOUR)
    harness.relay(late)
    harness.spend(user_id="fan-2")
    before = harness.totals.rows[SHARD]
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].coins == 17
    # Once the new one, then all of the last two days.
    assert harness.totals.rows[SHARD] - before == 1 + 6


def test_shard_without_entries_agrees(harness: AuditHarness) -> None:
    harness.post(gift(9, user_id="fan-1", creator_id="creator-9", price_coins=0))
    assert harness.found() == []


def test_gifts_received_while_a_shard_is_followed_do_not_matter(harness: AuditHarness) -> None:
    harness.clock.advance(DUE)
    harness.totals.meanwhile["shard"] = [lambda: harness.spend(7)]
    assert harness.found(timedelta(0)) == []
    assert harness.totals.shard_sums[SHARD].sequence in {4, 5}
    assert harness.parked() == {}


def test_wrong_shard_that_never_rests_is_told(harness: AuditHarness) -> None:
    state(harness).coins += 1
    harness.clock.advance(DUE)
    harness.totals.meanwhile["shard"] = [lambda: harness.spend(7)] * 3
    assert harness.found(timedelta(0)) == [WHAT]


def a_star(gifts: int, limits: Limits) -> AuditHarness:
    """Build a creator with that many lifetime gifts, beside another of one gift a few seconds later."""
    harness = AuditHarness(limits)
    harness.credit(gifts + 1)
    for _ in range(gifts):
        harness.spend()
        harness.clock.advance(timedelta(milliseconds=1))
    harness.clock.advance(timedelta(minutes=1))
    harness.spend(creator_id="creator-2")
    return harness


def test_star_whose_gifts_take_longer_than_a_run_ends() -> None:
    """The first release read all 3 million of them in each run, and no run ended."""
    gifts, row_time = 500, timedelta(seconds=1)
    harness = a_star(gifts, Limits())
    harness.ledger.shards["creator-2", 0].coins += 1
    harness.totals.shard_row_time = row_time
    assert gifts * row_time > RUN_TIME
    found, seen = harness.found(), [harness.totals.shard_sums[SHARD].sequence]
    while harness.positions.places.get(("audit", "00"), "") <= place_of(START) and len(seen) < 20:
        found += harness.found(timedelta(minutes=5))
        seen.append(harness.totals.shard_sums[SHARD].sequence)
    assert seen == sorted(set(seen))
    assert seen[-1] == gifts
    assert found == ["creator/creator-2/0"]
    harness.totals.rows.clear()
    harness.spend()
    assert WHAT not in harness.found(DUE)
    assert harness.totals.rows[SHARD] == 1


def test_run_that_is_over_before_a_shard_leaves_it_to_the_next(harness: AuditHarness) -> None:
    harness.totals.wallet_row_time = RUN_TIME * 0.3
    assert harness.found() == []
    assert harness.totals.shard_sums == {}
    harness.totals.wallet_row_time = timedelta(0)
    harness.totals.meanwhile["shard"] = [lambda: harness.clock.advance(RUN_TIME)]
    harness.found(timedelta(minutes=5))
    assert harness.totals.shard_sums == {}
    harness.found(timedelta(minutes=5))
    assert harness.totals.shard_sums[SHARD].sequence == 4


def test_star_with_a_wrong_total_does_not_hold_up_the_others() -> None:
    harness = a_star(300, Limits(rows=100, piece=50))
    state(harness).coins += 1
    harness.ledger.shards["creator-2", 0].coins += 1
    audited = harness.audit()
    assert [mismatch.what for mismatch in audited.mismatches] == ["creator/creator-2/0"]
    assert harness.parked()[WHAT] == "too_many_entries"
    harness.spend()
    assert sorted(harness.found(SOON)) == [WHAT, "creator/creator-2/0"]


def test_shard_with_more_disorder_than_a_piece_is_added_up() -> None:
    harness = a_star(12, Limits(piece=4))
    sequences = state(harness).sequences
    for event_id, sequence in zip(sequences, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], strict=True):
        sequences[event_id] = sequence
    state(harness).totals.clear()
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].sequence == 12


def test_break_within_a_piece_is_reported() -> None:
    harness = a_star(12, Limits(piece=4))
    state(harness).totals[events(harness)[2]] += 1
    assert harness.found() == []
    state(harness).coins += 1
    harness.spend()
    assert harness.found() == [WHAT]


def test_run_that_meets_another_at_a_shard_leaves_it_to_that_one() -> None:
    harness = a_star(12, Limits(piece=4))

    def another() -> None:
        harness.totals.shard_sums[SHARD] = ShardSum(sequence=8, coins=8, at=START)

    harness.totals.meanwhile["shard"] = [another]
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].sequence == 8
