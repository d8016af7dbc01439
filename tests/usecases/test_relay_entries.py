from datetime import timedelta

import pytest

from chalicelib.domain.events import message_for_credit, message_for_gift
from chalicelib.domain.shards import ShardPosition
from chalicelib.usecases.relay import relay_entries
from tests.domain.builders import CREATOR, a_gift
from tests.fake_services import SOURCE, FakeRelayServices
from tests.fake_topic import FakePublisher, FakeRedriveQueue, FakeStreakTimer
from tests.fakes import START, FakeClock, FakeLedger, uuid7_at
from tests.usecases.relay_harness import RelayHarness, credit, events, gift, record


def test_relay_of_an_empty_batch_publishes_nothing() -> None:
    harness = RelayHarness()
    assert harness.relay() == []
    assert harness.publisher.published == []


def test_relay_of_a_gift_receives_it_and_publishes_its_sequence() -> None:
    harness = RelayHarness()
    assert harness.relay(gift(1, price_coins=5)) == []
    assert harness.ledger.shards[CREATOR, 0].coins == 5
    assert harness.publisher.published == [
        message_for_gift(gift(1, price_coins=5), ShardPosition(sequence=1), source=SOURCE, livemode=False)
    ]


def test_relay_of_a_credit_publishes_and_marks_it() -> None:
    harness = RelayHarness()
    harness.clock.advance(timedelta(seconds=3))
    assert harness.relay(credit(1)) == []
    assert harness.publisher.published == [message_for_credit(credit(1), source=SOURCE, livemode=False)]
    assert harness.ledger.published_entries == {"purchase-1": START + timedelta(seconds=3)}
    assert harness.ledger.batches_by_shard == []


def test_relay_of_a_gift_marks_nothing_in_the_wallet() -> None:
    harness = RelayHarness()
    harness.relay(gift(1))
    assert harness.ledger.published_entries == {}


def test_relay_receives_gifts_by_shard_in_the_order_of_the_batch() -> None:
    harness = RelayHarness()
    harness.relay(
        gift(1, shard=0), gift(2, shard=1), gift(3, creator_id="creator-2"), gift(4, shard=0), gift(5, shard=1)
    )
    assert harness.sequences(shard=0) == {"event-1": 1, "event-4": 2}
    assert harness.sequences(shard=1) == {"event-2": 1, "event-5": 2}
    assert harness.sequences("creator-2") == {"event-3": 1}
    assert harness.ledger.batches_by_shard == [2, 2, 1]
    assert sorted(harness.published()) == events(1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("gifts", "batches_by_shard"), [(1, [1]), (99, [99]), (100, [99, 1]), (198, [99, 99]), (250, [99, 99, 52])]
)
def test_relay_of_a_full_shard_uses_the_fewest_transactions(gifts: int, batches_by_shard: list[int]) -> None:
    harness = RelayHarness()
    assert harness.relay(*[gift(number) for number in range(gifts)]) == []
    assert harness.ledger.batches_by_shard == batches_by_shard
    assert list(harness.sequences().values()) == list(range(1, gifts + 1))
    assert len(harness.published()) == gifts


def test_relay_of_a_record_twice_in_a_batch_receives_it_once() -> None:
    harness = RelayHarness()
    assert harness.relay(gift(1), gift(2), gift(1)) == []
    assert harness.ledger.batches_by_shard == [2]
    assert harness.sequences() == {"event-1": 1, "event-2": 2}
    first, _, again = harness.publisher.published
    assert first == again


def test_relay_of_a_repeated_record_keeps_id_and_sequence() -> None:
    harness = RelayHarness()
    harness.relay(gift(1), gift(2))
    harness.relay(gift(3), gift(2), gift(1))
    assert harness.sequences() == {"event-1": 1, "event-2": 2, "event-3": 3}
    published = {(message.id, message.envelope["sequence"]) for message in harness.publisher.published}
    assert len(published) == 3


def test_relay_of_a_repeated_credit_publishes_it_once_and_keeps_its_first_mark() -> None:
    harness = RelayHarness()
    harness.relay(credit(1))
    harness.clock.advance(timedelta(hours=1))
    harness.relay(credit(1))
    assert harness.published() == events(1)
    assert harness.ledger.published_entries == {"purchase-1": START}


def test_relay_publishes_livemode_and_source() -> None:
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
