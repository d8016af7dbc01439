"""Contract of the Ledger port: budgets on coins, and their changes."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import (
    NO_LIMIT,
    UNLIMITED,
    BudgetChange,
    Limits,
    changed,
    due_change,
)
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import Posted, Rejected, Stale
from tests.adapters.budget_lab import MIDNIGHT, MILLISECOND, at, budget_of, coins, fan_with_coins, set_budget, wallet
from tests.adapters.samples import (
    a_budget,
    a_clawback,
    a_gift,
    an_adjustment,
    an_exclusion,
    buy,
    new_name,
)
from tests.fakes import START
from tests.stores import Store


@pytest.fixture
def fan(store: Store) -> str:
    return fan_with_coins(store)


# --- coins ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [0, 1, 2])
def test_post_gift_spends_budget_to_its_last_coin(store: Store, fan: str, period: int) -> None:
    limits = ByPeriod(*(100 if place == period else UNLIMITED for place in range(3)))
    set_budget(store, fan, a_budget(coins=limits))

    assert store.ledger.post_gift(a_gift(fan)) == Posted()
    assert budget_of(store, fan).coins_left[period] == 40

    exceeding = store.ledger.post_gift(a_gift(fan, price_coins=41))
    assert exceeding == Rejected(wallet=wallet(store, fan))
    assert store.ledger.post_gift(a_gift(fan, price_coins=40)) == Posted()
    assert budget_of(store, fan).coins_left[period] == 0
    assert store.ledger.post_gift(a_gift(fan, price_coins=1)) != Posted()
    assert wallet(store, fan).coins == 900


@pytest.mark.parametrize("kind", [GiftKind.CHEER, GiftKind.SUPER_CHAT])
def test_post_gift_counts_cheers_and_super_chats_against_budget(store: Store, fan: str, kind: GiftKind) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100)))
    assert store.ledger.post_gift(a_gift(fan, kind=kind, item_id=None)) == Posted()
    assert store.ledger.post_gift(a_gift(fan, kind=kind, item_id=None, price_coins=41)) != Posted()
    assert budget_of(store, fan).coins_left.day == 40


def test_post_gift_without_budget_spends_the_wallet(store: Store, fan: str) -> None:
    for _ in range(3):
        assert store.ledger.post_gift(a_gift(fan, price_coins=300)) == Posted()

    assert wallet(store, fan) == Wallet(user_id=fan, coins=100)


def test_post_gift_rejection_has_the_budget(store: Store, fan: str) -> None:
    budget = set_budget(store, fan, a_budget(coins=coins(day=59, week=100)))

    refused = store.ledger.post_gift(a_gift(fan))

    assert refused == Rejected(wallet=Wallet(user_id=fan, coins=1_000, budget=budget))


def test_change_budget_first_budget_ignores_earlier_gifts(store: Store, fan: str) -> None:
    store.ledger.post_gift(a_gift(fan))

    budget = set_budget(store, fan, a_budget(coins=coins(day=60)))

    assert budget_of(store, fan) == budget
    assert store.ledger.post_gift(a_gift(fan)) == Posted()


def test_post_gift_on_outdated_budget_is_rejected_from_midnight(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100)))

    assert store.ledger.post_gift(at(a_gift(fan), MIDNIGHT - MILLISECOND)) == Posted()
    late = store.ledger.post_gift(at(a_gift(fan, price_coins=1), MIDNIGHT))

    assert isinstance(late, Rejected)
    assert late.wallet == wallet(store, fan)


def test_post_gift_first_of_a_day_renews_budget(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100, month=1_000)))
    store.ledger.post_gift(a_gift(fan))
    change = due_change(budget_of(store, fan), MIDNIGHT)
    assert change

    assert store.ledger.post_gift(at(a_gift(fan, price_coins=100), MIDNIGHT), change) == Posted()

    found = budget_of(store, fan)
    assert found.coins_left == ByPeriod(0, UNLIMITED - 100, 840), "it is Monday, and still November"
    assert found.ends.day == MIDNIGHT + timedelta(days=1)
    assert found.version == 2


def test_post_gift_second_renewal_of_a_day_is_rejected(store: Store, fan: str) -> None:
    set_budget(store, fan, a_budget(coins=coins(day=100)))
    change = due_change(budget_of(store, fan), MIDNIGHT)

    assert store.ledger.post_gift(at(a_gift(fan), MIDNIGHT), change) == Posted()
    second = store.ledger.post_gift(at(a_gift(fan), MIDNIGHT), change)

    assert isinstance(second, Rejected)
    assert budget_of(store, fan).coins_left.day == 40
    assert second.wallet == wallet(store, fan)


def test_post_gift_renewal_counts_gifts_written_since_its_read(store: Store, fan: str) -> None:
    """The clock of another function instance may be behind."""
    set_budget(store, fan, a_budget(coins=coins(day=100)))
    change = due_change(budget_of(store, fan), MIDNIGHT)
    store.ledger.post_gift(at(a_gift(fan, price_coins=10), MIDNIGHT - MILLISECOND))

    assert store.ledger.post_gift(at(a_gift(fan, price_coins=91), MIDNIGHT), change) != Posted()
    assert store.ledger.post_gift(at(a_gift(fan, price_coins=90), MIDNIGHT), change) == Posted()

    assert budget_of(store, fan).coins_left.day == 0


def test_change_budget_stores_every_field(store: Store, fan: str) -> None:
    limits = Limits(
        zone="America/Argentina/ComodRivadavia", currency="jpy", coins=coins(1, 2, 3), money=ByPeriod(4, UNLIMITED, 6)
    )
    budget = replace(a_budget(), limits=limits, coins_left=ByPeriod(-5, 0, 3), money_left=NO_LIMIT)
    set_budget(store, fan, budget)
    for money_from in (START - timedelta(days=7), START, budget.ends.month, None):
        assert budget_of(store, fan) == budget
        seen, budget = budget, replace(budget, version=budget.version + 1, money_from=money_from)
        assert store.ledger.change_budget(fan, BudgetChange(seen=seen, budget=budget)) == Posted()
    assert budget_of(store, fan) == budget


# --- changes ----------------------------------------------------------------------------------------------------------


def test_change_budget_lower_limit_counts_coins_already_spent(store: Store, fan: str) -> None:
    seen = set_budget(store, fan, a_budget(coins=ByPeriod(100, 200, UNLIMITED)))
    store.ledger.post_gift(a_gift(fan))
    lower = changed(seen, replace(seen.limits, coins=ByPeriod(50, 100, 1_000)), START)

    assert store.ledger.change_budget(fan, BudgetChange(seen=seen, budget=lower)) == Posted()

    found = budget_of(store, fan)
    assert found == replace(lower, coins_left=ByPeriod(-10, 40, 940))
    assert store.ledger.post_gift(a_gift(fan, price_coins=1)) != Posted()


def test_change_budget_of_outdated_version_is_stale(store: Store, fan: str) -> None:
    seen = set_budget(store, fan, a_budget(coins=coins(day=100)))
    lower = BudgetChange(seen=seen, budget=changed(seen, replace(seen.limits, coins=coins(day=50)), START))
    second = BudgetChange(seen=seen, budget=changed(seen, replace(seen.limits, coins=coins(day=1)), START))

    assert store.ledger.change_budget(fan, lower) == Posted()
    assert store.ledger.change_budget(fan, second) == Stale()
    assert store.ledger.change_budget(fan, BudgetChange(seen=None, budget=a_budget())) == Stale()

    assert budget_of(store, fan) == lower.budget


def test_change_budget_works_without_a_wallet(store: Store) -> None:
    fan = new_name("fan")
    budget = set_budget(store, fan, a_budget(coins=coins(day=100)))

    assert wallet(store, fan) == Wallet(user_id=fan, budget=budget)
    buy(store.ledger, fan, 500)
    assert wallet(store, fan).coins == 500


def test_credits_and_clawbacks_ignore_budget_and_exclusion(store: Store, fan: str) -> None:
    purchase = buy(store.ledger, fan, 5)
    before = wallet(store, fan).coins
    set_budget(store, fan, a_budget(currency="usd", coins=coins(day=0), money=coins(day=0)))
    store.ledger.exclude(an_exclusion(fan))

    assert store.ledger.update_kept_amount(purchase, 0, a_clawback(purchase, 5)) == Posted()
    assert store.operators.grant(an_adjustment(fan, coins=70)) == Posted()

    assert wallet(store, fan).coins == before - 5 + 70
    assert budget_of(store, fan).coins_left.day == 0
