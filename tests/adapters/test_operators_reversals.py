"""Contract of the OperatorLedger port: reversals of gifts."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import BudgetChange, returned
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.streaks import end_of
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, Conflict, Posted, Stale
from tests.adapters.budget_lab import set_budget
from tests.adapters.samples import (
    a_budget,
    a_freeze,
    a_gift,
    a_posting,
    a_reversal,
    an_adjustment,
    buy,
    new_id,
)
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


def test_reverse_gift_returns_coins_and_keeps_the_gift(store: Store, gift: Gift) -> None:
    reversal = a_reversal(gift)

    assert store.operators.reverse_gift(reversal) == Posted()

    assert coins(store, gift) == 100
    assert store.ledger.find_entry(gift.user_id, reversal.entry_id) == reversal
    assert store.ledger.find_entry(gift.user_id, gift.gift_id) == gift


def test_reverse_gift_credits_a_frozen_wallet(store: Store, gift: Gift) -> None:
    store.operators.freeze(a_freeze(gift.user_id))

    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert coins(store, gift) == 100


def test_reverse_gift_works_for_each_gift_of_a_user(store: Store, gift: Gift) -> None:
    another = a_gift(gift.user_id, price_coins=40)
    store.ledger.post_gift(another)

    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert store.operators.reverse_gift(a_reversal(another)) == Posted()
    assert coins(store, gift) == 100


@pytest.mark.parametrize("same_key", [True, False], ids=["the same act", "another act"])
def test_reverse_gift_again_returns_first_reversal(store: Store, gift: Gift, same_key: bool) -> None:
    reversal = a_reversal(gift)
    store.operators.reverse_gift(reversal)
    before = store.snapshot(gift.user_id)

    again = replace(reversal, event_id=new_id(), posted_at=START + timedelta(hours=1))
    again = again if same_key else replace(again, entry_id=new_id())

    assert store.operators.reverse_gift(again) == AlreadyReversed(reversed_by=reversal.entry_id)
    assert store.snapshot(gift.user_id) == before


def test_post_gift_after_reversal_is_a_repeat(store: Store, gift: Gift) -> None:
    store.operators.reverse_gift(a_reversal(gift))

    refused = store.ledger.post_gift(gift)

    assert isinstance(refused, AlreadyExists)
    assert refused.entry == gift
    assert coins(store, gift) == 100


def test_reverse_gift_of_unknown_gift_is_a_conflict(store: Store, gift: Gift) -> None:
    before = store.snapshot(gift.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, about=new_id())) == Conflict()

    assert store.snapshot(gift.user_id) == before


def test_reverse_gift_of_another_user_is_a_conflict(store: Store, gift: Gift) -> None:
    other = a_gift()
    buy(store.ledger, other.user_id, 100)
    store.ledger.post_gift(other)
    before = store.snapshot(gift.user_id), store.snapshot(other.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, user_id=other.user_id)) == Conflict()

    assert (store.snapshot(gift.user_id), store.snapshot(other.user_id)) == before


def test_reverse_gift_of_other_entries_is_a_conflict(store: Store, gift: Gift) -> None:
    purchase, grant = buy(store.ledger, gift.user_id, 5), an_adjustment(gift.user_id)
    store.operators.grant(grant)
    before = store.snapshot(gift.user_id)

    for about in (purchase.entry_id, grant.entry_id):
        assert store.operators.reverse_gift(a_reversal(gift, about=about)) == Conflict()

    assert store.snapshot(gift.user_id) == before


def test_reverse_gift_of_a_reversal_is_a_conflict(store: Store, gift: Gift) -> None:
    reversal = a_reversal(gift)
    store.operators.reverse_gift(reversal)
    before = store.snapshot(gift.user_id)

    assert store.operators.reverse_gift(a_reversal(gift, about=reversal.entry_id)) == Conflict()

    assert store.snapshot(gift.user_id) == before


@pytest.mark.parametrize("taken_by", ["a grant", "the gift itself"])
def test_reverse_gift_with_taken_key_is_a_conflict(store: Store, gift: Gift, taken_by: str) -> None:
    grant = an_adjustment(gift.user_id)
    store.operators.grant(grant)
    before = store.snapshot(gift.user_id)
    key = grant.entry_id if taken_by == "a grant" else gift.gift_id

    assert store.operators.reverse_gift(a_reversal(gift, entry_id=key)) == Conflict()

    assert store.snapshot(gift.user_id) == before
    assert store.operators.reverse_gift(a_reversal(gift)) == Posted(), "under a key of its own it can be done"


def test_reverse_gift_again_with_taken_key_returns_first_reversal(store: Store, gift: Gift) -> None:
    reversal, grant = a_reversal(gift), an_adjustment(gift.user_id)
    store.operators.reverse_gift(reversal)
    store.operators.grant(grant)

    assert store.operators.reverse_gift(a_reversal(gift, entry_id=grant.entry_id)) == AlreadyReversed(
        reversed_by=reversal.entry_id
    )


def test_reverse_gift_of_two_users_with_one_id_reverses_each(store: Store, gift: Gift) -> None:
    same_id = a_gift(gift_id=gift.gift_id)
    buy(store.ledger, same_id.user_id, 60)
    store.ledger.post_gift(same_id)

    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert store.operators.reverse_gift(a_reversal(same_id)) == Posted()
    assert (coins(store, gift), coins(store, same_id)) == (100, 60)


def test_reverse_gift_returns_its_coins_to_the_budget(store: Store) -> None:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 100)
    seen = set_budget(store, gift.user_id, a_budget(coins=ByPeriod(70, 80, 90)))
    store.ledger.post_gift(gift)
    read = store.ledger.read_wallet(gift.user_id).budget
    assert read
    back = returned(read, gift.price_coins, gift.posted_at, START)
    assert back

    outdated = BudgetChange(seen=replace(read, version=read.version + 1), budget=back)
    before = store.snapshot(gift.user_id)
    assert store.operators.reverse_gift(a_reversal(gift), outdated) == Stale()
    assert store.snapshot(gift.user_id) == before

    assert store.operators.reverse_gift(a_reversal(gift), BudgetChange(seen=read, budget=back)) == Posted()
    wallet = store.ledger.read_wallet(gift.user_id)
    assert wallet.budget
    assert (wallet.coins, wallet.budget.coins_left) == (100, seen.coins_left)


def test_reverse_gift_takes_it_out_of_its_active_streak(store: Store) -> None:
    gift = a_gift(price_coins=20)
    first = replace(gift, streak_id=gift.gift_id)
    buy(store.ledger, gift.user_id, 100)
    store.ledger.post_gift(first)
    read = store.ledger.read_wallet(gift.user_id).streak
    assert read
    for number in (1, 2):
        later = START + timedelta(seconds=number)
        store.ledger.post_gift(replace(first, gift_id=new_id(), event_id=new_id(), posted_at=later))

    for given in (first, store.ledger.list_entries(gift.user_id, 1)[0]):
        assert isinstance(given, Gift)
        assert store.operators.reverse_gift(a_reversal(given), None, first.streak_id) == Posted()

    streak = store.ledger.read_wallet(gift.user_id).streak
    assert streak
    assert (streak.count, streak.coins) == (1, 20)
    end = end_of(read, gift.user_id, new_id(), a_posting())
    assert store.ledger.end_streak(gift.user_id, end) == Stale(), "same count, but other taps"
    assert store.ledger.end_streak(gift.user_id, end_of(streak, gift.user_id, new_id(), a_posting())) == Posted()


def test_reverse_gift_of_a_streak_that_has_ended_is_stale(store: Store, gift: Gift) -> None:
    before = store.snapshot(gift.user_id)
    assert store.operators.reverse_gift(a_reversal(gift), None, new_id()) == Stale()
    assert store.snapshot(gift.user_id) == before
