"""Round trips, request units and item sizes of memberships."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import entry_key, membership_key, open_key, open_membership_key, wallet_key
from chalicelib.adapters.dynamodb.open_checkouts import OPEN_LIFE
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.memberships import Membership, MembershipStatus, membership_as_unpaid
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.purchases import PENDING_LIFE, SESSION_LIFE
from tests.adapters.budget_lab import set_budget
from tests.adapters.costs import Cost, measured, reported
from tests.adapters.samples import a_budget, a_membership, a_month, a_purchase, an_end, new_name
from tests.adapters.test_ledger_items import FAN, KILOBYTE, PAYMENT, TAG, size
from tests.fakes import START
from tests.stores import DynamoStore

PENDING, PAST_DUE, ENDED = MembershipStatus.PENDING, MembershipStatus.PAST_DUE, MembershipStatus.ENDED
SUBSCRIPTION, CUSTOMER = "sub_" + "s" * 24, "cus_" + "c" * 14
"""Lengths of Stripe's ids."""


@pytest.fixture
def membership(atomic_store: DynamoStore) -> Membership:
    """An unpaid membership with ids of the largest size."""
    membership = a_membership(new_name("f" * 120), plan_id=TAG, is_counted=True)
    atomic_store.memberships.open_membership(membership)
    return membership


def followed(membership: Membership) -> Membership:
    return replace(
        membership,
        status=MembershipStatus.ENDED,
        subscription_id=SUBSCRIPTION,
        customer_id=CUSTOMER,
        paid_until=START + timedelta(days=30),
        served_until=START + timedelta(days=60),
        ended_reason="cancelled",
        version=membership.version + 1,
    )


def test_open_and_list_memberships_cost_one_trip(atomic_store: DynamoStore) -> None:
    membership, store = a_membership(), atomic_store.memberships
    cost = measured(atomic_store, lambda: store.open_membership(membership))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=6))
    assert measured(atomic_store, lambda: store.open_membership(membership)) == Cost(1), "a repeat"
    assert measured(atomic_store, lambda: store.list_memberships(membership.user_id)) == Cost(1, rru=1)


def test_open_membership_beside_another_costs_two_trips(atomic_store: DynamoStore, membership: Membership) -> None:
    another, third = (a_membership(membership.user_id) for _ in range(2))
    cost = measured(atomic_store, lambda: atomic_store.memberships.open_membership(another))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(2, wru=6))
    assert measured(atomic_store, lambda: atomic_store.memberships.open_membership(third, None, 2)) == Cost(1)


def test_post_month_costs_one_trip_and_seven_units(atomic_store: DynamoStore, membership: Membership) -> None:
    month = a_month(membership, payment_intent=PAYMENT)

    def post() -> None:
        atomic_store.memberships.post_month(month, SUBSCRIPTION, CUSTOMER)

    assert reported(atomic_store, measured(atomic_store, post)) == reported(atomic_store, Cost(1, wru=7))
    assert measured(atomic_store, post) == Cost(1), "a repeat"


def test_post_month_of_an_uncounted_first_month_costs_two_trips(atomic_store: DynamoStore) -> None:
    membership = a_membership(new_name("fan"))
    atomic_store.memberships.open_membership(membership)
    first, renewal = (a_month(membership, number) for number in (1, 2))
    for month, trips in ((first, 2), (renewal, 1)):
        post = partial(atomic_store.memberships.post_month, month, SUBSCRIPTION, CUSTOMER)
        cost = measured(atomic_store, post)
        assert reported(atomic_store, cost) == reported(atomic_store, Cost(trips, wru=7))


def test_update_membership_costs_one_read_and_two_units(atomic_store: DynamoStore, membership: Membership) -> None:
    store = atomic_store.memberships
    found = measured(atomic_store, lambda: store.find_membership(membership.user_id, membership.membership_id))
    assert found == Cost(1, rru=1)

    cost = measured(atomic_store, lambda: store.update_membership(membership, followed(membership), None))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=2))


def test_update_membership_with_notification_costs_five_units(
    atomic_store: DynamoStore, membership: Membership
) -> None:
    notification = an_end(membership.user_id)
    cost = measured(
        atomic_store,
        lambda: atomic_store.memberships.update_membership(membership, followed(membership), notification),
    )
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=5))


