"""Notes of published gifts: one mark of the run, or one at each gift where the run left something over."""

from datetime import timedelta

import pytest

from chalicelib.errors import TryAgain
from chalicelib.usecases.relay import FIRST_TRY, WAIT_TIME, relay_records
from tests.domain.builders import CREATOR
from tests.fakes import START
from tests.usecases.relay_harness import RelayHarness, credit, events, gift, record


@pytest.fixture
def harness() -> RelayHarness:
    return RelayHarness()


def noted(harness: RelayHarness) -> tuple[int, list[str]]:
    """Return the number of marked runs, and the gifts that are noted by themselves."""
    shards = harness.ledger.shards.values()
    return len(harness.ledger.published_runs), sorted(event_id for shard in shards for event_id in shard.published)


def test_relay_notes_all_gifts_by_one_mark(harness: RelayHarness) -> None:
    assert harness.relay(gift(1), credit(2), gift(3, shard=1)) == []
    assert noted(harness) == (1, [])


def test_relay_without_gifts_notes_no_run(harness: RelayHarness) -> None:
    assert harness.relay(credit(2)) == []
    assert noted(harness) == (0, [])


@pytest.mark.parametrize("failure", ["busy", "refused", "received"])
def test_relay_that_leaves_a_gift_over_notes_the_others_by_themselves(harness: RelayHarness, failure: str) -> None:
    if failure == "received":
        harness.ledger.receiving["event-2"] = TryAgain()
    else:
        setattr(harness.publisher, failure, {"event-2"})
    harness.relay(gift(1), gift(2, shard=1), gift(3))
    assert noted(harness) == (0, events(1, 3))


def test_relay_of_a_repeated_batch_publishes_only_what_was_left(harness: RelayHarness) -> None:
    gifts = gift(1), gift(2), gift(3)
    harness.publisher.busy = {"event-2"}
    for _ in range(3):
        assert harness.relay(*gifts) == ["r1"]
    assert harness.published() == events(1, 3)
    harness.publisher.busy = set()
    assert harness.relay(*gifts) == []
    assert (harness.published(), noted(harness)) == (events(1, 3, 2), (0, events(1, 2, 3)))
    assert harness.sequences() == {"event-1": 1, "event-2": 2, "event-3": 3}


def test_relay_of_new_and_repeated_gifts_notes_the_run_and_each_repeated_one(harness: RelayHarness) -> None:
    harness.ledger.receive_gifts(CREATOR, 0, [gift(1)], "killed")
    assert harness.relay(gift(1), gift(2)) == []
    assert noted(harness) == (1, events(1))


# --- entries without a creator ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-1, 1], ids=["the relay's clock is late", "an old entry"])
def test_relay_of_a_credit_that_may_be_repeated_asks_for_its_note(harness: RelayHarness, ahead: int) -> None:
    harness.clock.advance(ahead * FIRST_TRY)
    harness.ledger.asking["purchase-1"] = TryAgain()
    harness.ledger.asking["purchase-2"] = ValueError("poison")
    assert harness.relay(credit(1), credit(2), credit(3)) == ["r0"]
    assert (harness.published(), harness.aside()) == (events(3), ["purchase-2"])
    assert harness.relay(credit(3), gift(4)) == []
    assert harness.published() == events(3, 4)


def test_relay_of_a_young_credit_asks_for_no_note(harness: RelayHarness) -> None:
    harness.ledger.asking["purchase-1"] = ValueError("asked")
    harness.clock.advance(FIRST_TRY - timedelta(milliseconds=1))
    assert harness.relay(credit(1)) == []
    assert harness.published() == events(1)


@pytest.mark.parametrize(
    ("age", "waited"), [(0.5, 1.5), (-1.5, 3.5), (2.0, 0.0), (-9.0, 0.0)], ids=lambda each: f"{each} s"
)
def test_relay_records_after_a_failure_waits_until_its_credits_are_old(
    harness: RelayHarness, age: float, waited: float
) -> None:
    posted = [record(0, gift(1)), record(1, credit(2)), record(2, None)]
    harness.post(gift(1), credit(2))
    harness.ledger.receiving["event-1"] = TryAgain()
    harness.clock.advance(timedelta(seconds=age))
    began = harness.clock.now()
    assert relay_records(posted, [], harness.services()) == ["r0"]
    assert harness.clock.now() - began == timedelta(seconds=waited)


def test_relay_records_waits_no_longer_than_its_timeout(harness: RelayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock is a minute late, so that an entry is young after slow calls."""

    def fail_late(*_: object) -> None:
        harness.clock.advance(timedelta(seconds=57))
        raise TryAgain

    monkeypatch.setattr(harness.ledger, "receive_gifts", fail_late)
    harness.post(gift(1), credit(2))
    harness.clock.advance(-timedelta(seconds=58))
    began = harness.clock.now()
    posted = [record(0, gift(1)), record(1, credit(2))]
    assert relay_records(posted, [], harness.services()) == ["r0", "r1"]
    assert harness.clock.now() == began + WAIT_TIME


def test_relay_records_waits_neither_for_gifts_nor_without_a_failure(harness: RelayHarness) -> None:
    harness.post(gift(1), gift(2, shard=1), credit(3))
    assert relay_records([record(0, credit(3))], [], harness.services()) == []
    harness.ledger.receiving["event-1"] = TryAgain()
    assert relay_records([record(0, gift(1)), record(1, gift(2, shard=1))], [], harness.services()) == ["r0"]
    assert harness.clock.now() == START
