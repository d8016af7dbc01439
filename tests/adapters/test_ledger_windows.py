"""Contract of the Ledger port: a limit on checkouts that a fan opens and does not pay."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.open_windows import OpenWindow
from chalicelib.domain.purchases import SESSION_LIFE, Purchase, Status
from chalicelib.ports.results import AlreadyExists, Posted, Rejected
from tests.adapters.costs import Cost, measured, reported
from tests.adapters.samples import a_posting, a_purchase, new_name
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.fakes import START, session_of
from tests.stores import DynamoStore, Store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def fan() -> str:
    return new_name("fan")


def opened(store: Store, fan: str, at: datetime = START, limit: int = 2) -> Purchase | None:
    """Open another checkout. Returns None if the wallet rejects it."""
    purchase = a_purchase(fan, created_at=at)
    result = store.ledger.open_purchase(purchase, None, None, limit)
    if result == Rejected(wallet=store.ledger.read_wallet(fan)):
        assert store.ledger.find_entry(fan, purchase.purchase_id) is None
        return None
    assert result == Posted()
    return purchase


def window(store: Store, fan: str) -> OpenWindow | None:
    return store.ledger.read_wallet(fan).open_checkouts


def pay(store: Store, purchase: Purchase | None) -> None:
    assert purchase
    for result in (True, False):
        assert (store.ledger.post_purchase(session_of(purchase), a_posting()) == Posted()) is result


def test_open_purchase_counts_up_to_the_limit_in_the_first_ones_window(store: Store, fan: str) -> None:
    assert [bool(opened(store, fan, START + number * MINUTE)) for number in range(3)] == [True, True, False]
    assert window(store, fan) == OpenWindow(until=START + SESSION_LIFE, unpaid=2)

    assert not opened(store, fan, START + SESSION_LIFE - MINUTE)
    assert opened(store, fan, START + SESSION_LIFE), "the window is over"
    assert window(store, fan) == OpenWindow(until=START + 2 * SESSION_LIFE, unpaid=1)


def test_post_purchase_gives_the_place_back_once(store: Store, fan: str) -> None:
    first, _ = opened(store, fan), opened(store, fan)
    pay(store, first)
    assert window(store, fan) == OpenWindow(until=START + SESSION_LIFE, unpaid=1)
    assert [bool(opened(store, fan)) for _ in range(2)] == [True, False]


def test_open_purchase_after_all_were_paid_begins_a_window(store: Store, fan: str) -> None:
    pay(store, opened(store, fan))
    assert opened(store, fan, START + MINUTE)
    assert window(store, fan) == OpenWindow(until=START + MINUTE + SESSION_LIFE, unpaid=1)


def test_move_purchase_keeps_the_place_taken(store: Store, fan: str) -> None:
    first, _ = opened(store, fan), opened(store, fan)
    assert first
    store.ledger.move_purchase(first.ref, Status.EXPIRED, [Status.PENDING])
    assert not opened(store, fan)


def test_move_purchase_after_a_refusal_gives_the_place_back_once(store: Store, fan: str) -> None:
    first, _ = opened(store, fan), opened(store, fan)
    assert first
    for result in (True, False):
        moved = store.ledger.move_purchase(first.ref, Status.FAILED, [Status.PENDING], None, "payment_unavailable")
        assert (moved == Posted()) is result
    refused = replace(first, status=Status.FAILED, failure_reason="payment_unavailable")
    assert store.ledger.find_entry(fan, first.purchase_id) == refused, "there was no price to release"
    assert [bool(opened(store, fan)) for _ in range(2)] == [True, False]


def test_open_purchase_repeat_takes_no_place(store: Store, fan: str) -> None:
    purchase = opened(store, fan)
    assert purchase
    expected = AlreadyExists(entry=purchase, wallet=store.ledger.read_wallet(fan))
    assert store.ledger.open_purchase(purchase, None, None, 1) == expected
    assert window(store, fan) == OpenWindow(until=START + SESSION_LIFE, unpaid=1)


def test_open_purchase_40_at_once_opens_20(atomic_store: DynamoStore, fan: str) -> None:
    act = until_decided(lambda: atomic_store.ledger.open_purchase(a_purchase(fan)) == Posted())
    results = all_at_once([act] * 40)
    # One that met the beginning of the window may be rejected and is tried again by its caller.
    results += [opened(atomic_store, fan, limit=20) is not None for _ in range(20)]
    assert (sum(results), window(atomic_store, fan)) == (20, OpenWindow(until=START + SESSION_LIFE, unpaid=20))


def test_open_purchase_beside_another_costs_two_trips(atomic_store: DynamoStore, fan: str) -> None:
    opened(atomic_store, fan)
    cost = measured(atomic_store, lambda: atomic_store.ledger.open_purchase(a_purchase(fan)))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(2, wru=6))
    rejected = measured(atomic_store, lambda: atomic_store.ledger.open_purchase(a_purchase(fan), None, None, 2))
    assert rejected == Cost(1)
