"""Contract of the OperatorLedger port: reversals of gifts."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.gifts import Gift
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, Conflict, Posted
from tests.adapters.samples import a_freeze, a_gift, a_reversal, an_adjustment, buy, new_id
from tests.fakes import START
from tests.stores import Store


@pytest.fixture
def gift(store: Store) -> Gift:
    """A sent gift of 60 of its sender's 100 coins."""
    gift = a_gift()
    buy(store.ledger, gift.user_id, 100)
    assert store.ledger.post_gift(gift) == Posted()
    return gift


def coins(store: Store, gift: Gift) -> int:
    return store.ledger.read_wallet(gift.user_id).coins


def test_a_reversal_gives_the_coins_back_and_leaves_the_gift_as_it_was(store: Store, gift: Gift) -> None:
    reversal = a_reversal(gift)

    assert store.operators.reverse_gift(reversal) == Posted()

    assert coins(store, gift) == 100
    assert store.ledger.find_entry(gift.user_id, reversal.entry_id) == reversal
    assert store.ledger.find_entry(gift.user_id, gift.gift_id) == gift


def test_a_frozen_wallet_gets_its_gift_back_too(store: Store, gift: Gift) -> None:
    store.operators.freeze(a_freeze(gift.user_id))

    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert coins(store, gift) == 100


def test_each_gift_of_a_fan_can_be_reversed(store: Store, gift: Gift) -> None:
    another = a_gift(gift.user_id, price_coins=40)
    store.ledger.post_gift(another)

    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert store.operators.reverse_gift(a_reversal(another)) == Posted()
    assert coins(store, gift) == 100


@pytest.mark.parametrize("same_key", [True, False], ids=["the same act", "another act"])
def test_a_gift_is_reversed_once(store: Store, gift: Gift, same_key: bool) -> None:
    reversal = a_reversal(gift)
    store.operators.reverse_gift(reversal)
    before = store.of(gift.user_id)

    again = replace(reversal, event_id=new_id(), posted_at=START + timedelta(hours=1))
    again = again if same_key else replace(again, entry_id=new_id())

    assert store.operators.reverse_gift(again) == AlreadyReversed(reversed_by=reversal.entry_id)
    assert store.of(gift.user_id) == before


def test_a_repeat_of_the_gift_is_still_a_repeat(store: Store, gift: Gift) -> None:
    store.operators.reverse_gift(a_reversal(gift))

    refused = store.ledger.post_gift(gift)

    assert isinstance(refused, AlreadyExists)
    assert refused.entry == gift
    assert coins(store, gift) == 100


def test_a_gift_that_is_not_there_is_not_reversed(store: Store, gift: Gift) -> None:
    before = store.of(gift.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, about=new_id())) == Conflict()

    assert store.of(gift.user_id) == before


def test_a_gift_of_another_fan_is_not_there(store: Store, gift: Gift) -> None:
    other = a_gift()
    buy(store.ledger, other.user_id, 100)
    store.ledger.post_gift(other)
    before = store.of(gift.user_id), store.of(other.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, user_id=other.user_id)) == Conflict()

    assert (store.of(gift.user_id), store.of(other.user_id)) == before


def test_only_gifts_are_reversed(store: Store, gift: Gift) -> None:
    purchase, grant = buy(store.ledger, gift.user_id, 5), an_adjustment(gift.user_id)
    store.operators.grant(grant)
    before = store.of(gift.user_id)

    for about in (purchase.entry_id, grant.entry_id):
        assert store.operators.reverse_gift(a_reversal(gift, about=about)) == Conflict()

    assert store.of(gift.user_id) == before


def test_a_reversal_is_not_reversed(store: Store, gift: Gift) -> None:
    reversal = a_reversal(gift)
    store.operators.reverse_gift(reversal)
    before = store.of(gift.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, about=reversal.entry_id)) == Conflict()

    assert store.of(gift.user_id) == before


@pytest.mark.parametrize("named", ["a grant", "the gift itself"])
def test_a_key_that_names_something_else_reverses_nothing(store: Store, gift: Gift, named: str) -> None:
    grant = an_adjustment(gift.user_id)
    store.operators.grant(grant)
    before = store.of(gift.user_id)
    key = grant.entry_id if named == "a grant" else gift.gift_id

    assert store.operators.reverse_gift(a_reversal(gift, entry_id=key)) == Conflict()

    assert store.of(gift.user_id) == before
    assert store.operators.reverse_gift(a_reversal(gift)) == Posted(), "under a key of its own it can be done"


def test_of_two_reasons_to_refuse_the_earlier_reversal_is_told(store: Store, gift: Gift) -> None:
    reversal, grant = a_reversal(gift), an_adjustment(gift.user_id)
    store.operators.reverse_gift(reversal)
    store.operators.grant(grant)

    assert store.operators.reverse_gift(a_reversal(gift, entry_id=grant.entry_id)) == AlreadyReversed(
        reversed_by=reversal.entry_id
    )


def test_gifts_of_two_fans_under_one_id_are_two(store: Store, gift: Gift) -> None:
    twin = a_gift(gift_id=gift.gift_id)
    buy(store.ledger, twin.user_id, 60)
    store.ledger.post_gift(twin)

    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert store.operators.reverse_gift(a_reversal(twin)) == Posted()
    assert (coins(store, gift), coins(store, twin)) == (100, 60)
