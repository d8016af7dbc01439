"""Contract of the Ledger port: one of many readers may ask the provider about an open checkout."""

from datetime import timedelta

import pytest

from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import Asking, Posted, Stale
from tests.adapters.samples import a_posting, a_purchase, new_id
from tests.adapters.test_ledger_races import all_at_once
from tests.fakes import START, session_of
from tests.stores import DynamoStore, Store

PAGE = "https://live.example/stream?" + "x" * 2_000
SECOND = timedelta(seconds=1)


@pytest.fixture
def purchase(store: Store) -> Purchase:
    purchase = a_purchase()
    assert store.ledger.open_purchase(purchase, None, PAGE) == Posted()
    return purchase


def claim(store: Store, purchase: Purchase, seconds: int) -> Asking | Stale:
    at = START + seconds * SECOND
    return store.ledger.claim_asking(purchase.ref, at, at - 10 * SECOND)


def test_claim_asking_is_granted_every_ten_seconds(store: Store, purchase: Purchase) -> None:
    granted = [seconds for seconds in (0, 1, 9, 10, 19, 20) if claim(store, purchase, seconds) != Stale()]
    assert granted == [0, 10, 20]


def test_claim_asking_returns_the_page_to_come_back_to(store: Store, purchase: Purchase) -> None:
    assert claim(store, purchase, 0) == Asking(return_url=PAGE)
    without = a_purchase()
    store.ledger.open_purchase(without)
    assert claim(store, without, 0) == Asking(return_url=None)


def test_claim_asking_of_an_unknown_checkout_is_refused(store: Store, purchase: Purchase) -> None:
    assert claim(store, a_purchase(purchase.user_id, purchase_id=new_id()), 0) == Stale()
    assert claim(store, a_purchase(purchase_id=purchase.purchase_id), 0) == Stale()


def test_claim_asking_changes_no_entry(store: Store, purchase: Purchase) -> None:
    claim(store, purchase, 0)
    assert store.ledger.find_entry(purchase.user_id, purchase.purchase_id) == purchase
    assert store.ledger.post_purchase(session_of(purchase), a_posting()) == Posted()
    assert len(store.ledger.list_entries(purchase.user_id, 10)) == 1


def test_claim_asking_of_64_readers_at_once_is_granted_once(atomic_store: DynamoStore) -> None:
    purchase = a_purchase()
    atomic_store.ledger.open_purchase(purchase)
    answers = all_at_once([lambda: claim(atomic_store, purchase, 30)] * 64)
    assert answers.count(Asking(return_url=None)) == 1
