import pytest

from chalicelib.domain.entries import Entry
from chalicelib.errors import TryAgain
from tests.domain.builders import a_purchase
from tests.usecases.relay_harness import RelayHarness, credit, events, gift


def test_a_record_that_cannot_be_read_is_set_aside_and_the_others_pass() -> None:
    station = RelayHarness()
    assert station.relay(gift(1), None, credit(2)) == []
    assert station.aside() == ["unreadable-1"]
    assert sorted(station.published()) == events(1, 2)


@pytest.mark.parametrize("place", range(4))
def test_a_gift_that_cannot_be_received_is_found_alone(place: int) -> None:
    station = RelayHarness()
    station.ledger.receiving[f"event-{place}"] = ValueError("poison")
    assert station.relay(*[gift(number) for number in range(4)]) == []
    others = [number for number in range(4) if number != place]
    assert station.aside() == [f"gift-{place}"]
    assert station.published() == events(*others)
    assert list(station.sequences()) == events(*others)


def test_of_two_gifts_the_good_one_is_not_set_aside_with_the_bad() -> None:
    station = RelayHarness()
    station.ledger.receiving["event-1"] = ValueError("poison")
    assert station.relay(gift(1), gift(2)) == []
    assert (station.aside(), station.published()) == (["gift-1"], events(2))


def test_two_bad_gifts_and_a_good_one_part_company() -> None:
    station = RelayHarness()
    station.ledger.receiving = {"event-1": ValueError("poison"), "event-3": KeyError("poison")}
    assert station.relay(gift(1), gift(2), gift(3), gift(4, shard=1)) == []
    assert station.aside() == ["gift-1", "gift-3"]
    assert sorted(station.published()) == events(2, 4)


def test_a_credit_that_cannot_be_told_is_set_aside() -> None:
    station = RelayHarness()
    unposted = a_purchase(purchase_id="purchase-1")
    assert station.relay(unposted, credit(2), gift(3)) == []
    assert station.aside() == ["purchase-1"]
    assert station.published() == events(2, 3)


def test_a_credit_that_cannot_be_stamped_is_told_and_set_aside() -> None:
    station = RelayHarness()
    station.ledger.stamping["purchase-1"] = ValueError("poison")
    assert station.relay(credit(1), credit(2)) == []
    assert station.aside() == ["purchase-1"]
    assert station.published() == events(1, 2)
    assert list(station.ledger.published_entries) == ["purchase-2"]


def test_a_busy_lane_comes_again_whole_and_the_other_lanes_pass() -> None:
    station = RelayHarness()
    station.ledger.receiving["event-2"] = TryAgain()
    assert station.relay(gift(1, shard=1), gift(2), credit(3), gift(4), gift(5, shard=1)) == ["r1", "r3"]
    assert station.aside() == []
    assert sorted(station.published()) == events(1, 3, 5)
    station.ledger.receiving.clear()
    assert station.relay(gift(2), gift(4)) == []
    assert station.sequences() == {"event-2": 1, "event-4": 2}


def test_what_comes_again_is_named_in_the_order_of_the_batch() -> None:
    station = RelayHarness()
    station.ledger.receiving["event-1"] = TryAgain()
    station.ledger.stamping["purchase-0"] = TryAgain()
    station.publisher.busy = {"event-3"}
    assert station.relay(credit(0), gift(1), None, credit(3), gift(4, shard=1)) == ["r0", "r1", "r3"]


def test_a_poison_gift_among_busy_ones_keeps_them_apart() -> None:
    station = RelayHarness()
    station.ledger.receiving = {"event-1": ValueError("poison"), "event-2": TryAgain()}
    assert station.relay(gift(1), gift(2), gift(3)) == ["r1"]
    assert station.aside() == ["gift-1"]
    assert station.published() == events(3)


@pytest.mark.parametrize("entry", [gift(1), credit(1)], ids=["gift", "credit"])
def test_what_the_topic_is_too_busy_for_comes_again_and_is_not_stamped(entry: Entry) -> None:
    station = RelayHarness()
    station.publisher.busy = {"event-1"}
    assert station.relay(entry, gift(2)) == ["r0"]
    assert station.aside() == []
    assert station.ledger.published_entries == {}
    station.publisher.busy = set()
    assert station.relay(entry) == []
    assert sorted(station.published()) == events(1, 2)


@pytest.mark.parametrize("entry", [gift(1), credit(1)], ids=["gift", "credit"])
def test_what_the_topic_will_never_take_is_set_aside_and_not_stamped(entry: Entry) -> None:
    station = RelayHarness()
    station.publisher.refused = {"event-1"}
    assert station.relay(entry, gift(2)) == []
    assert station.aside() == [entry.entry_id]
    assert station.ledger.published_entries == {}
    assert station.published() == events(2)


def test_a_stamp_that_has_to_wait_lets_the_record_come_again() -> None:
    station = RelayHarness()
    station.ledger.stamping["purchase-1"] = TryAgain()
    assert station.relay(credit(1), gift(2)) == ["r0"]
    assert sorted(station.published()) == events(1, 2)


@pytest.mark.parametrize(
    ("entry", "keys"), [(None, "unreadable-0"), (gift(1), "gift-1"), (credit(1), "purchase-1")], ids=str
)
def test_what_cannot_even_be_set_aside_comes_again(entry: Entry | None, keys: str) -> None:
    station = RelayHarness()
    station.queue.failing[keys] = TryAgain()
    station.ledger.receiving["event-1"] = ValueError("poison")
    station.publisher.refused = {"event-1"}
    assert station.relay(entry, credit(2)) == ["r0"]
    assert station.published() == events(2)
    assert station.aside() == []


def test_a_queue_that_breaks_fails_the_batch_so_that_all_of_it_comes_again() -> None:
    station = RelayHarness()
    station.queue.failing["unreadable-0"] = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        station.relay(None, gift(1))


def test_the_log_names_the_keys_of_a_poison_record(caplog: pytest.LogCaptureFixture) -> None:
    station = RelayHarness()
    station.ledger.receiving["event-1"] = ValueError("poison")
    station.relay(gift(1))
    (line,) = caplog.records
    assert line.message == "record_set_aside"
    assert (vars(line)["user_id"], vars(line)["entry_id"]) == ("fan-1", "gift-1")
