"""The relay under throttling, crashes, duplicates and hours of outage: each entry is published exactly once."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from chalicelib.domain.gifts import Gift
from tests.extent import whole_or
from tests.faults.relay_world import Killed, World, moments, never_received, unreadable_kind, unreadable_number

# --- something is busy, or dies ---------------------------------------------------------------------------------------


def test_a_busy_creator_holds_up_no_other(world: World) -> None:
    world.give(20)
    busy = world.give(20, creator="dora")
    world.give(20)
    world.ledger.busy_creators.add("dora")
    for _ in range(3):
        world.stream.poll()
    assert set(world.published()) == world.posted.keys() - {gift.event_id for gift in busy}
    assert [len(batch) for batch in world.stream.delivered] == [60, 40, 40]
    world.ledger.busy_creators.clear()
    world.stream.drain()
    world.assert_all_is_told()


@pytest.mark.parametrize("busy_of_ten", range(1, 10))
def test_what_the_topic_did_not_accept_comes_again_under_the_same_id(world: World, busy_of_ten: int) -> None:
    world.publisher.busy_of_ten = busy_of_ten
    world.give(95)
    for _ in range(5):
        world.buy()
    for _ in range(20):
        world.stream.poll()
    world.publisher.busy_of_ten = 0
    world.stream.drain()
    assert world.redrive.kept == world.stream.given_up == []
    world.assert_all_is_told()


@pytest.mark.parametrize("seed", range(whole_or(5, 2)))
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.0), (0.0, 0.5), (0.5, 0.5), (0.99, 0.0), (0.0, 0.99)])
def test_a_storm_over_the_ledger_passes(world: World, seed: int, before: float, after: float) -> None:
    world.ledger.storm.dice = Random(seed)
    world.ledger.storm.rage(before, after)
    for _ in range(60):
        world.give(1, shards=3)
        world.give(1, creator="dora")
    for _ in range(25):
        world.stream.poll()
    world.ledger.storm.end()
    world.stream.drain()
    assert world.redrive.kept == world.stream.given_up == []
    world.assert_all_is_told()


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.0), (0.0, 1.0)], ids=["before publishing", "after publishing"])
def test_a_relay_that_dies_after_receiving_tells_the_same_again(world: World, before: float, after: float) -> None:
    world.give(8)
    world.publisher.storm.rage(before, after, error=Killed)
    world.stream.poll()
    told_before = list(world.publisher.published)
    received = dict(world.sequences())
    world.publisher.storm.end()
    world.stream.drain()
    assert len(received) == 8
    assert world.sequences() == received
    assert [len(batch) for batch in world.stream.delivered] == [8, 4, 4]
    assert world.publisher.published[len(told_before) :] == told_before or not told_before
    world.assert_all_is_told()


@pytest.mark.parametrize("most", [1, 3, 30])
def test_a_relay_that_dies_of_large_batches_works_through_halves(world: World, most: int) -> None:
    relay = world.stream.function

    def dies_of_too_many(event: Any, context: Any) -> Any:
        if len(event["Records"]) > most:
            raise Killed
        return relay(event, context)

    world.stream.function = dies_of_too_many
    world.give(100)
    world.stream.drain()
    assert world.published() == [gift.event_id for gift in world.posted.values() if isinstance(gift, Gift)]
    assert world.stream.given_up == []
    world.assert_all_is_told()


@pytest.mark.parametrize("seed", range(whole_or(5, 2)))
def test_batches_that_come_twice_are_told_twice_and_received_once(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    world = World(monkeypatch, twice=(0.5, Random(seed)), shards=2)
    for creator in "abcdef":
        world.give(100, creator=creator, shards=2, fan=creator)
    world.stream.drain()
    assert len(world.published()) > len(world.posted)
    world.assert_all_is_told()


# --- hours of outage --------------------------------------------------------------------------------------------------


def test_an_outage_of_hours_loses_nothing(world: World) -> None:
    world.ledger.storm.rage(before=1.0)
    for _ in range(11):
        world.give(20)
        world.stream.poll()
        world.clock.advance(timedelta(hours=1))
    assert world.published() == []
    world.ledger.storm.end()
    world.stream.drain()
    assert (world.stream.given_up, world.stream.expired) == ([], [])
    world.assert_all_is_told()


@pytest.mark.parametrize("error", [None, Killed], ids=["reported", "raised"])
def test_what_is_given_up_for_its_age_is_told_by_when_it_came(world: World, error: type[Exception] | None) -> None:
    old = world.give(2)
    world.clock.advance(timedelta(minutes=5))
    old += world.give(2)
    world.ledger.storm.rage(before=1.0)
    world.publisher.storm.rage(before=1.0 if error else 0.0, error=Killed)
    world.stream.poll()
    world.clock.advance(timedelta(hours=12, seconds=1))
    world.ledger.storm.end()
    world.publisher.storm.end()
    young = world.give(5)
    world.stream.drain()
    assert world.published() == [gift.event_id for gift in young]
    assert {document["requestContext"]["condition"] for document in world.stream.given_up} == {"RecordAgeExceeded"}
    assert sum(document["DDBStreamBatchInfo"]["batchSize"] for document in world.stream.given_up) == 4
    stretches = [moments(document) for document in world.stream.given_up]
    assert all(any(first <= gift.posted_at <= last for first, last in stretches) for gift in old)
    assert world.stream.expired == []
    world.assert_all_is_told(but=old)


# --- all of it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(whole_or(10, 4)))
def test_whatever_happens_all_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = Random(seed)
    world = World(monkeypatch, twice=(0.3, dice), shards=3)
    world.ledger.storm.dice = world.publisher.storm.dice = world.redrive.storm.dice = dice
    lost: list[Gift] = []
    for hour in range(8):
        world.ledger.storm.rage(before=0.3, after=0.3)
        world.redrive.storm.rage(before=0.5)
        world.publisher.storm.rage(before=0.1, after=0.1, error=Killed)
        world.publisher.busy_of_ten = hour % 4
        for fan in "abcdefgh":
            world.give(dice.randint(1, 9), creator=dice.choice("xyz"), shards=2, fan=fan)
        world.buy()
        lost.append(dice.choice([unreadable_kind, unreadable_number, never_received])(world))
        for _ in range(3):
            world.stream.poll()
        world.clock.advance(timedelta(minutes=50))
    for port in (world.ledger, world.publisher, world.redrive):
        port.storm.end()
    world.publisher.busy_of_ten = 0
    world.stream.drain()
    assert (world.stream.given_up, world.stream.expired) == ([], [])
    assert {keys["SK"] for keys in world.redrive.kept} == {f"ENTRY#{gift.gift_id}" for gift in lost}
    world.assert_all_is_told(but=lost)
