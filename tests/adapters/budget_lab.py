"""Helpers that give a user a budget, in any store."""

from datetime import timedelta

from msgspec.structs import replace

from chalicelib.domain.budgets import (
    UNLIMITED,
    Budget,
    BudgetChange,
)
from chalicelib.domain.gifts import Gift
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import Posted
from tests.adapters.samples import (
    buy,
    new_name,
)
from tests.fakes import START
from tests.stores import Store

MIDNIGHT = START.replace(hour=0) + timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)


def coins(day: int = UNLIMITED, week: int = UNLIMITED, month: int = UNLIMITED) -> ByPeriod[int]:
    return ByPeriod(day, week, month)


def set_budget(store: Store, user_id: str, budget: Budget) -> Budget:
    assert store.ledger.change_budget(user_id, BudgetChange(seen=None, budget=budget)) == Posted()
    return budget


def wallet(store: Store, user_id: str) -> Wallet:
    return store.ledger.read_wallet(user_id)


def budget_of(store: Store, user_id: str) -> Budget:
    budget = wallet(store, user_id).budget
    assert budget is not None
    return budget


def at(gift: Gift, when: object) -> Gift:
    return replace(gift, posted_at=when)


def fan_with_coins(store: Store) -> str:
    """Return the id of a new user with 1,000 coins."""
    fan = new_name("fan")
    buy(store.ledger, fan, 1_000)
    return fan
