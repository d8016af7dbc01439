"""Contract of the OperatorLedger port: grants and freezes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.reviews import Freeze
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import AlreadyExists, Conflict, Posted, Rejected
from tests.adapters.samples import a_clawback, a_freeze, a_gift, a_reversal, an_adjustment, buy, new_id, new_name
from tests.fakes import START
from tests.stores import Store


@pytest.mark.parametrize("coins", [1, 70, MAX_AMOUNT])
def test_grant_stores_entry_and_credits_coins(store: Store, coins: int) -> None:
    grant = an_adjustment(coins=coins)

    assert store.operators.grant(grant) == Posted()

    assert store.ledger.find_entry(grant.user_id, grant.entry_id) == grant
    assert store.ledger.read_wallet(grant.user_id) == Wallet(user_id=grant.user_id, coins=coins)


def test_grant_adds_to_existing_coins(store: Store) -> None:
    purchase = buy(store.ledger, new_name("fan"), 30)

    store.operators.grant(an_adjustment(purchase.user_id))

    assert store.ledger.read_wallet(purchase.user_id).coins == 100


def test_grant_reduces_a_debt(store: Store) -> None:
    purchase = buy(store.ledger, new_name("fan"), 30)
    store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 90))

    store.operators.grant(an_adjustment(purchase.user_id))

    assert store.ledger.read_wallet(purchase.user_id).coins == 10


def test_grant_credits_a_frozen_wallet(store: Store) -> None:
    store.operators.freeze(a_freeze("frosty"))

    assert store.operators.grant(an_adjustment("frosty", coins=5)) == Posted()
    assert store.ledger.read_wallet("frosty") == Wallet(user_id="frosty", coins=5, is_frozen_by_operator=True)


@pytest.mark.parametrize("coins", [70, 71])
def test_grant_repeat_returns_first_entry(store: Store, coins: int) -> None:
    grant = an_adjustment()
    store.operators.grant(grant)
    before = store.snapshot(grant.user_id)

    again = replace(grant, coins=coins, event_id=new_id(), posted_at=START + timedelta(hours=1), reason="again")

    assert store.operators.grant(again) == AlreadyExists(entry=grant)
    assert store.snapshot(grant.user_id) == before


def a_purchase_of(store: Store, user_id: str) -> Entry:
    return buy(store.ledger, user_id, 100)


def a_gift_of(store: Store, user_id: str) -> Entry:
    buy(store.ledger, user_id, 100)
    gift = a_gift(user_id)
    assert store.ledger.post_gift(gift) == Posted()
    return gift


@pytest.mark.parametrize("make", [a_purchase_of, a_gift_of])
def test_grant_with_taken_key_returns_that_entry(store: Store, make: Callable[[Store, str], Entry]) -> None:
    entry = make(store, new_name("fan"))
    before = store.snapshot(entry.user_id)

    assert store.operators.grant(an_adjustment(entry.user_id, entry_id=entry.entry_id)) == AlreadyExists(entry=entry)

    assert store.snapshot(entry.user_id) == before


@pytest.mark.parametrize("has_wallet", [False, True])
def test_freeze_rejects_gifts_until_unfreeze(store: Store, has_wallet: bool) -> None:
    gift = a_gift()
    if has_wallet:
        buy(store.ledger, gift.user_id, 60)
    wallet = store.ledger.read_wallet(gift.user_id)

    store.operators.freeze(a_freeze(gift.user_id))
    refused = store.ledger.post_gift(gift)

    assert store.ledger.read_wallet(gift.user_id) == replace(wallet, is_frozen_by_operator=True)
    assert isinstance(refused, Rejected)
    assert refused.wallet == replace(wallet, is_frozen_by_operator=True)

    store.operators.freeze(a_freeze(gift.user_id, is_frozen=False))
    assert store.ledger.read_wallet(gift.user_id) == wallet
    assert (store.ledger.post_gift(gift) == Posted()) is has_wallet


def test_freeze_of_frozen_wallet_keeps_it_frozen(store: Store) -> None:
    for at in (START, START + timedelta(hours=1)):
        store.operators.freeze(a_freeze("icy", at=at))
    assert store.ledger.read_wallet("icy").is_frozen_by_operator

    for at in (START, START + timedelta(hours=1)):
        store.operators.freeze(a_freeze("icy", at=at, is_frozen=False))
    assert not store.ledger.read_wallet("icy").is_frozen_by_operator


@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(hours=23), timedelta(days=31)])
def test_freeze_repeat_does_not_undo_a_later_unfreeze(store: Store, later: timedelta) -> None:
    freeze = a_freeze()
    store.operators.freeze(freeze)
    store.operators.freeze(a_freeze(freeze.user_id, is_frozen=False))
    before = store.snapshot(freeze.user_id)

    store.operators.freeze(replace(freeze, at=START + later, reason="sent again"))

    assert store.snapshot(freeze.user_id) == before
    assert not store.ledger.read_wallet(freeze.user_id).is_frozen_by_operator


def opposite(freeze: Freeze) -> Freeze:
    return replace(freeze, is_frozen=not freeze.is_frozen)


def for_another_user(freeze: Freeze) -> Freeze:
    return replace(freeze, user_id=new_name("fan"))


@pytest.mark.parametrize("changed", [opposite, for_another_user])
@pytest.mark.parametrize("is_frozen", [True, False])
def test_freeze_with_key_of_another_act_is_a_conflict(
    store: Store, is_frozen: bool, changed: Callable[[Freeze], Freeze]
) -> None:
    freeze = a_freeze(is_frozen=is_frozen)
    store.operators.freeze(freeze)
    other = changed(freeze)
    before = store.snapshot(freeze.user_id), store.snapshot(other.user_id)

    with pytest.raises(IdempotencyConflict):
        store.operators.freeze(other)

    assert (store.snapshot(freeze.user_id), store.snapshot(other.user_id)) == before


@pytest.mark.parametrize("first", ["grant", "freeze", "reversal"])
def test_one_key_is_one_act_for_one_fan(store: Store, first: str) -> None:
    grant = an_adjustment()
    if first == "grant":
        store.operators.grant(an_adjustment(entry_id=grant.entry_id))
    elif first == "freeze":
        store.operators.freeze(a_freeze(key=grant.entry_id))
    else:
        gift = a_gift_of(store, new_name("fan"))
        assert isinstance(gift, Gift)
        assert store.operators.reverse_gift(a_reversal(gift, entry_id=grant.entry_id)) == Posted()
    before = store.snapshot(grant.user_id)

    assert store.operators.grant(grant) == Conflict()
    with pytest.raises(IdempotencyConflict):
        store.operators.freeze(a_freeze(grant.user_id, key=grant.entry_id))
    assert store.snapshot(grant.user_id) == before


def test_reverse_gift_with_the_key_of_another_fan_is_a_conflict(store: Store) -> None:
    gift = a_gift_of(store, new_name("fan"))
    assert isinstance(gift, Gift)
    grant = an_adjustment()
    store.operators.grant(grant)
    before = store.snapshot(gift.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, entry_id=grant.entry_id)) == Conflict()
    assert store.snapshot(gift.user_id) == before
