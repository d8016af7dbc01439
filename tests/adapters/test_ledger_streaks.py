"""Contract of the Ledger port: streaks, on the sender's and on the creator's side."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.economy import MAX_QUANTITY
from chalicelib.domain.gifts import Gift
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.shards import ShardPosition
from chalicelib.domain.streaks import StreakEnd, end_of
from chalicelib.domain.wallets import Streak
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Stale
from tests.adapters.costs import Cost, measured, reported
from tests.adapters.samples import a_gift, a_posting, a_reversal, buy, new_id, new_name
from tests.adapters.totals_lab import require_equal_sum
from tests.fakes import START
from tests.journal_hours import lines_of_hour
from tests.stores import DynamoStore, Store


@pytest.fixture
def first(store: Store) -> Gift:
    """The unsent first gift of a streak; its sender can afford eight such gifts."""
    first = a_gift()
    buy(store.ledger, first.user_id, 500)
    return replace(first, streak_id=first.gift_id)


def next_gift(first: Gift, **changes: Any) -> Gift:
    later = first.posted_at + timedelta(seconds=1)
    return replace(first, **{"gift_id": new_id(), "event_id": new_id(), "posted_at": later, **changes})


def streak(store: Store, gift: Gift) -> Streak | None:
    return store.ledger.read_wallet(gift.user_id).streak


def end(store: Store, gift: Gift) -> StreakEnd:
    """Build the end of the current streak."""
    seen = streak(store, gift)
    assert seen is not None
    return end_of(seen, gift.user_id, new_id(), a_posting())


def test_post_gift_first_of_streak_starts_streak(store: Store, first: Gift) -> None:
    assert store.ledger.post_gift(first) == Posted()

    assert streak(store, first) == Streak(
        streak_id=first.gift_id,
        creator_id=first.creator_id,
        item_id="rose",
        is_anonymous=False,
        shard=3,
        count=1,
        coins=60,
        last_at=first.posted_at,
    )
    assert store.ledger.find_entry(first.user_id, first.gift_id) == first


def test_post_gift_next_of_streak_is_debited_and_counted(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    second, third = next_gift(first), next_gift(first, price_coins=120, posted_at=START + timedelta(hours=1))

    assert [store.ledger.post_gift(gift) for gift in (second, third)] == [Posted(), Posted()]

    wallet = store.ledger.read_wallet(first.user_id)
    assert wallet.streak is not None
    assert (wallet.coins, wallet.streak.count, wallet.streak.coins) == (260, 3, 240)
    assert wallet.streak.last_at == third.posted_at


def test_post_gift_repeat_in_streak_is_counted_once(store: Store, first: Gift) -> None:
    second = next_gift(first)
    for gift in (first, second, second, first):
        store.ledger.post_gift(gift)

    refused = store.ledger.post_gift(second)

    assert isinstance(refused, AlreadyExists)
    assert refused.entry == second
    assert streak(store, first) is not None
    assert [(seen.count, seen.coins) for seen in [streak(store, first)] if seen] == [(2, 120)]


@pytest.mark.parametrize(
    "changes",
    [
        {"creator_id": "somebody-else"},
        {"item_id": "cake"},
        {"shard": 4},
        {"anonymous": True},
        {"streak_id": new_id()},
    ],
    ids=str,
)
def test_post_gift_not_matching_streak_is_rejected_with_wallet(
    store: Store, first: Gift, changes: dict[str, Any]
) -> None:
    store.ledger.post_gift(first)
    before = store.snapshot(first.user_id)

    refused = store.ledger.post_gift(next_gift(first, **changes))

    assert isinstance(refused, Rejected)
    assert refused.wallet == store.ledger.read_wallet(first.user_id)
    assert store.snapshot(first.user_id) == before


def test_post_gift_of_unknown_streak_is_rejected(store: Store, first: Gift) -> None:
    refused = store.ledger.post_gift(next_gift(first))
    assert isinstance(refused, Rejected)
    assert (refused.wallet, streak(store, first)) == (store.ledger.read_wallet(first.user_id), None)


def test_post_gift_without_streak_leaves_streak_unchanged(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    before = streak(store, first)
    assert store.ledger.post_gift(next_gift(first, streak_id=None)) == Posted()
    assert streak(store, first) == before


def test_post_gift_starting_new_streak_requires_end_of_active_one(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    other = next_gift(first, item_id="cake")
    other = replace(other, streak_id=other.gift_id)
    refused = store.ledger.post_gift(other)
    assert isinstance(refused, Rejected)
    assert refused.wallet is not None

    ended = end(store, first)
    assert store.ledger.post_gift(other, ended=ended) == Posted()

    now = streak(store, first)
    assert now is not None
    assert (now.streak_id, now.item_id, now.count, now.coins) == (other.gift_id, "cake", 1, 60)
    assert store.ledger.find_entry(first.user_id, ended.notification.entry_id) == ended.notification
    assert store.ledger.read_wallet(first.user_id).coins == 380


def test_end_streak_of_outdated_streak_is_stale(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    stale = end(store, first)
    store.ledger.post_gift(next_gift(first))
    before = store.snapshot(first.user_id)
    other = next_gift(first)

    assert store.ledger.end_streak(first.user_id, stale) == Stale()
    assert store.ledger.post_gift(replace(other, streak_id=other.gift_id), ended=stale) != Posted()
    assert store.snapshot(first.user_id) == before


def test_end_streak_stores_one_notification_with_totals(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    store.ledger.post_gift(next_gift(first))
    ended = end(store, first)

    assert store.ledger.end_streak(first.user_id, ended) == Posted()
    assert store.ledger.end_streak(first.user_id, ended) == Stale()

    assert streak(store, first) is None
    notification = store.ledger.find_entry(first.user_id, ended.notification.entry_id)
    assert notification == ended.notification
    assert ended.notification.kind is NotificationKind.STREAK_END
    assert dict(ended.notification.payload) == {
        "streak_id": first.gift_id,
        "sender_id": first.user_id,
        "item_id": "rose",
        "count": 2,
        "coins": 120,
    }
    assert [line for line in lines_of_hour(store.journal, START) if line.entry_id == ended.notification.entry_id]
    require_equal_sum(store, first.user_id)


def test_post_gift_after_end_of_streak_is_rejected(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    store.ledger.end_streak(first.user_id, end(store, first))
    refused = store.ledger.post_gift(next_gift(first))
    assert isinstance(refused, Rejected)
    assert refused.wallet is not None
    assert refused.wallet.streak is None


# --- the creator's side -----------------------------------------------------------------------------------------------


def test_receive_gifts_counts_streak_in_order_of_receipt(store: Store) -> None:
    creator_id, user_id, streak_id = new_name("creator"), new_name("fan"), new_id()
    gifts = [
        a_gift(user_id, creator_id=creator_id, shard=0, streak_id=streak_id, price_coins=coins) for coins in (5, 6)
    ]
    other = a_gift(creator_id=creator_id, shard=0)
    late = replace(gifts[0], event_id=new_id(), gift_id=new_id(), price_coins=7)

    both = store.ledger.receive_gifts(creator_id, 0, [gifts[0], other, gifts[1]])
    reversal = a_reversal(gifts[0])
    again = store.ledger.receive_gifts(creator_id, 0, [gifts[1], reversal, late])

    assert both == {
        gifts[0].event_id: ShardPosition(sequence=1, streak_count=1, streak_coins=5),
        other.event_id: ShardPosition(sequence=2),
        gifts[1].event_id: ShardPosition(sequence=3, streak_count=2, streak_coins=11),
    }
    assert again == {
        gifts[1].event_id: both[gifts[1].event_id],
        reversal.event_id: ShardPosition(sequence=4),
        late.event_id: ShardPosition(sequence=5, streak_count=3, streak_coins=18),
    }, "a count that consumers show does not go back"
    assert store.shard(creator_id, 0).coins == 6 + 7 + 60


def test_receive_gifts_streak_id_is_unique_per_user(store: Store) -> None:
    creator_id, streak_id = new_name("creator"), new_id()
    gifts = [a_gift(new_name("fan"), creator_id=creator_id, shard=0, streak_id=streak_id) for _ in range(2)]
    batches_by_shard = store.ledger.receive_gifts(creator_id, 0, gifts)
    assert [batches_by_shard[gift.event_id].streak_count for gift in gifts] == [1, 1]


def test_receive_gifts_streak_end_takes_sequence_and_no_coins(store: Store, first: Gift) -> None:
    store.ledger.post_gift(first)
    ended = end(store, first)
    received = store.ledger.receive_gifts(first.creator_id, 3, [first, ended.notification])
    assert received[ended.notification.event_id] == ShardPosition(sequence=2)
    assert store.shard(first.creator_id, 3).coins == 60
    assert store.ledger.receive_gifts(first.creator_id, 3, [ended.notification]) == {
        ended.notification.event_id: ShardPosition(sequence=2)
    }


def test_creator_coins_sums_all_shards(store: Store) -> None:
    creator_id = new_name("creator")
    assert store.ledger.creator_coins(creator_id) == 0
    for shard in (0, 7, 63):
        store.ledger.receive_gifts(creator_id, shard, [a_gift(creator_id=creator_id, shard=shard)])
    store.ledger.receive_gifts(f"{creator_id}0", 0, [a_gift(creator_id=f"{creator_id}0", shard=0)])
    assert store.ledger.creator_coins(creator_id) == 180


# --- costs ------------------------------------------------------------------------------------------------------------


def test_post_gift_in_streak_costs_one_trip_and_five_units(atomic_store: DynamoStore) -> None:
    gift = a_gift()
    buy(atomic_store.ledger, gift.user_id, 500)
    first = replace(gift, streak_id=gift.gift_id)
    for sent in (first, next_gift(first), next_gift(first)):
        cost = measured(atomic_store, lambda sent=sent: atomic_store.ledger.post_gift(sent))  # type: ignore[misc]
        assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=5))


def test_end_streak_costs_one_trip_and_five_units(atomic_store: DynamoStore) -> None:
    gift = a_gift()
    buy(atomic_store.ledger, gift.user_id, 500)
    atomic_store.ledger.post_gift(replace(gift, streak_id=gift.gift_id))
    ended = end(atomic_store, gift)
    cost = measured(atomic_store, lambda: atomic_store.ledger.end_streak(gift.user_id, ended))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=5))


def test_receive_gifts_of_streak_costs_two_units_more(atomic_store: DynamoStore) -> None:
    creator_id, user_id, streak_id = new_name("creator"), new_name("fan"), new_id()
    gifts = [a_gift(user_id, creator_id=creator_id, shard=0, streak_id=streak_id) for _ in range(4)]
    cost = measured(atomic_store, lambda: atomic_store.ledger.receive_gifts(creator_id, 0, gifts))
    assert cost.trips == 2
    assert reported(atomic_store, Cost(2, wru=cost.wru)) == reported(atomic_store, Cost(2, wru=2 * 4 + 2 + 2))


def test_creator_coins_costs_one_trip(atomic_store: DynamoStore) -> None:
    assert measured(atomic_store, lambda: atomic_store.ledger.creator_coins("nobody")).trips == 1


def test_wallet_item_with_longest_streak_is_under_750_bytes(table_store: DynamoStore) -> None:
    table_store.bind()
    gift = a_gift(
        "f" * 128, creator_id="c" * 128, item_id="i" * 64, shard=63, quantity=MAX_QUANTITY, price_coins=MAX_AMOUNT
    )
    buy(table_store.ledger, gift.user_id, MAX_AMOUNT)
    assert table_store.ledger.post_gift(replace(gift, streak_id=gift.gift_id)) == Posted()
    wallet = table_store.item(f"WALLET#{gift.user_id}", "WALLET")
    assert sum(len(name) + len(str(next(iter(value.values())))) for name, value in wallet.items()) < 750
