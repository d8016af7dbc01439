"""Contract of the Journal port: stored totals compared with the sums of their entries."""

from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.adapters.dynamodb.models import shard_key
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import Mismatch
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import Posted
from tests.adapters.injection import Fault, Send, meeting
from tests.adapters.samples import (
    a_clawback,
    a_gift,
    a_purchase,
    a_reversal,
    an_adjustment,
    buy,
    new_name,
)
from tests.stores import DynamoStore, Store

LANE = 5


@pytest.fixture
def purchase(store: Store) -> Purchase:
    """A purchase of 500 coins, then a gift of 60, a clawback of 100 and a grant of 7; another purchase is pending."""
    purchase = buy(store.ledger, new_name("fan"), 500)
    store.ledger.post_gift(a_gift(purchase.user_id))
    store.ledger.update_kept_amount(purchase, 423, a_clawback(purchase, 100))
    store.operators.grant(an_adjustment(purchase.user_id, coins=7))
    store.ledger.open_purchase(a_purchase(purchase.user_id))
    return purchase


@pytest.fixture
def gifts(store: Store) -> list[Gift]:
    """Gifts of 1, 2, 3 and 4 coins, received in this order, and a reversal of the last."""
    user_id, creator_id = new_name("fan"), new_name("creator")
    buy(store.ledger, user_id, 10)
    gifts = [a_gift(user_id, creator_id=creator_id, shard=LANE, price_coins=coins) for coins in (1, 2, 3, 4)]
    for gift in gifts:
        assert store.ledger.post_gift(gift) == Posted()
    reversal = a_reversal(gifts[-1])
    assert store.operators.reverse_gift(reversal) == Posted()
    store.ledger.receive_gifts(creator_id, LANE, [*gifts, reversal])
    return gifts


def test_a_wallet_agrees_with_its_entries(store: Store, purchase: Purchase) -> None:
    assert store.journal.wallet_mismatch(purchase.user_id) is None


def test_a_wallet_that_is_not_there_agrees_with_no_entries(store: Store) -> None:
    assert store.journal.wallet_mismatch(new_name("fan")) is None


@pytest.mark.parametrize("coins", [346, 348, 0, -347])
def test_a_wallet_that_was_tampered_with_is_told_and_not_mended(store: Store, purchase: Purchase, coins: int) -> None:
    store.put_coins(purchase.user_id, coins)

    for _ in range(2):
        told = store.journal.wallet_mismatch(purchase.user_id)
        assert told == Mismatch(what=f"wallet/{purchase.user_id}", stored=coins, added_up=347)
    assert store.ledger.read_wallet(purchase.user_id).coins == coins


def test_a_wallet_without_entries_is_told(store: Store) -> None:
    user_id = new_name("fan")
    store.put_coins(user_id, 1_000)

    assert store.journal.wallet_mismatch(user_id) == Mismatch(what=f"wallet/{user_id}", stored=1_000, added_up=0)


def test_a_lane_agrees_with_its_entries(store: Store, gifts: list[Gift]) -> None:
    assert store.journal.shard_mismatch(gifts[0].creator_id, LANE) is None


def test_a_lane_that_is_not_there_agrees_with_no_entries(store: Store) -> None:
    assert store.journal.shard_mismatch(new_name("creator"), 0) is None


@pytest.mark.parametrize("coins", [5, 7, 10, 0])
def test_a_lane_that_was_tampered_with_is_told_and_not_mended(store: Store, gifts: list[Gift], coins: int) -> None:
    creator_id = gifts[0].creator_id
    store.put_shard_coins(creator_id, LANE, coins)

    for _ in range(2):
        told = store.journal.shard_mismatch(creator_id, LANE)
        assert told == Mismatch(what=f"creator/{creator_id}/{LANE}", stored=coins, added_up=6)


@pytest.mark.parametrize("sequence", [1, 3, 6, 99, 0, -2], ids=lambda sequence: f"2 becomes {sequence}")
def test_a_wrong_sequence_is_told_by_two_figures_that_differ(store: Store, gifts: list[Gift], sequence: int) -> None:
    creator_id = gifts[0].creator_id
    store.put_sequence(creator_id, LANE, gifts[1].event_id, sequence)

    told = store.journal.shard_mismatch(creator_id, LANE)

    assert told == Mismatch(what=f"creator/{creator_id}/{LANE}/sequence", stored=5, added_up=4)


@pytest.mark.parametrize("sequence", [4, 6])
def test_a_total_that_counts_otherwise_than_its_entries_is_told(atomic_store: DynamoStore, sequence: int) -> None:
    """The fake keeps no such count."""
    creator_id = new_name("creator")
    atomic_store.ledger.receive_gifts(creator_id, 0, [a_gift(creator_id=creator_id, shard=0) for _ in range(5)])
    atomic_store.put(shard_key(creator_id, 0), "LANE", "sequence", sequence)

    told = atomic_store.journal.shard_mismatch(creator_id, 0)

    assert told == Mismatch(what=f"creator/{creator_id}/0/sequence", stored=sequence, added_up=5)


def after(act: Callable[[], object]) -> Fault:
    """Run `act` before the request is sent."""

    def fault(send: Send) -> AWSResponse:
        act()
        return send()

    return fault


def buying(store: DynamoStore, user_id: str) -> Fault:
    return after(lambda: buy(store.ledger, user_id, 5))


def receiving(store: DynamoStore, creator_id: str) -> Fault:
    gift = a_gift(creator_id=creator_id, shard=0)
    return after(lambda: store.ledger.receive_gifts(creator_id, 0, [gift]))


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_a_wallet_that_moves_while_it_is_added_up_is_no_mismatch(atomic_store: DynamoStore, times: int) -> None:
    user_id = new_name("fan")
    buy(atomic_store.ledger, user_id, 100)

    with meeting(atomic_store.client, *[buying(atomic_store, user_id)] * times, operation="Query"):
        assert atomic_store.journal.wallet_mismatch(user_id) is None


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_a_lane_that_moves_while_it_is_added_up_is_no_mismatch(atomic_store: DynamoStore, times: int) -> None:
    creator_id = new_name("creator")
    arriving = [receiving(atomic_store, creator_id) for _ in range(times)]

    with meeting(atomic_store.client, *arriving, operation="Query"):
        assert atomic_store.journal.shard_mismatch(creator_id, 0) is None


def test_what_was_tampered_with_is_told_once_it_stands_still(atomic_store: DynamoStore) -> None:
    user_id, creator_id = new_name("fan"), new_name("creator")
    atomic_store.put_coins(user_id, 1)
    atomic_store.put_shard_coins(creator_id, 0, 1)

    with meeting(atomic_store.client, buying(atomic_store, user_id), operation="Query"):
        wallet = atomic_store.journal.wallet_mismatch(user_id)
    with meeting(atomic_store.client, receiving(atomic_store, creator_id), operation="Query"):
        shard = atomic_store.journal.shard_mismatch(creator_id, 0)

    assert wallet == Mismatch(what=f"wallet/{user_id}", stored=6, added_up=5)
    assert shard == Mismatch(what=f"creator/{creator_id}/0", stored=61, added_up=60)
