"""The audit's comparison of creators' shards."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.totals import Mismatch, ShardSum, ShardTotal
from chalicelib.domain.work import LIMIT, RUN_TIME
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


@pytest.mark.parametrize(("sequence", "added_up"), [(1, 9), (3, 11)])
def test_wrong_sequence_is_reported(harness: AuditHarness, sequence: int, added_up: int) -> None:
    state(harness).sequences[events(harness)[1]] = sequence
    assert harness.audit().mismatches == [Mismatch(what=f"{WHAT}/sequence", stored=10, added_up=added_up)]
    assert harness.parked() == {WHAT: "total_mismatch"}


@pytest.mark.parametrize("sequence", [99, 0, -2])
def test_missing_entry_is_reported(harness: AuditHarness, sequence: int) -> None:
    state(harness).sequences[events(harness)[1]] = sequence
    assert harness.audit().mismatches == [Mismatch(what=WHAT, stored=10, added_up=8)]


@pytest.mark.parametrize("is_received", [True, False], ids=["next gift received", "not received"])
def test_shard_that_was_deleted_is_reported(
    harness: AuditHarness, monkeypatch: pytest.MonkeyPatch, *, is_received: bool
) -> None:
    """The next gift takes the first place again, which the checked sum has."""
    harness.audit()
    read = harness.totals.read_shard
    if is_received:
        sent = harness.spend(5, user_id="fan-1")
        state(harness).sequences[sent.event_id] = 1
        state(harness).totals[sent.event_id] = 5
    else:
        harness.post(gift(50, user_id="fan-1", price_coins=0, posted_at=harness.clock.now()))
    after = int(is_received)

    def read_new(creator_id: str, shard: int) -> ShardTotal:
        return replace(read(creator_id, shard), coins=5 * after, sequence=after)

    monkeypatch.setattr(harness.totals, "read_shard", read_new)
    what = f"{WHAT}/sequence"
    assert harness.audit().mismatches == [Mismatch(what=what, stored=after, added_up=10)]
    assert harness.parked()[WHAT] == "total_mismatch"
    assert harness.found(SOON) == [what]
    monkeypatch.undo()


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
    harness.spend(user_id="fan-2")
    harness.audit(3 * HOUR)
    harness.relay(late)
    harness.spend(user_id="fan-2")
    before = harness.totals.rows[SHARD]
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].coins == 18
    # Twice the new one, as the place of another is missing, then all of the last two days, then the end.
    assert harness.totals.rows[SHARD] - before == 2 + 7


def test_gift_that_is_not_received_is_awaited_by_its_creators_shard(harness: AuditHarness) -> None:
    """The relay's outage may be longer than the audit waits for the lines of an hour."""
    late = gift(50, user_id="fan-1", price_coins=6, posted_at=harness.clock.now())
    harness.ledger.coins["fan-1"] -= 6
    harness.post(late)
    audited = harness.audit()
    waiting = f"gift/{CREATOR}/0/{late.event_id}"
    assert (audited.mismatches, audited.undecided) == ([], 1)
    assert harness.parked() == {waiting: "not_received"}
    assert harness.found(SOON) == []
    assert harness.parked() == {waiting: "not_received"}
    harness.relay(late)
    state(harness).coins += 1
    assert harness.found(HOUR) == [WHAT]
    assert harness.parked() == {WHAT: "total_mismatch"}


def test_all_gifts_of_an_outage_of_the_relay_are_tried_again_in_one_run() -> None:
    harness = AuditHarness()
    harness.credit(0)
    gifts = [gift(number, creator_id=f"creator-{number}", price_coins=0) for number in range(LIMIT + 20)]
    harness.post(*gifts)
    harness.audit()
    assert len(harness.parked()) == len(gifts)
    harness.relay(*gifts)
    harness.audit(SOON)
    assert harness.parked() == {}


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
