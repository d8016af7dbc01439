from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry
from chalicelib.domain.events import message_for_adjustment
from chalicelib.errors import TryAgain
from tests.domain.builders import CREATOR, a_reversal, an_adjustment
from tests.fake_services import SOURCE
from tests.usecases.relay_harness import RelayHarness, credit, events, gift


def moved(number: int, kind: Kind, coins: int = 5, **changes: Any) -> Adjustment:
    return an_adjustment(entry_id=f"entry-{number}", event_id=f"event-{number}", kind=kind, coins=coins, **changes)


def reversed_gift(number: int, of: int, **changes: Any) -> Adjustment:
    return a_reversal(gift(of, **changes), entry_id=f"entry-{number}", event_id=f"event-{number}")


@pytest.mark.parametrize(("kind", "coins"), [(Kind.CLAWBACK, -5), (Kind.RESTORE, 5), (Kind.GRANT, 5)])
def test_relay_of_an_adjustment_publishes_and_marks_it(kind: Kind, coins: int) -> None:
    harness = RelayHarness()
    entry = moved(1, kind, coins)
    assert harness.relay(entry) == []
    assert harness.publisher.published == [message_for_adjustment(entry, None, source=SOURCE, livemode=False)]
    assert list(harness.ledger.published_entries) == ["entry-1"]
    assert harness.ledger.batches_by_shard == []


def test_relay_of_a_reversal_counters_the_shard_with_the_next_sequence() -> None:
    harness = RelayHarness()
    entry = reversed_gift(2, of=1, price_coins=35)
    assert harness.relay(gift(1, price_coins=35), entry) == []
    assert harness.sequences() == {"event-1": 1, "event-2": 2}
    assert harness.ledger.shards[CREATOR, 0].coins == 0
    assert harness.publisher.published[1] == message_for_adjustment(entry, 2, source=SOURCE, livemode=False)
    assert harness.ledger.published_entries == {}


def test_relay_of_a_reversal_before_its_gift_has_the_same_total() -> None:
    harness = RelayHarness()
    harness.relay(reversed_gift(2, of=1, price_coins=35))
    assert harness.ledger.shards[CREATOR, 0].coins == -35
    harness.relay(gift(1, price_coins=35))
    assert harness.ledger.shards[CREATOR, 0].coins == 0


def test_relay_of_a_repeated_reversal_counters_once() -> None:
    harness = RelayHarness()
    for _ in range(3):
        harness.relay(gift(1, price_coins=35), reversed_gift(2, of=1, price_coins=35))
    assert (harness.ledger.shards[CREATOR, 0].coins, len(harness.sequences())) == (0, 2)
    assert set(harness.published()) == set(events(1, 2))


def test_relay_of_all_kinds_receives_each_shard_at_once() -> None:
    harness = RelayHarness()
    batch: list[Entry] = [
        gift(1),
        reversed_gift(2, of=1),
        moved(3, Kind.GRANT),
        credit(4),
        reversed_gift(5, of=9, shard=1),
    ]
    assert harness.relay(*batch) == []
    assert harness.ledger.batches_by_shard == [2, 1]
    assert sorted(harness.published()) == events(1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("fault", "retry", "aside"), [(TryAgain(), ["r0"], []), (ValueError("poison"), [], ["entry-1"])], ids=str
)
@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.GIFT_REVERSAL])
def test_relay_of_a_failing_adjustment_retries_it_or_sets_it_aside(
    kind: Kind, fault: Exception, retry: list[str], aside: list[str]
) -> None:
    harness = RelayHarness()
    harness.ledger.receiving["event-1"] = harness.ledger.stamping["entry-1"] = fault
    entry = reversed_gift(1, of=9) if kind is Kind.GIFT_REVERSAL else moved(1, kind)
    assert harness.relay(entry, credit(2)) == retry
    assert harness.aside() == aside
