"""Contract of the ledger ports: a payment counts against the budget at its time and in its currency."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Budget, BudgetChange, Limits, first_budget, released, renewed
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.ports.results import Posted, Unchanged
from tests.adapters.samples import a_membership, a_month, a_purchase, new_id
from tests.fakes import START, session_of
from tests.stores import Store

DAY = timedelta(days=1)
MONEY = ByPeriod(1000, UNLIMITED, 3000)


def set_money_budget(store: Store, user_id: str, currency: str = "usd") -> Budget:
    budget = first_budget(Limits(zone="UTC", currency=currency, money=MONEY), START)
    assert store.ledger.change_budget(user_id, BudgetChange(seen=None, budget=budget)) == Posted()
    return budget


def left(store: Store, user_id: str) -> tuple[int, int]:
    budget = store.ledger.read_wallet(user_id).budget
    assert budget is not None
    return budget.money_left.day, budget.money_left.month


def released_purchase(store: Store, currency: str = "usd") -> Purchase:
    """Create an expired purchase of 5.29 USD whose price was released, and set a budget in `currency`."""
    purchase = a_purchase()
    budget = set_money_budget(store, purchase.user_id)
    assert store.ledger.open_purchase(purchase) == Posted()
    seen = store.ledger.read_wallet(purchase.user_id).budget
    assert seen is not None
    released_budget = released(seen, purchase.amount_minor, "usd", purchase.created_at, START)
    assert released_budget is not None
    change = BudgetChange(seen=seen, budget=released_budget)
    assert store.ledger.move_purchase(purchase.ref, Status.EXPIRED, [Status.PENDING], change) == Posted()
    assert left(store, purchase.user_id) == (1000, 3000)
    if currency != "usd":
        seen = store.ledger.read_wallet(purchase.user_id).budget
        assert seen is not None
        other = first_budget(Limits(zone="UTC", currency=currency, money=budget.limits.money), START)
        moved = replace(other, version=seen.version + 1)
        assert store.ledger.change_budget(purchase.user_id, BudgetChange(seen=seen, budget=moved)) == Posted()
    return purchase


@pytest.mark.parametrize("later", [timedelta(0), DAY, 40 * DAY])
def test_post_purchase_late_payment_counts_at_its_time(store: Store, later: timedelta) -> None:
    purchase = released_purchase(store)
    posting = Posting(posted_at=START + later, event_id=new_id())

    assert store.ledger.post_purchase(session_of(purchase), posting) == Posted()
    again = store.ledger.post_purchase(session_of(purchase), posting)

    assert isinstance(again, Unchanged)
    assert again.purchase.status is Status.POSTED
    wallet = store.ledger.read_wallet(purchase.user_id)
    assert wallet.budget is not None
    current = renewed(wallet.budget, START + later)
    assert (current.money_left.day, current.money_left.month) == (471, 2471)
    assert wallet.coins == purchase.coins


@pytest.mark.parametrize("later", [timedelta(0), DAY])
def test_post_purchase_late_payment_ignores_budget_in_another_currency(store: Store, later: timedelta) -> None:
    purchase = released_purchase(store, "eur")
    posting = Posting(posted_at=START + later, event_id=new_id())
    assert store.ledger.post_purchase(session_of(purchase), posting) == Posted()
    assert left(store, purchase.user_id) == (1000, 3000)
    assert store.ledger.read_wallet(purchase.user_id).coins == purchase.coins


@pytest.mark.parametrize("later", [timedelta(0), DAY, 40 * DAY])
def test_post_month_counts_at_time_of_payment(store: Store, later: timedelta) -> None:
    membership = a_membership(currency="usd", amount_minor=499)
    store.memberships.open_membership(membership)
    set_money_budget(store, membership.user_id)
    month = a_month(membership)
    month = replace(month, posted_at=START + later)

    assert store.memberships.post_month(month, "sub_1", "cus_1") == Posted()
    again = store.memberships.post_month(month, "sub_1", "cus_1")

    assert again is not None
    wallet = store.ledger.read_wallet(membership.user_id)
    assert wallet.budget is not None
    current = renewed(wallet.budget, START + later)
    assert (current.money_left.day, current.money_left.month) == (501, 2501)
    assert wallet.coins == membership.coins
