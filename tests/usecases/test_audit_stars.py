"""The audit of shards whose entries take several runs."""

from datetime import timedelta

from chalicelib.domain.journal import place_of
from chalicelib.domain.totals import Mismatch
from chalicelib.domain.work import RUN_TIME
from chalicelib.usecases.audit import Limits
from tests.domain.builders import CREATOR
from tests.fake_shards import ShardState
from tests.fakes import START
from tests.usecases.audit_harness import DUE, HOUR, SOON, AuditHarness
from tests.usecases.relay_harness import gift

SHARD = CREATOR, 0
WHAT = f"creator/{CREATOR}/0"
LIMITS = Limits(rows=100, short=10)
NEXT_RUN = timedelta(minutes=5)


def a_star(gifts: int = 300, limits: Limits = LIMITS) -> AuditHarness:
    """Build a creator with that many lifetime gifts, beside another of one gift a few seconds later."""
    harness = AuditHarness(limits)
    harness.credit(gifts + 1)
    for _ in range(gifts):
        harness.spend()
        harness.clock.advance(timedelta(milliseconds=1))
    harness.clock.advance(timedelta(minutes=1))
    harness.spend(creator_id="creator-2")
    return harness


def a_checked_star(gifts: int = 300) -> AuditHarness:
    """Build a star that has been audited once."""
    harness = a_star(gifts)
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].sequence == gifts
    return harness


def state(harness: AuditHarness) -> ShardState:
    return harness.ledger.shards[SHARD]


def read_slowly(harness: AuditHarness, share: float) -> None:
    """Let a run read that share of a star's 300 entries."""
    harness.totals.shard_row_time = RUN_TIME / (300 * share)


def tamper(harness: AuditHarness) -> None:
    """Give the shard a coin too much, which the totals of later entries have, too."""
    state(harness).coins += 1
    for _ in range(2):
        harness.spend()


def runs_until_told(harness: AuditHarness) -> int:
    for run in range(1, 20):
        if WHAT in harness.found(SOON):
            return run
    raise AssertionError("It is never told.")


def test_star_whose_gifts_take_longer_than_a_run_ends() -> None:
    """The first release read all 3 million of them in each run, and no run ended."""
    harness = a_star()
    harness.ledger.shards["creator-2", 0].coins += 1
    read_slowly(harness, 0.3)
    found, runs = harness.found(), 1
    while harness.positions.places.get(("audit", "00"), "") <= place_of(START) and runs < 20:
        found += harness.found(NEXT_RUN)
        runs += 1
    assert 2 < runs < 6
    assert harness.totals.shard_sums[SHARD].sequence == 300
    assert found == ["creator/creator-2/0"]
    harness.totals.rows.clear()
    harness.spend()
    assert WHAT not in harness.found(DUE)
    assert harness.totals.rows[SHARD] == 1


def test_star_with_an_entry_that_came_last_and_sorts_first_ends() -> None:
    """Its place was awaited for so long that each run began with it again."""
    harness = a_star(limits=Limits(rows=100, short=10, piece=50))
    sequences, totals = state(harness).sequences, state(harness).totals
    first, *others = sequences
    state(harness).sequences = {first: 300, **{event_id: place for place, event_id in enumerate(others, start=1)}}
    state(harness).totals = dict(zip(sequences, [300, *range(1, 300)], strict=True))
    assert len(totals) == 300
    read_slowly(harness, 0.3)
    for run in range(6):
        assert harness.found(DUE if run == 0 else NEXT_RUN) == []
    assert harness.totals.shard_sums[SHARD].sequence == 300


def test_star_whose_total_its_entries_contradict_is_told_at_once() -> None:
    harness = a_checked_star()
    harness.spend()
    state(harness).coins += 1
    harness.totals.rows.clear()
    assert harness.audit().mismatches == [Mismatch(what=WHAT, stored=302, added_up=301)]
    assert harness.totals.rows[SHARD] == 2
    harness.spend(creator_id="creator-2")
    state(harness).coins -= 1
    assert harness.found(HOUR) == []
    assert harness.parked() == {}


