"""The relay under throttling, crashes, duplicates and hours of outage: each entry is published exactly once."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from chalicelib.domain.gifts import Gift
from tests.extent import whole_or
from tests.faults.relay_harness import Killed, RelayHarness, moments, never_received, unreadable_kind, unreadable_number

# --- something is busy, or dies ---------------------------------------------------------------------------------------


def test_relay_of_a_busy_creator_delays_no_other(harness: RelayHarness) -> None:
    harness.give(20)
    busy = harness.give(20, creator="dora")
    harness.give(20)
    harness.ledger.busy_creators.add("dora")
    for _ in range(3):
        harness.stream.poll()
    assert set(harness.published()) == harness.posted.keys() - {gift.event_id for gift in busy}
    assert [len(batch) for batch in harness.stream.delivered] == [60, 40, 40]
    harness.ledger.busy_creators.clear()
    harness.stream.drain()
    harness.assert_all_published()


@pytest.mark.parametrize("busy_of_ten", whole_or(range(1, 10), range(1, 10, 4)))
def test_relay_retries_rejected_messages_under_the_same_id(harness: RelayHarness, busy_of_ten: int) -> None:
    harness.publisher.busy_of_ten = busy_of_ten
    harness.give(95)
    for _ in range(5):
        harness.buy()
    for _ in range(20):
        harness.stream.poll()
    harness.publisher.busy_of_ten = 0
    harness.stream.drain()
    assert (harness.redrive.kept, harness.stream.given_up) == ([], [])
    harness.assert_all_published()


@pytest.mark.parametrize("seed", range(whole_or(5, 1)))
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.0), (0.0, 0.5), (0.5, 0.5), (0.99, 0.0), (0.0, 0.99)])
def test_relay_under_random_ledger_faults_publishes_everything(
    harness: RelayHarness, seed: int, before: float, after: float
) -> None:
    harness.ledger.faults.dice = Random(seed)
    harness.ledger.faults.inject(before, after)
    for _ in range(60):
        harness.give(1, shards=3)
        harness.give(1, creator="dora")
    for _ in range(25):
        harness.stream.poll()
    harness.ledger.faults.end()
    harness.stream.drain()
    assert (harness.redrive.kept, harness.stream.given_up) == ([], [])
    harness.assert_all_published()


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.0), (0.0, 1.0)], ids=["before publishing", "after publishing"])
def test_relay_crash_before_publishing_repeats_ids_and_sequences(
    harness: RelayHarness, before: float, after: float
) -> None:
    harness.give(8)
    harness.publisher.faults.inject(before, after, error=Killed)
    harness.stream.poll()
    told_before = list(harness.publisher.published)
    received = dict(harness.sequences())
    harness.publisher.faults.end()
    harness.stream.drain()
    assert len(received) == 8
    assert harness.sequences() == received
    assert [len(batch) for batch in harness.stream.delivered] == [8, 4, 4]
    assert harness.publisher.published[len(told_before) :] == told_before or not told_before
    harness.assert_all_published()


@pytest.mark.parametrize("most", [1, 3, 30])
def test_relay_crashing_on_large_batches_is_bisected(harness: RelayHarness, most: int) -> None:
    relay = harness.stream.function

    def dies_of_too_many(event: Any, context: Any) -> Any:
        if len(event["Records"]) > most:
            raise Killed
        return relay(event, context)

    harness.stream.function = dies_of_too_many
    harness.give(100)
    harness.stream.drain()
    assert harness.published() == [gift.event_id for gift in harness.posted.values() if isinstance(gift, Gift)]
    assert harness.stream.given_up == []
    harness.assert_all_published()


@pytest.mark.parametrize("seed", range(whole_or(5, 2)))
def test_relay_of_a_repeated_batch_publishes_again_and_receives_once(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    harness = RelayHarness(monkeypatch, twice=(0.5, Random(seed)), shards=2)
    for creator in "abcdef":
        harness.give(100, creator=creator, shards=2, fan=creator)
    harness.stream.drain()
    assert len(harness.published()) > len(harness.posted)
    harness.assert_all_published()


# --- hours of outage --------------------------------------------------------------------------------------------------


def test_relay_after_an_outage_of_hours_loses_nothing(harness: RelayHarness) -> None:
    harness.ledger.faults.inject(before=1.0)
    for _ in range(11):
        harness.give(20)
        harness.stream.poll()
        harness.clock.advance(timedelta(hours=1))
    assert harness.published() == []
    harness.ledger.faults.end()
    harness.stream.drain()
    assert (harness.stream.given_up, harness.stream.expired) == ([], [])
    harness.assert_all_published()


@pytest.mark.parametrize("error", [None, Killed], ids=["reported", "raised"])
def test_relay_records_given_up_for_age_are_reported_with_times(
    harness: RelayHarness, error: type[Exception] | None
) -> None:
    old = harness.give(2)
    harness.clock.advance(timedelta(minutes=5))
    old += harness.give(2)
    harness.ledger.faults.inject(before=1.0)
    harness.publisher.faults.inject(before=1.0 if error else 0.0, error=Killed)
    harness.stream.poll()
    harness.clock.advance(timedelta(hours=12, seconds=1))
    harness.ledger.faults.end()
    harness.publisher.faults.end()
    young = harness.give(5)
    harness.stream.drain()
    assert harness.published() == [gift.event_id for gift in young]
    assert {document["requestContext"]["condition"] for document in harness.stream.given_up} == {"RecordAgeExceeded"}
    assert sum(document["DDBStreamBatchInfo"]["batchSize"] for document in harness.stream.given_up) == 4
    stretches = [moments(document) for document in harness.stream.given_up]
    assert all(any(first <= gift.posted_at <= last for first, last in stretches) for gift in old)
    assert harness.stream.expired == []
    harness.assert_all_published(but=old)


# --- all of it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(whole_or(10, 2)))
def test_relay_under_all_random_faults_publishes_everything(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = Random(seed)
    harness = RelayHarness(monkeypatch, twice=(0.3, dice), shards=3)
    harness.ledger.faults.dice = harness.publisher.faults.dice = harness.redrive.faults.dice = dice
    lost: list[Gift] = []
    for hour in range(8):
        harness.ledger.faults.inject(before=0.3, after=0.3)
        harness.redrive.faults.inject(before=0.5)
        harness.publisher.faults.inject(before=0.1, after=0.1, error=Killed)
        harness.publisher.busy_of_ten = hour % 4
        for fan in "abcdefgh":
            harness.give(dice.randint(1, 9), creator=dice.choice("xyz"), shards=2, fan=fan)
        harness.buy()
        lost.append(dice.choice([unreadable_kind, unreadable_number, never_received])(harness))
        for _ in range(3):
            harness.stream.poll()
        harness.clock.advance(timedelta(minutes=50))
    for port in (harness.ledger, harness.publisher, harness.redrive):
        port.faults.end()
    harness.publisher.busy_of_ten = 0
    harness.stream.drain()
    assert (harness.stream.given_up, harness.stream.expired) == ([], [])
    assert {ref.entry_id for ref in harness.redrive.kept} == {gift.gift_id for gift in lost}
    harness.assert_all_published(but=lost)
