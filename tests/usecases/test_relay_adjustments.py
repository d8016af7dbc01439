from typing import Any

import pytest

from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry
from chalicelib.domain.events import message_for_adjustment
from chalicelib.errors import TryAgain
from tests.domain.builders import CREATOR, a_reversal, an_adjustment
from tests.usecases.relay_harness import SOURCE, RelayHarness, credit, events, gift


def moved(number: int, kind: Kind, coins: int = 5, **changes: Any) -> Adjustment:
    return an_adjustment(entry_id=f"entry-{number}", event_id=f"event-{number}", kind=kind, coins=coins, **changes)


def reversed_gift(number: int, of: int, **changes: Any) -> Adjustment:
    return a_reversal(gift(of, **changes), entry_id=f"entry-{number}", event_id=f"event-{number}")


@pytest.mark.parametrize(("kind", "coins"), [(Kind.CLAWBACK, -5), (Kind.RESTORE, 5), (Kind.GRANT, 5)])
def test_what_has_no_creator_is_told_and_stamped(kind: Kind, coins: int) -> None:
    station = RelayHarness()
    entry = moved(1, kind, coins)
    assert station.relay(entry) == []
    assert station.publisher.published == [message_for_adjustment(entry, None, source=SOURCE, livemode=False)]
    assert list(station.ledger.published_entries) == ["entry-1"]
    assert station.ledger.batches_by_shard == []


def test_a_reversed_gift_counters_its_lane_under_the_next_sequence() -> None:
    station = RelayHarness()
    entry = reversed_gift(2, of=1, price_coins=35)
    assert station.relay(gift(1, price_coins=35), entry) == []
    assert station.sequences() == {"event-1": 1, "event-2": 2}
    assert station.ledger.shards[CREATOR, 0].coins == 0
    assert station.publisher.published[1] == message_for_adjustment(entry, 2, source=SOURCE, livemode=False)
    assert station.ledger.published_entries == {}


def test_a_reversal_that_comes_before_its_gift_ends_in_the_same_total() -> None:
    station = RelayHarness()
    station.relay(reversed_gift(2, of=1, price_coins=35))
    assert station.ledger.shards[CREATOR, 0].coins == -35
    station.relay(gift(1, price_coins=35))
    assert station.ledger.shards[CREATOR, 0].coins == 0


def test_a_reversal_that_comes_again_counters_once() -> None:
    station = RelayHarness()
    for _ in range(3):
        station.relay(gift(1, price_coins=35), reversed_gift(2, of=1, price_coins=35))
    assert (station.ledger.shards[CREATOR, 0].coins, len(station.sequences())) == (0, 2)
    assert set(station.published()) == set(events(1, 2))


def test_all_kinds_share_a_batch_and_each_lane_is_one_receipt() -> None:
    station = RelayHarness()
    batch: list[Entry] = [
        gift(1),
        reversed_gift(2, of=1),
        moved(3, Kind.GRANT),
        credit(4),
        reversed_gift(5, of=9, shard=1),
    ]
    assert station.relay(*batch) == []
    assert station.ledger.batches_by_shard == [2, 1]
    assert sorted(station.published()) == events(1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("sick", "retry", "aside"), [(TryAgain(), ["r0"], []), (ValueError("poison"), [], ["entry-1"])], ids=str
)
@pytest.mark.parametrize("kind", [Kind.GRANT, Kind.GIFT_REVERSAL])
def test_what_fails_waits_or_is_set_aside_like_anything_else(
    kind: Kind, sick: Exception, retry: list[str], aside: list[str]
) -> None:
    station = RelayHarness()
    station.ledger.receiving["event-1"] = station.ledger.stamping["entry-1"] = sick
    entry = reversed_gift(1, of=9) if kind is Kind.GIFT_REVERSAL else moved(1, kind)
    assert station.relay(entry, credit(2)) == retry
    assert station.aside() == aside
