"""Messages of each entry while the stream delivers a failing batch again and again."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.relay_harness import RelayHarness, unreadable_kind

TRIES = 30
MOST = 5
"""The most messages of one entry in any of the failures."""


def busy_shard(harness: RelayHarness) -> None:
    harness.give(creator="dora")
    harness.ledger.busy_creators.add("dora")


def busy_gift(harness: RelayHarness) -> None:
    harness.publisher.always_busy = {gift.event_id for gift in harness.give()}


def busy_credit(harness: RelayHarness) -> None:
    harness.buy()
    harness.publisher.always_busy = set(harness.posted)


def busy_timer(harness: RelayHarness) -> None:
    harness.give(begins_streak=True)
    harness.timer.faults.inject(before=1.0)


def busy_queue(harness: RelayHarness) -> None:
    unreadable_kind(harness)
    harness.redrive.faults.inject(before=1.0)


def busy_note(harness: RelayHarness) -> None:
    harness.ledger.unnoted = {harness.buy().entry_id}


def read_only_table(harness: RelayHarness) -> None:
    harness.buy()
    harness.ledger.is_read_only = True


def recover(harness: RelayHarness) -> None:
    harness.ledger.busy_creators, harness.ledger.unnoted, harness.ledger.is_read_only = set(), set(), False
    harness.publisher.always_busy = set()
    harness.timer.faults.end()
    harness.redrive.faults.end()


@pytest.mark.parametrize(
    "failure", [busy_shard, busy_gift, busy_credit, busy_timer, busy_queue, busy_note, read_only_table]
)
def test_relay_of_a_failing_batch_publishes_no_entry_more_than_five_times(
    harness: RelayHarness, failure: Callable[[RelayHarness], None]
) -> None:
    """Before, each try published the credits behind the failure again, for twelve hours."""
    failure(harness)
    for _ in range(3):
        harness.buy()
        harness.give()
    for _ in range(TRIES):
        assert harness.stream.poll() == 1
    recover(harness)
    harness.stream.drain()
    assert max(Counter(harness.published()).values()) <= MOST
    assert harness.posted.keys() == set(harness.published())