def test_star_whose_wrong_total_its_entries_continue_is_told_after_several_runs() -> None:
    """No run has time for all entries."""
    harness = a_checked_star()
    tamper(harness)
    read_slowly(harness, 0.8)
    harness.ledger.shards["creator-2", 0].coins += 1
    harness.spend(creator_id="creator-2")
    assert harness.found() == ["creator/creator-2/0"]
    assert harness.parked()[WHAT] == "too_many_entries"
    assert 1 < runs_until_told(harness) < 6
    assert harness.parked()[WHAT] == "total_mismatch"
    state(harness).coins -= 1
    for _ in range(6):
        assert WHAT not in harness.found(HOUR)
    assert WHAT not in harness.parked()


def test_star_at_rest_whose_total_is_wrong_is_told_after_several_runs() -> None:
    """A gift that it has not received draws attention to it; each run goes on where the last one was cut."""
    harness = a_checked_star()
    state(harness).coins += 1
    harness.post(gift(999, posted_at=harness.clock.now(), price_coins=0))
    read_slowly(harness, 0.3)
    assert harness.found() == []
    assert harness.parked()[WHAT] == "too_many_entries"
    assert 1 < runs_until_told(harness) < 6


def test_gift_set_aside_waits_for_its_star_for_half_of_the_time() -> None:
    harness = a_checked_star()
    late = gift(999, posted_at=harness.clock.now(), price_coins=0)
    harness.post(late)
    harness.audit()
    for _ in range(300):
        harness.spend()
    read_slowly(harness, 1)
    begun = harness.clock.now() + SOON
    harness.audit(SOON)
    assert harness.clock.now() < begun + RUN_TIME * 0.9
    assert harness.parked() == {f"gift/{CREATOR}/0/{late.event_id}": "too_long"}


def test_star_that_is_corrected_while_it_is_added_up_is_not_told() -> None:
    harness = a_checked_star()
    tamper(harness)
    read_slowly(harness, 0.8)
    harness.audit()
    harness.audit(SOON)
    assert harness.parked()[WHAT] == "too_long"
    state(harness).coins -= 1
    for _ in range(6):
        assert harness.found(SOON) == []
    assert harness.parked() == {}


def test_star_that_gets_late_gifts_after_it_was_added_up_is_judged_later() -> None:
    harness = a_checked_star()
    tamper(harness)
    harness.audit()

    def receive() -> None:
        harness.relay(gift(999, posted_at=START, price_coins=0))

    harness.totals.meanwhile["shard"] = [lambda: None, receive]
    assert harness.found(SOON) == []
    assert harness.parked()[WHAT] == "always_changing"
    assert harness.found(HOUR) == [WHAT]


def test_star_that_another_run_follows_is_left_to_it() -> None:
    harness = a_star()
    harness.positions.leases["audit", f"{CREATOR}/0"] = "another", harness.clock.now() + 9 * HOUR
    assert harness.found() == []
    assert SHARD not in harness.totals.shard_sums
    assert harness.totals.rows[SHARD] == LIMITS.short + 1
    assert harness.positions.places["audit", "00"] > place_of(START)


def test_star_whose_run_is_cut_after_it_agreed_is_followed_by_its_retry() -> None:
    """Another run relied on it for the gifts that came meanwhile."""
    harness = a_star()

    def give() -> None:
        for _ in range(3):
            harness.spend()

    def end() -> None:
        harness.clock.advance(RUN_TIME)

    harness.totals.meanwhile["shard"] = [lambda: None, give, end]
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].sequence == 300
    assert harness.parked()[WHAT] == "too_long"
    assert harness.found(SOON) == []
    assert harness.totals.shard_sums[SHARD].sequence == 303
    assert harness.parked() == {}


def test_star_set_aside_that_another_run_follows_is_tried_later() -> None:
    harness = a_checked_star()
    tamper(harness)
    harness.audit()
    harness.positions.leases["audit", f"{CREATOR}/0"] = "another", harness.clock.now() + HOUR
    harness.audit(SOON)
    assert harness.parked()[WHAT] == "too_long"
    assert harness.found(HOUR) == [WHAT]


def test_star_that_gets_gifts_while_it_is_followed_is_compared_with_these_too() -> None:
    harness = a_star()

    def give() -> None:
        for _ in range(3):
            harness.spend()

    harness.totals.meanwhile["shard"] = [lambda: None, give]
    assert harness.found() == []
    assert harness.totals.shard_sums[SHARD].sequence == 303
