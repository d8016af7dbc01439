"""The contract of the Ledger port: a fan's own budget, and the time he shut himself out for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, Budget, BudgetChange, Limits, due_change
from chalicelib.domain.ledger import Gift, GiftRefused, Wallet
from chalicelib.domain.periods import ByPeriod
from tests.adapters.samples import a_budget, a_gift, buy, new_name
from tests.fakes import START
from tests.stores import Store

MIDNIGHT = START.replace(hour=0) + timedelta(days=1)
MOMENT = timedelta(milliseconds=1)


def coins(day: int = UNLIMITED, week: int = UNLIMITED, month: int = UNLIMITED) -> ByPeriod[int]:
    return ByPeriod(day, week, month)


def set_budget(store: Store, user_id: str, budget: Budget) -> Budget:
    assert store.ledger.change_budget(user_id, BudgetChange(seen=None, budget=budget))
    return budget


def wallet(store: Store, user_id: str) -> Wallet:
    return store.ledger.read_wallet(user_id)


def budget_of(store: Store, user_id: str) -> Budget:
    budget = wallet(store, user_id).budget
    assert budget is not None
    return budget


@pytest.fixture
def fan(store: Store) -> str:
    """With a thousand coins."""
    fan = new_name("fan")
    buy(store.ledger, fan, 1_000)
    return fan


def at(gift: Gift, when: object) -> Gift:
    return replace(gift, posted_at=when)  # type: ignore[arg-type]  # it is a time


# --- coins ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [0, 1, 2])
def test_the_last_coin_of_a_budget_can_be_spent_and_not_one_more(store: Store, fan: str, period: int) -> None:
    limits = ByPeriod(*(100 if place == period else UNLIMITED for place in range(3)))
    set_budget(store, fan, a_budget(coins=limits))

    assert store.ledger.post_gift(a_gift(fan)) is None
    assert budget_of(store, fan).coins_left[period] == 40

    too_much = store.ledger.post_gift(a_gift(fan, price_coins=41))
    assert too_much == GiftRefused(entry=None, wallet=wallet(store, fan))
    assert store.ledger.post_gift(a_gift(fan, price_coins=40)) is None
    assert budget_of(store, fan).coins_left[period] == 0
    assert store.ledger.post_gift(a_gift(fan, price_coins=1)) is not None
    assert wallet(store, fan).coins == 900


def test_a_fan_without_a_budget_spends_what_there_is(store: Store, fan: str) -> None:
    for _ in range(3):
        assert store.ledger.post_gift(a_gift(fan, price_coins=300)) is None

    assert wallet(store, fan) == Wallet(user_id=fan, coins=100)


def test_a_refusal_brings_the_budget(store: Store, fan: str) -> None:
    budget = set_budget(store, fan, a_budget(coins=coins(day=59, week=100)))

    refused = store.ledger.post_gift(a_gift(fan))

    assert refused == GiftRefused(entry=None, wallet=Wallet(user_id=fan, coins=1_000, budget=budget))


def test_a_first_budget_counts_from_when_it_was_set(store: Store, fan: str) -> None:
    store.ledger.post_gift(a_gift(fan))

    budget = set_budget(store, fan, a_budget(coins=coins(day=60)))

    assert budget_of(store, fan) == budget
    assert store.ledger.post_gift(a_gift(fan)) is None


def test_a_day_ends_at_its_very_end(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100)))

    assert store.ledger.post_gift(at(a_gift(fan), MIDNIGHT - MOMENT)) is None
    late = store.ledger.post_gift(at(a_gift(fan, price_coins=1), MIDNIGHT))

    assert late is not None
    assert late.wallet == wallet(store, fan)


def test_the_first_gift_of_a_new_day_renews_the_budget(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100, month=1_000)))
    store.ledger.post_gift(a_gift(fan))
    change = due_change(budget_of(store, fan), MIDNIGHT)
    assert change

    assert store.ledger.post_gift(at(a_gift(fan, price_coins=100), MIDNIGHT), change) is None

    found = budget_of(store, fan)
    assert found.coins_left == ByPeriod(0, UNLIMITED - 100, 840), "it is Monday, and still November"
    assert found.ends.day == MIDNIGHT + timedelta(days=1)
    assert found.version == 2


def test_of_two_first_gifts_of_a_day_one_renews(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100)))
    change = due_change(budget_of(store, fan), MIDNIGHT)

    assert store.ledger.post_gift(at(a_gift(fan), MIDNIGHT), change) is None
    second = store.ledger.post_gift(at(a_gift(fan), MIDNIGHT), change)

    assert second is not None
    assert budget_of(store, fan).coins_left.day == 40
    assert second.wallet == wallet(store, fan)


def test_a_renewal_forgets_no_gift_that_came_in_between(store: Store, fan: str) -> None:
    """Another machine's clock may be a little behind."""
    set_budget(store, fan, a_budget(coins=coins(day=100)))
    change = due_change(budget_of(store, fan), MIDNIGHT)
    store.ledger.post_gift(at(a_gift(fan, price_coins=10), MIDNIGHT - MOMENT))

    assert store.ledger.post_gift(at(a_gift(fan, price_coins=91), MIDNIGHT), change) is not None
    assert store.ledger.post_gift(at(a_gift(fan, price_coins=90), MIDNIGHT), change) is None

    assert budget_of(store, fan).coins_left.day == 0


def test_a_budget_keeps_everything_it_is(store: Store, fan: str) -> None:
    limits = Limits(
        zone="America/Argentina/ComodRivadavia", currency="jpy", coins=coins(1, 2, 3), money=ByPeriod(4, UNLIMITED, 6)
    )
    budget = replace(a_budget(), limits=limits, coins_left=ByPeriod(-5, 0, 3), money_left=NO_LIMIT)
    set_budget(store, fan, budget)
    assert budget_of(store, fan) == budget
