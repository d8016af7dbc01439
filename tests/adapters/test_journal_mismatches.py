"""Contract of the Journal port: stored totals compared with the sums of their entries."""

from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.adapters.dynamodb.keys import shard_key
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import Mismatch
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import Posted
from tests.adapters.injection import Fault, Send, injecting
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

SHARD = 5


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
    gifts = [a_gift(user_id, creator_id=creator_id, shard=SHARD, price_coins=coins) for coins in (1, 2, 3, 4)]
    for gift in gifts:
        assert store.ledger.post_gift(gift) == Posted()
    reversal = a_reversal(gifts[-1])
    assert store.operators.reverse_gift(reversal) == Posted()
    store.ledger.receive_gifts(creator_id, SHARD, [*gifts, reversal])
    return gifts


def test_wallet_mismatch_is_none_for_equal_sums(store: Store, purchase: Purchase) -> None:
    assert store.journal.wallet_mismatch(purchase.user_id) is None


def test_wallet_mismatch_is_none_for_unknown_wallet(store: Store) -> None:
    assert store.journal.wallet_mismatch(new_name("fan")) is None


@pytest.mark.parametrize("coins", [346, 348, 0, -347])
def test_wallet_mismatch_reports_wrong_coins_without_repair(store: Store, purchase: Purchase, coins: int) -> None:
    store.put_coins(purchase.user_id, coins)

    for _ in range(2):
        mismatch = store.journal.wallet_mismatch(purchase.user_id)
        assert mismatch == Mismatch(what=f"wallet/{purchase.user_id}", stored=coins, added_up=347)
    assert store.ledger.read_wallet(purchase.user_id).coins == coins


def test_wallet_mismatch_reports_coins_without_entries(store: Store) -> None:
    user_id = new_name("fan")
    store.put_coins(user_id, 1_000)

    assert store.journal.wallet_mismatch(user_id) == Mismatch(what=f"wallet/{user_id}", stored=1_000, added_up=0)


def test_shard_mismatch_is_none_for_equal_sums(store: Store, gifts: list[Gift]) -> None:
    assert store.journal.shard_mismatch(gifts[0].creator_id, SHARD) is None


def test_shard_mismatch_is_none_for_unknown_shard(store: Store) -> None:
    assert store.journal.shard_mismatch(new_name("creator"), 0) is None


@pytest.mark.parametrize("coins", [5, 7, 10, 0])
def test_shard_mismatch_reports_wrong_coins_without_repair(store: Store, gifts: list[Gift], coins: int) -> None:
    creator_id = gifts[0].creator_id
    store.put_shard_coins(creator_id, SHARD, coins)

    for _ in range(2):
        mismatch = store.journal.shard_mismatch(creator_id, SHARD)
        assert mismatch == Mismatch(what=f"creator/{creator_id}/{SHARD}", stored=coins, added_up=6)


@pytest.mark.parametrize("sequence", [1, 3, 6, 99, 0, -2], ids=lambda sequence: f"2 becomes {sequence}")
def test_shard_mismatch_reports_wrong_sequence(store: Store, gifts: list[Gift], sequence: int) -> None:
    creator_id = gifts[0].creator_id
    store.put_sequence(creator_id, SHARD, gifts[1].event_id, sequence)

    mismatch = store.journal.shard_mismatch(creator_id, SHARD)

    assert mismatch == Mismatch(what=f"creator/{creator_id}/{SHARD}/sequence", stored=5, added_up=4)


@pytest.mark.parametrize("sequence", [4, 6])
def test_shard_mismatch_reports_wrong_sequence_in_total(atomic_store: DynamoStore, sequence: int) -> None:
    """The fake keeps no such count."""
    creator_id = new_name("creator")
    atomic_store.ledger.receive_gifts(creator_id, 0, [a_gift(creator_id=creator_id, shard=0) for _ in range(5)])
    atomic_store.put(shard_key(creator_id, 0), "LANE", "sequence", sequence)

    mismatch = atomic_store.journal.shard_mismatch(creator_id, 0)

    assert mismatch == Mismatch(what=f"creator/{creator_id}/0/sequence", stored=sequence, added_up=5)


def run_before_request(act: Callable[[], object]) -> Fault:
    """Run `act` before the request is sent."""

    def fault(send: Send) -> AWSResponse:
        act()
        return send()

    return fault


def buying(store: DynamoStore, user_id: str) -> Fault:
    return run_before_request(lambda: buy(store.ledger, user_id, 5))


def receiving(store: DynamoStore, creator_id: str) -> Fault:
    gift = a_gift(creator_id=creator_id, shard=0)
    return run_before_request(lambda: store.ledger.receive_gifts(creator_id, 0, [gift]))


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_wallet_mismatch_is_none_while_wallet_changes(atomic_store: DynamoStore, times: int) -> None:
    user_id = new_name("fan")
    buy(atomic_store.ledger, user_id, 100)

    with injecting(atomic_store.client, *[buying(atomic_store, user_id)] * times, operation="Query"):
        assert atomic_store.journal.wallet_mismatch(user_id) is None


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_shard_mismatch_is_none_while_shard_changes(atomic_store: DynamoStore, times: int) -> None:
    creator_id = new_name("creator")
    arriving = [receiving(atomic_store, creator_id) for _ in range(times)]

    with injecting(atomic_store.client, *arriving, operation="Query"):
        assert atomic_store.journal.shard_mismatch(creator_id, 0) is None


def test_mismatches_are_reported_after_changes_stop(atomic_store: DynamoStore) -> None:
    user_id, creator_id = new_name("fan"), new_name("creator")
    atomic_store.put_coins(user_id, 1)
    atomic_store.put_shard_coins(creator_id, 0, 1)

    with injecting(atomic_store.client, buying(atomic_store, user_id), operation="Query"):
        wallet = atomic_store.journal.wallet_mismatch(user_id)
    with injecting(atomic_store.client, receiving(atomic_store, creator_id), operation="Query"):
        shard = atomic_store.journal.shard_mismatch(creator_id, 0)

    assert wallet == Mismatch(what=f"wallet/{user_id}", stored=6, added_up=5)
    assert shard == Mismatch(what=f"creator/{creator_id}/0", stored=61, added_up=60)
