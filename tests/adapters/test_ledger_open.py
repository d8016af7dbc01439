"""Contract of the Ledger port: the list of checkouts that may still be paid."""

from datetime import timedelta

import pytest

from chalicelib.domain.open_windows import OpenCheckout
from chalicelib.domain.payments import PurchaseRef
from chalicelib.domain.purchases import SESSION_LIFE, Purchase
from chalicelib.ports.results import Stale
from tests.adapters.costs import Cost, measured
from tests.adapters.samples import a_purchase, new_name
from tests.fakes import START
from tests.stores import DynamoStore, Store

MINUTE = timedelta(minutes=1)
LONG_AGO, LATER = START - timedelta(days=1), START + timedelta(days=1)


@pytest.fixture
def fan() -> str:
    return new_name("fan")


def opened(store: Store, fan: str, minutes: int, return_url: str | None = None) -> OpenCheckout:
    purchase: Purchase = a_purchase(fan, created_at=START + minutes * MINUTE)
    store.ledger.open_purchase(purchase, None, return_url)
    return OpenCheckout(
        user_id=fan,
        opened_id=purchase.purchase_id,
        until=purchase.created_at + SESSION_LIFE,
        return_url=return_url,
    )


def test_list_open_returns_checkouts_that_end_in_the_interval(store: Store, fan: str) -> None:
    made = [opened(store, fan, minutes) for minutes in range(3)]
    opened(store, new_name("fan"), 0)

    assert store.ledger.list_open(fan, LONG_AGO, LATER, 9) == made
    assert store.ledger.list_open(fan, made[1].until, made[2].until, 9) == made[1:2]
    assert store.ledger.list_open(fan, made[1].until, LATER, 1) == made[1:2], "the limit is of those that match"


def test_close_open_removes_one_checkout(store: Store, fan: str) -> None:
    first, second = opened(store, fan, 0), opened(store, fan, 1, "https://live.example/")
    for _ in range(2):
        store.ledger.close_open(first)
        assert store.ledger.list_open(fan, LONG_AGO, LATER, 9) == [second]
    ref = PurchaseRef(purchase_id=first.opened_id, user_id=fan, coins=500)
    assert store.ledger.claim_asking(ref, START, START) == Stale()


def test_list_and_close_open_cost_one_trip_each(atomic_store: DynamoStore, fan: str) -> None:
    made = opened(atomic_store, fan, 0)
    listed = measured(atomic_store, lambda: atomic_store.ledger.list_open(fan, LONG_AGO, LATER, 9))
    assert listed == Cost(1, rru=1)
    assert measured(atomic_store, lambda: atomic_store.ledger.close_open(made)) == Cost(1, wru=1)