def test_list_memberships_costs_the_same_after_many_tries(atomic_store: DynamoStore, membership: Membership) -> None:
    store, tried = atomic_store.memberships, [a_membership(membership.user_id) for _ in range(30)]
    for each in tried:
        store.open_membership(each, None, 100)
    few = measured(atomic_store, lambda: store.list_memberships(membership.user_id))
    assert (few.trips, few.rru <= 2) == (1, True)
    live = replace(followed(membership), status=MembershipStatus.ACTIVE)
    cost = measured(atomic_store, lambda: store.update_membership(membership, live, None))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=4))
    assert measured(atomic_store, lambda: store.list_memberships(membership.user_id)) == Cost(2, rru=few.rru + 1)


def test_update_membership_that_releases_costs_four_units(atomic_store: DynamoStore, membership: Membership) -> None:
    budget = set_budget(atomic_store, membership.user_id, a_budget())
    change = BudgetChange(seen=budget, budget=replace(budget, version=2))
    after = membership_as_unpaid(membership, "unpaid")
    cost = measured(atomic_store, lambda: atomic_store.memberships.update_membership(membership, after, None, change))
    assert reported(atomic_store, cost) == reported(atomic_store, Cost(1, wru=4))


@pytest.fixture
def store(table_store: DynamoStore) -> DynamoStore:
    table_store.bind()
    return table_store


def test_membership_item_is_under_a_kilobyte(store: DynamoStore) -> None:
    membership = a_membership(FAN, plan_id=TAG, coins=MAX_AMOUNT, amount_minor=MAX_AMOUNT, is_counted=True)
    store.memberships.open_membership(membership)
    store.memberships.update_membership(membership, replace(followed(membership), version=MAX_AMOUNT), None)
    item = store.item(wallet_key(FAN), membership_key(membership.membership_id))
    assert size(item) < KILOBYTE


def test_month_item_is_under_a_kilobyte(store: DynamoStore) -> None:
    membership = a_membership(FAN, plan_id=TAG, coins=MAX_AMOUNT, amount_minor=MAX_AMOUNT)
    store.memberships.open_membership(membership)
    month = a_month(membership, 2, payment_intent=PAYMENT)
    store.memberships.post_month(month, SUBSCRIPTION, CUSTOMER)
    store.ledger.update_kept_amount(month, MAX_AMOUNT, None)
    store.ledger.mark_published(FAN, month.purchase_id, START)
    assert size(store.item(wallet_key(FAN), entry_key(month.purchase_id))) < KILOBYTE


def test_membership_ttl_is_removed_by_first_paid_month(store: DynamoStore) -> None:
    membership = a_membership()
    store.memberships.open_membership(membership)
    key = wallet_key(membership.user_id), membership_key(membership.membership_id)
    assert store.item(*key)["ttl"] == {"N": str(int((START + PENDING_LIFE).timestamp()))}

    store.memberships.update_membership(membership, replace(membership, version=2), None)
    assert "ttl" in store.item(*key), "a look pays nothing"

    month = a_month(membership)
    store.memberships.post_month(month, SUBSCRIPTION, CUSTOMER)
    assert "ttl" not in store.item(*key)
    assert "ttl" not in store.item(wallet_key(month.user_id), entry_key(month.purchase_id))


def test_open_item_ttl_is_the_end_of_its_session_once_closed(store: DynamoStore) -> None:
    membership = a_membership()
    store.memberships.open_membership(membership)
    store.ledger.open_purchase(a_purchase(membership.user_id, purchase_id=membership.membership_id))
    for port, key in ((store.memberships, open_membership_key), (store.ledger, open_key)):
        name = wallet_key(membership.user_id), key(membership.membership_id)
        until = START + SESSION_LIFE
        (checkout,) = port.list_open(membership.user_id, START, until + SESSION_LIFE, 9)
        assert store.item(*name)["ttl"] == {"N": str(int((until + OPEN_LIFE).timestamp()))}
        port.close_open(checkout)
        assert store.item(*name)["ttl"] == {"N": str(int(until.timestamp()))}


@pytest.mark.parametrize(
    ("changes", "has_ttl"),
    [
        ({"status": PENDING, "paid_until": None}, False),
        ({"status": PAST_DUE, "paid_until": None}, False),
        ({"status": ENDED, "paid_until": None}, True),
        ({"status": ENDED}, False),
        ({}, False),
    ],
    ids=str,
)
def test_membership_ttl_is_absent_while_the_subscription_lives(
    store: DynamoStore, changes: dict[str, Any], has_ttl: bool
) -> None:
    membership = a_membership()
    store.memberships.open_membership(membership)
    store.memberships.update_membership(membership, replace(followed(membership), **changes), None)
    item = store.item(wallet_key(membership.user_id), membership_key(membership.membership_id))
    assert ("ttl" in item) is has_ttl
