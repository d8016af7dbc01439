"""The deployed relay under a stream with AWS's semantics: the published messages and the redrive queue."""

import io
from collections.abc import Callable

import pytest

from chalicelib import telemetry
from chalicelib.domain.entries import EntryRef
from chalicelib.domain.gifts import Gift
from chalicelib.errors import TryAgain
from tests.faults.relay_harness import (
    Killed,
    RelayHarness,
    never_received,
    unreadable_kind,
    unreadable_number,
    without_a_creator,
)
from tests.faults.stream_driver import EventSourceMapping

# --- all goes well ----------------------------------------------------------------------------------------------------


def test_relay_of_one_shard_keeps_the_order(harness: RelayHarness) -> None:
    gifts = harness.give(250)
    assert harness.stream.drain() == 3
    ids = [gift.event_id for gift in gifts]
    assert harness.published() == ids
    assert harness.sequences() == {event_id: place for place, event_id in enumerate(ids, start=1)}
    harness.assert_all_published()


def test_relay_of_many_creators_shards_and_purchases_loses_nothing(harness: RelayHarness) -> None:
    for _ in range(30):
        harness.give(3, shards=4)
        harness.give(2, creator="dora", shards=2)
        harness.buy()
    harness.stream.drain()
    assert len(harness.ledger.shards) == 6
    assert (harness.redrive.kept, harness.stream.given_up) == ([], [])
    harness.assert_all_published()


def test_relay_is_not_invoked_for_filtered_changes(harness: RelayHarness) -> None:
    [gift] = harness.give()
    harness.buy()
    harness.stream.drain()
    woken = len(harness.stream.delivered)
    harness.stamp(gift)
    harness.stream.write({"PK": {"S": "WALLET#ann"}, "SK": {"S": "WALLET"}, "coins": {"N": "1"}})
    harness.stream.write({"PK": {"S": "CREATOR#cleo#0"}, "SK": {"S": f"GIFT#{gift.event_id}"}, "coins": {"N": "1"}})
    harness.stream.write({"PK": {"S": "CREATOR#cleo#0"}, "SK": {"S": "LANE"}, "coins": {"N": "1"}})
    harness.stream.write(None, {"PK": {"S": "WALLET#ann"}, "SK": {"S": "ENTRY#1"}, "status": {"S": "pending"}})
    harness.stream.drain()
    assert len(harness.stream.delivered) == woken
    assert sum(map(len, harness.stream.delivered)) == 2  # the gift, and the purchase when it was posted
    harness.assert_all_published()


def test_relay_without_filter_ignores_unposted_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = RelayHarness(monkeypatch)
    harness.stream.mapping = EventSourceMapping(reports_failures=True)
    [gift] = harness.give()
    harness.buy()
    for _ in range(3):
        harness.stamp(gift)
    harness.stream.drain()
    assert len(harness.published()) == 2
    harness.assert_all_published()


# --- one is poison ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poison", [unreadable_kind, unreadable_number, without_a_creator, never_received])
@pytest.mark.parametrize("before", [0, 49, 99])
def test_relay_sets_one_poison_record_aside_and_relays_the_rest(
    harness: RelayHarness, poison: Callable[[RelayHarness], Gift], before: int
) -> None:
    harness.give(before)
    lost = poison(harness)
    harness.give(99 - before)
    assert harness.stream.poll() == 1
    assert len(harness.published()) == 99
    assert harness.redrive.kept == [EntryRef(user_id="ann", entry_id=lost.gift_id)]
    harness.give(100)
    harness.stream.drain()
    assert len(harness.stream.delivered) == 2
    harness.assert_all_published(but=[lost])


def test_relay_sets_aside_a_message_that_the_topic_rejects(harness: RelayHarness) -> None:
    gifts = harness.give(100)
    harness.publisher.refused.add(gifts[41].event_id)
    harness.stream.drain()
    assert [ref.entry_id for ref in harness.redrive.kept] == [gifts[41].gift_id]
    assert (len(harness.published()), len(harness.stream.delivered), len(harness.sequences())) == (99, 1, 100)


def test_relay_sets_aside_a_batch_of_poison_records(harness: RelayHarness) -> None:
    lost = [poison(harness) for poison in (unreadable_kind, unreadable_number, without_a_creator) for _ in range(30)]
    harness.stream.drain()
    assert sorted(ref.entry_id for ref in harness.redrive.kept) == sorted(gift.gift_id for gift in lost)
    assert len(harness.stream.delivered) == 1


@pytest.mark.parametrize("error", [TryAgain, Killed])
def test_relay_keeps_a_poison_record_until_it_can_be_set_aside(harness: RelayHarness, error: type[Exception]) -> None:
    harness.give(10)
    lost = unreadable_kind(harness)
    harness.give(10)
    harness.redrive.faults.inject(before=1.0, error=error)
    for _ in range(9):
        harness.stream.poll()
    assert (harness.redrive.kept, harness.stream.is_idle) == ([], False)
    harness.redrive.faults.end()
    harness.stream.drain()
    assert len(harness.redrive.kept) == 1
    harness.assert_all_published(but=[lost])


def test_relay_logs_a_poison_record_without_its_message(harness: RelayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = io.StringIO()
    monkeypatch.setattr(telemetry.log.registered_handler, "stream", logged)
    for poison in (unreadable_kind, unreadable_number, without_a_creator):
        poison(harness)
    harness.stream.drain()
    assert logged.getvalue().count("record_unreadable") == 3
    assert "a secret of two" not in logged.getvalue()
