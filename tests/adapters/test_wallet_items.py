"""The wallet item stays below 1 KB with a budget of the largest size."""

from datetime import timedelta

import pytest

from chalicelib.adapters.dynamodb.keys import wallet_key
from chalicelib.domain.budgets import MAX_DAYS, MAX_LIMIT, BudgetChange, Limits, PendingLimits
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import DisputeHold
from chalicelib.ports.results import Posted
from tests.adapters.budget_lab import set_budget
from tests.adapters.samples import a_budget, a_gift, a_membership, a_purchase, an_exclusion, buy
from tests.adapters.test_ledger_items import FAN, KILOBYTE, size
from tests.fakes import START
from tests.stores import DynamoStore

LONGEST_ZONE = "America/Argentina/ComodRivadavia"
MAX_LIMITS = ByPeriod(MAX_LIMIT, MAX_LIMIT, MAX_LIMIT)
STREAK_BYTES = 360
"""The largest size of a streak in the wallet item, in bytes."""


@pytest.fixture
def store(table_store: DynamoStore) -> DynamoStore:
    table_store.bind()
    return table_store


def test_wallet_item_is_under_a_kilobyte(store: DynamoStore) -> None:
    limits = Limits(zone=LONGEST_ZONE, currency="usd", coins=MAX_LIMITS, money=MAX_LIMITS)
    pending = PendingLimits(
        limits=Limits(zone=LONGEST_ZONE, currency="eur", coins=MAX_LIMITS, money=MAX_LIMITS), at=START
    )
    assert store.memberships.open_membership(a_membership(FAN)) == Posted()
    disputed = buy(store.ledger, FAN, MAX_AMOUNT - 1), buy(store.ledger, FAN, 1)
    seen = set_budget(store, FAN, a_budget())
    longest = a_budget(zone=LONGEST_ZONE, currency="usd", coins=MAX_LIMITS, money=MAX_LIMITS)
    counters = ByPeriod(-MAX_LIMIT, -MAX_LIMIT, -MAX_LIMIT)
    budget = type(longest)(
        limits=limits,
        coins_left=counters,
        money_left=counters,
        ends=longest.ends,
        since=ByPeriod(START, START, START),
        version=999_999,
        pending=pending,
        money_from=START - timedelta(days=7),
    )
    assert store.ledger.change_budget(FAN, BudgetChange(seen=seen, budget=budget)) == Posted()
    for purchase, hold in zip(disputed, DisputeHold, strict=True):
        store.ledger.update_kept_amount(purchase, 0, None, hold)

    item = store.item(wallet_key(FAN), "WALLET")

    assert item.keys() >= {"d", "created_at", "budget", "m_currency", "c_month", "o_until", "o_n", "o_mu", "o_m"}
    assert size(item) <= KILOBYTE - STREAK_BYTES

    # Nothing is given from here on, and the streak ends within seconds.
    store.ledger.exclude(an_exclusion(FAN, days=MAX_DAYS))
    store.freeze(FAN)

    item = store.item(wallet_key(FAN), "WALLET")

    assert item.keys() >= {"frozen_at", "excluded_until"}
    assert size(item) <= KILOBYTE


def test_wallet_item_without_budget_is_under_a_kilobyte(store: DynamoStore) -> None:
    buy(store.ledger, FAN, MAX_AMOUNT)
    for _ in range(2):
        assert store.ledger.post_gift(a_gift(FAN, price_coins=MAX_AMOUNT // 2)) == Posted()
        assert store.ledger.open_purchase(a_purchase(FAN, amount_minor=MAX_AMOUNT)) == Posted()

    item = store.item(wallet_key(FAN), "WALLET")

    assert size(item) <= KILOBYTE - STREAK_BYTES
    assert "budget" not in item


def test_exclude_stores_audit_item_under_a_kilobyte(store: DynamoStore) -> None:
    exclusion = an_exclusion(FAN)
    store.ledger.exclude(exclusion)

    item = store.item(f"AUDIT#{START:%Y-%m}", f"{exclusion.key}#{FAN}")

    assert (item["act"], item["actor"], item["reason"]) == ({"S": "self_exclusion"}, {"S": FAN}, {"S": "30 days"})
    assert size(item) <= KILOBYTE


def test_open_purchase_does_not_set_created_at(store: DynamoStore) -> None:
    store.ledger.open_purchase(a_purchase(FAN))
    assert store.item(wallet_key(FAN), "WALLET").keys() == {"PK", "SK", "m_day", "m_week", "m_month", "o_until", "o_n"}

    buy(store.ledger, FAN, 5)
    assert "created_at" in store.item(wallet_key(FAN), "WALLET")
