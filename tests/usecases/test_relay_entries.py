from datetime import timedelta

import pytest

from chalicelib.domain.events import message_for_credit, message_for_gift
from chalicelib.domain.shards import ShardPosition
from chalicelib.usecases.relay import relay_entries
from tests.domain.builders import CREATOR, a_gift
from tests.fake_services import FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.relay_harness import SOURCE, RelayHarness, credit, events, gift, record


def test_nothing_is_relayed_from_an_empty_batch() -> None:
    station = RelayHarness()
    assert station.relay() == []
    assert station.publisher.published == []


def test_a_gift_is_received_and_then_told_with_its_sequence() -> None:
    station = RelayHarness()
    assert station.relay(gift(1, price_coins=5)) == []
    assert station.ledger.shards[CREATOR, 0].coins == 5
    assert station.publisher.published == [
        message_for_gift(gift(1, price_coins=5), ShardPosition(sequence=1), source=SOURCE, livemode=False)
    ]


def test_a_credit_is_told_and_stamped() -> None:
    station = RelayHarness()
    station.clock.advance(timedelta(seconds=3))
    assert station.relay(credit(1)) == []
    assert station.publisher.published == [message_for_credit(credit(1), source=SOURCE, livemode=False)]
    assert station.ledger.published_entries == {"purchase-1": START + timedelta(seconds=3)}
    assert station.ledger.batches_by_shard == []


def test_a_gift_is_not_stamped_for_its_creators_entry_is_the_stamp() -> None:
    station = RelayHarness()
    station.relay(gift(1))
    assert station.ledger.published_entries == {}


def test_gifts_are_received_lane_by_lane_in_the_order_of_the_batch() -> None:
    station = RelayHarness()
    station.relay(
        gift(1, shard=0), gift(2, shard=1), gift(3, creator_id="creator-2"), gift(4, shard=0), gift(5, shard=1)
    )
    assert station.sequences(shard=0) == {"event-1": 1, "event-4": 2}
    assert station.sequences(shard=1) == {"event-2": 1, "event-5": 2}
    assert station.sequences("creator-2") == {"event-3": 1}
    assert station.ledger.batches_by_shard == [2, 2, 1]
    assert sorted(station.published()) == events(1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("gifts", "batches_by_shard"), [(1, [1]), (99, [99]), (100, [99, 1]), (198, [99, 99]), (250, [99, 99, 52])]
)
def test_a_full_lane_is_received_in_as_few_transactions_as_can_be(gifts: int, batches_by_shard: list[int]) -> None:
    station = RelayHarness()
    assert station.relay(*[gift(number) for number in range(gifts)]) == []
    assert station.ledger.batches_by_shard == batches_by_shard
    assert list(station.sequences().values()) == list(range(1, gifts + 1))
    assert len(station.published()) == gifts


def test_a_record_that_comes_twice_in_a_batch_is_received_once_and_told_twice_alike() -> None:
    station = RelayHarness()
    assert station.relay(gift(1), gift(2), gift(1)) == []
    assert station.ledger.batches_by_shard == [2]
    assert station.sequences() == {"event-1": 1, "event-2": 2}
    first, _, again = station.publisher.published
    assert first == again


def test_a_record_that_comes_again_keeps_its_sequence_and_its_id() -> None:
    station = RelayHarness()
    station.relay(gift(1), gift(2))
    station.relay(gift(3), gift(2), gift(1))
    assert station.sequences() == {"event-1": 1, "event-2": 2, "event-3": 3}
    told = {(message.id, message.envelope["sequence"]) for message in station.publisher.published}
    assert len(told) == 3


def test_a_credit_that_comes_again_is_told_again_and_keeps_its_first_stamp() -> None:
    station = RelayHarness()
    station.relay(credit(1))
    station.clock.advance(timedelta(hours=1))
    station.relay(credit(1))
    assert station.published() == events(1, 1)
    assert station.ledger.published_entries == {"purchase-1": START}


def test_real_money_and_its_stage_are_told() -> None:
    ledger, publisher = FakeLedger(), FakePublisher()
    relay = FakeRelayServices(
        ledger=ledger,
        publisher=publisher,
        redrive_queue=FakeRedriveQueue(),
        streak_timer=FakeStreakTimer(),
        clock=FakeClock(),
        source="/coinpurse/prod",
        livemode=True,
    )
    relay_entries([record(0, a_gift()), record(1, credit(1, payment_intent=uuid7_at(START, 1)))], relay)
    assert {message.envelope["source"] for message in publisher.published} == {"/coinpurse/prod"}
    assert {message.attributes["livemode"] for message in publisher.published} == {"true"}
