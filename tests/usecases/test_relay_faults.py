import pytest

from chalicelib.domain.entries import Entry
from chalicelib.errors import TryAgain
from tests.domain.builders import a_purchase
from tests.usecases.relay_harness import RelayHarness, credit, events, gift


def test_relay_sets_an_unreadable_record_aside() -> None:
    harness = RelayHarness()
    assert harness.relay(gift(1), None, credit(2)) == []
    assert harness.aside() == ["unreadable-1"]
    assert sorted(harness.published()) == events(1, 2)


@pytest.mark.parametrize("place", range(4))
def test_relay_isolates_a_poison_gift(place: int) -> None:
    harness = RelayHarness()
    harness.ledger.receiving[f"event-{place}"] = ValueError("poison")
    assert harness.relay(*[gift(number) for number in range(4)]) == []
    others = [number for number in range(4) if number != place]
    assert harness.aside() == [f"gift-{place}"]
    assert harness.published() == events(*others)
    assert list(harness.sequences()) == events(*others)


def test_relay_of_two_gifts_sets_only_the_poison_one_aside() -> None:
    harness = RelayHarness()
    harness.ledger.receiving["event-1"] = ValueError("poison")
    assert harness.relay(gift(1), gift(2)) == []
    assert (harness.aside(), harness.published()) == (["gift-1"], events(2))


def test_relay_of_two_poison_gifts_publishes_the_good_one() -> None:
    harness = RelayHarness()
    harness.ledger.receiving = {"event-1": ValueError("poison"), "event-3": KeyError("poison")}
    assert harness.relay(gift(1), gift(2), gift(3), gift(4, shard=1)) == []
    assert harness.aside() == ["gift-1", "gift-3"]
    assert sorted(harness.published()) == events(2, 4)


def test_relay_sets_an_unposted_credit_aside() -> None:
    harness = RelayHarness()
    unposted = a_purchase(purchase_id="purchase-1")
    assert harness.relay(unposted, credit(2), gift(3)) == []
    assert harness.aside() == ["purchase-1"]
    assert harness.published() == events(2, 3)


def test_relay_sets_a_credit_aside_that_cannot_be_marked() -> None:
    harness = RelayHarness()
    harness.ledger.stamping["purchase-1"] = ValueError("poison")
    assert harness.relay(credit(1), credit(2)) == []
    assert harness.aside() == ["purchase-1"]
    assert harness.published() == events(1, 2)
    assert list(harness.ledger.published_entries) == ["purchase-2"]


def test_relay_retries_a_busy_shard_and_passes_the_others() -> None:
    harness = RelayHarness()
    harness.ledger.receiving["event-2"] = TryAgain()
    assert harness.relay(gift(1, shard=1), gift(2), credit(3), gift(4), gift(5, shard=1)) == ["r1", "r3"]
    assert harness.aside() == []
    assert sorted(harness.published()) == events(1, 3, 5)
    harness.ledger.receiving.clear()
    assert harness.relay(gift(2), gift(4)) == []
    assert harness.sequences() == {"event-2": 1, "event-4": 2}


def test_relay_returns_failures_in_the_order_of_the_batch() -> None:
    harness = RelayHarness()
    harness.ledger.receiving["event-1"] = TryAgain()
    harness.ledger.stamping["purchase-0"] = TryAgain()
    harness.publisher.busy = {"event-3"}
    assert harness.relay(credit(0), gift(1), None, credit(3), gift(4, shard=1)) == ["r0", "r1", "r3"]


def test_relay_separates_poison_and_busy_gifts() -> None:
    harness = RelayHarness()
    harness.ledger.receiving = {"event-1": ValueError("poison"), "event-2": TryAgain()}
    assert harness.relay(gift(1), gift(2), gift(3)) == ["r1"]
    assert harness.aside() == ["gift-1"]
    assert harness.published() == events(3)


@pytest.mark.parametrize("entry", [gift(1), credit(1)], ids=["gift", "credit"])
def test_relay_retries_a_temporarily_rejected_message(entry: Entry) -> None:
    harness = RelayHarness()
    harness.publisher.busy = {"event-1"}
    assert harness.relay(entry, gift(2)) == ["r0"]
    assert harness.aside() == []
    assert harness.ledger.published_entries == {}
    harness.publisher.busy = set()
    assert harness.relay(entry) == []
    assert sorted(harness.published()) == events(1, 2)


@pytest.mark.parametrize("entry", [gift(1), credit(1)], ids=["gift", "credit"])
def test_relay_sets_a_permanently_rejected_message_aside(entry: Entry) -> None:
    harness = RelayHarness()
    harness.publisher.refused = {"event-1"}
    assert harness.relay(entry, gift(2)) == []
    assert harness.aside() == [entry.entry_id]
    assert harness.ledger.published_entries == {}
    assert harness.published() == events(2)


def test_relay_retries_a_record_whose_mark_fails() -> None:
    harness = RelayHarness()
    harness.ledger.stamping["purchase-1"] = TryAgain()
    assert harness.relay(credit(1), gift(2)) == ["r0"]
    assert sorted(harness.published()) == events(1, 2)


@pytest.mark.parametrize(
    ("entry", "keys"), [(None, "unreadable-0"), (gift(1), "gift-1"), (credit(1), "purchase-1")], ids=str
)
def test_relay_retries_a_record_that_cannot_be_set_aside(entry: Entry | None, keys: str) -> None:
    harness = RelayHarness()
    harness.queue.failing[keys] = TryAgain()
    harness.ledger.receiving["event-1"] = ValueError("poison")
    harness.publisher.refused = {"event-1"}
    assert harness.relay(entry, credit(2)) == ["r0"]
    assert harness.published() == events(2)
    assert harness.aside() == []


def test_relay_with_a_broken_queue_fails_the_batch() -> None:
    harness = RelayHarness()
    harness.queue.failing["unreadable-0"] = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        harness.relay(None, gift(1))


def test_relay_logs_the_keys_of_a_poison_record(caplog: pytest.LogCaptureFixture) -> None:
    harness = RelayHarness()
    harness.ledger.receiving["event-1"] = ValueError("poison")
    harness.relay(gift(1))
    (line,) = caplog.records
    assert line.message == "record_set_aside"
    assert (vars(line)["user_id"], vars(line)["entry_id"]) == ("fan-1", "gift-1")
