"""The deployed relay under a stream with AWS's semantics: the published messages and the redrive queue."""

import io
from collections.abc import Callable

import pytest

from chalicelib import telemetry
from chalicelib.domain.gifts import Gift
from chalicelib.errors import TryAgain
from tests.faults.relay_world import (
    Killed,
    World,
    never_received,
    unreadable_kind,
    unreadable_number,
    without_a_creator,
)
from tests.faults.stream_driver import EventSourceMapping

# --- all goes well ----------------------------------------------------------------------------------------------------


def test_gifts_to_a_lane_keep_their_order(world: World) -> None:
    gifts = world.give(250)
    assert world.stream.drain() == 3
    ids = [gift.event_id for gift in gifts]
    assert world.published() == ids
    assert world.sequences() == {event_id: place for place, event_id in enumerate(ids, start=1)}
    world.assert_all_is_told()


def test_many_creators_lanes_and_purchases_share_a_stream(world: World) -> None:
    for _ in range(30):
        world.give(3, shards=4)
        world.give(2, creator="dora", shards=2)
        world.buy()
    world.stream.drain()
    assert len(world.ledger.shards) == 6
    assert world.redrive.kept == world.stream.given_up == []
    world.assert_all_is_told()


def test_what_is_no_news_never_wakes_the_relay(world: World) -> None:
    [gift] = world.give()
    world.buy()
    world.stream.drain()
    woken = len(world.stream.delivered)
    world.stamp(gift)
    world.stream.write({"PK": {"S": "WALLET#ann"}, "SK": {"S": "WALLET"}, "coins": {"N": "1"}})
    world.stream.write({"PK": {"S": "CREATOR#cleo#0"}, "SK": {"S": f"GIFT#{gift.event_id}"}, "coins": {"N": "1"}})
    world.stream.write({"PK": {"S": "CREATOR#cleo#0"}, "SK": {"S": "LANE"}, "coins": {"N": "1"}})
    world.stream.write(None, {"PK": {"S": "WALLET#ann"}, "SK": {"S": "ENTRY#1"}, "status": {"S": "pending"}})
    world.stream.drain()
    assert len(world.stream.delivered) == woken
    assert sum(map(len, world.stream.delivered)) == 2  # the gift, and the purchase when it was posted
    world.assert_all_is_told()


def test_should_the_filter_ever_fail_no_news_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    world.stream.mapping = EventSourceMapping(reports_failures=True)
    [gift] = world.give()
    world.buy()
    for _ in range(3):
        world.stamp(gift)
    world.stream.drain()
    assert len(world.published()) == 2
    world.assert_all_is_told()


# --- one is poison ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poison", [unreadable_kind, unreadable_number, without_a_creator, never_received])
@pytest.mark.parametrize("before", [0, 49, 99])
def test_one_poison_among_a_hundred_is_set_aside_and_the_rest_goes_on(
    world: World, poison: Callable[[World], Gift], before: int
) -> None:
    world.give(before)
    lost = poison(world)
    world.give(99 - before)
    assert world.stream.poll() == 1
    assert len(world.published()) == 99
    [keys] = world.redrive.kept
    assert keys == {"PK": "WALLET#ann", "SK": f"ENTRY#{lost.gift_id}"}
    world.give(100)
    world.stream.drain()
    assert len(world.stream.delivered) == 2
    world.assert_all_is_told(but=[lost])


def test_what_the_topic_never_accepts_is_set_aside(world: World) -> None:
    gifts = world.give(100)
    world.publisher.refused.add(gifts[41].event_id)
    world.stream.drain()
    assert [keys["SK"] for keys in world.redrive.kept] == [f"ENTRY#{gifts[41].gift_id}"]
    assert (len(world.published()), len(world.stream.delivered), len(world.sequences())) == (99, 1, 100)


def test_all_poison_is_all_set_aside(world: World) -> None:
    lost = [poison(world) for poison in (unreadable_kind, unreadable_number, without_a_creator) for _ in range(30)]
    world.stream.drain()
    assert [keys["SK"] for keys in world.redrive.kept] == [f"ENTRY#{gift.gift_id}" for gift in lost]
    assert len(world.stream.delivered) == 1


@pytest.mark.parametrize("error", [TryAgain, Killed])
def test_poison_that_cannot_be_set_aside_yet_waits_and_is_not_lost(world: World, error: type[Exception]) -> None:
    world.give(10)
    lost = unreadable_kind(world)
    world.give(10)
    world.redrive.storm.rage(before=1.0, error=error)
    for _ in range(9):
        world.stream.poll()
    assert (world.redrive.kept, world.stream.is_idle) == ([], False)
    world.redrive.storm.end()
    world.stream.drain()
    assert len(world.redrive.kept) == 1
    world.assert_all_is_told(but=[lost])


def test_a_poison_record_is_logged_without_what_a_fan_wrote(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = io.StringIO()
    monkeypatch.setattr(telemetry.log.registered_handler, "stream", logged)
    for poison in (unreadable_kind, unreadable_number, without_a_creator):
        poison(world)
    world.stream.drain()
    assert logged.getvalue().count("record_unreadable") == 3
    assert "a secret of two" not in logged.getvalue()
