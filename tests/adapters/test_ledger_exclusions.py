"""Contract of the Ledger port: self-exclusions and notifications."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import (
    due_change,
)
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import Posted, Rejected, Repeated
from tests.adapters.budget_lab import MIDNIGHT, MILLISECOND, at, budget_of, coins, fan_with_coins, set_budget, wallet
from tests.adapters.samples import (
    a_budget,
    a_gift,
    a_notification,
    a_purchase,
    an_exclusion,
    new_id,
    new_name,
)
from tests.fakes import START
from tests.stores import Store


@pytest.fixture
def fan(store: Store) -> str:
    return fan_with_coins(store)


# --- self-exclusions --------------------------------------------------------------------------------------------------


def test_exclude_rejects_gifts_and_purchases_until_its_end(store: Store, fan: str) -> None:
    exclusion = an_exclusion(fan)
    assert store.ledger.exclude(exclusion) == Posted()
    excluded = Wallet(user_id=fan, coins=1_000, excluded_until=exclusion.until)

    last = exclusion.until - MILLISECOND
    assert store.ledger.post_gift(at(a_gift(fan), last)) == Rejected(wallet=excluded)
    assert store.ledger.open_purchase(a_purchase(fan, created_at=last)) == Rejected(wallet=excluded)

    assert store.ledger.post_gift(at(a_gift(fan), exclusion.until)) == Posted()
    assert store.ledger.open_purchase(a_purchase(fan, created_at=exclusion.until)) == Posted()


def test_exclude_rejects_gift_that_renews_budget(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100)))
    store.ledger.exclude(an_exclusion(fan))
    change = due_change(budget_of(store, fan), MIDNIGHT)

    assert store.ledger.post_gift(at(a_gift(fan), MIDNIGHT), change) != Posted()
    assert budget_of(store, fan).version == 1


def test_exclude_never_shortens_exclusion(store: Store) -> None:
    fan = new_name("fan")
    for days, longest in ((30, 30), (29, 30), (30, 30), (31, 31)):
        assert store.ledger.exclude(an_exclusion(fan, days=days, until=START + timedelta(days=days))) == Posted()
        assert wallet(store, fan) == Wallet(user_id=fan, excluded_until=START + timedelta(days=longest))


def test_exclude_remembers_key_of_shorter_exclusion(store: Store) -> None:
    fan = new_name("fan")
    store.ledger.exclude(an_exclusion(fan))
    shorter = an_exclusion(fan, days=29, until=START + timedelta(days=29))
    assert store.ledger.exclude(shorter) == Posted()

    assert store.ledger.exclude(replace(shorter, until=START + timedelta(days=59))) == Repeated(), "a month later"
    with pytest.raises(IdempotencyConflict):
        store.ledger.exclude(replace(shorter, days=28))

    assert wallet(store, fan).excluded_until == START + timedelta(days=30)


def test_exclude_repeat_keeps_first_end(store: Store) -> None:
    exclusion = an_exclusion()
    assert store.ledger.exclude(exclusion) == Posted()

    assert store.ledger.exclude(replace(exclusion, until=exclusion.until + timedelta(hours=1))) == Repeated()

    assert wallet(store, exclusion.user_id).excluded_until == exclusion.until


def test_exclude_with_other_days_under_one_key_is_a_conflict(store: Store) -> None:
    exclusion = an_exclusion()
    store.ledger.exclude(exclusion)
    for days in (29, 31):
        with pytest.raises(IdempotencyConflict):
            store.ledger.exclude(replace(exclusion, days=days, until=START + timedelta(days=days)))


def test_exclude_key_is_unique_per_user(store: Store) -> None:
    exclusion, another = an_exclusion(), new_name("fan")
    assert store.ledger.exclude(exclusion) == Posted()
    assert store.ledger.exclude(replace(exclusion, user_id=another)) == Posted()


# --- notifications ----------------------------------------------------------------------------------------------------


def test_post_notification_stores_entry_once(store: Store, fan: str) -> None:
    notification = a_notification(fan)
    assert store.ledger.post_notification(notification) == Posted()
    assert store.ledger.post_notification(replace(notification, event_id=new_id())) == Repeated()

    assert store.ledger.find_entry(fan, notification.entry_id) == notification
    assert wallet(store, fan).coins == 1_000
