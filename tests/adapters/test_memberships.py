"""Contract of the Memberships port."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, BudgetChange, Limits, first_budget
from chalicelib.domain.memberships import Membership, MembershipStatus
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import TryAgain
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Stale, Unmatched
from tests.adapters.injection import answer_lost, meeting
from tests.adapters.samples import a_gift, a_membership, a_month, an_end, buy, new_id, new_name
from tests.adapters.test_ledger_faults import EVERY_ATTEMPT
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.fakes import START
from tests.stores import DynamoStore, Store

SUBSCRIPTION, CUSTOMER = "sub_1", "cus_1"


@pytest.fixture
def membership(store: Store) -> Membership:
    """An unpaid membership."""
    membership = a_membership()
    assert store.memberships.open_membership(membership) == Posted()
    return membership


def post(store: Store, month: Purchase, subscription_id: str = SUBSCRIPTION) -> Posted | AlreadyExists | Unmatched:
    return store.memberships.post_month(month, subscription_id, CUSTOMER)


def find(store: Store, membership: Membership) -> Membership | None:
    return store.memberships.find_membership(membership.user_id, membership.membership_id)


def coins(store: Store, membership: Membership) -> int:
    return store.ledger.read_wallet(membership.user_id).coins


# --- opening ----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read(store: Store, membership: Membership) -> None:
    assert find(store, membership) == membership
    assert find(store, replace(membership, user_id="somebody else")) is None
    assert find(store, replace(membership, membership_id=new_id())) is None


def test_a_key_that_is_taken_keeps_what_it_names(store: Store, membership: Membership) -> None:
    assert store.memberships.open_membership(replace(membership, coins=1)) == MembershipExists(membership=membership)
    assert find(store, membership) == membership


def test_a_membership_and_a_purchase_may_have_one_key(store: Store, membership: Membership) -> None:
    gift = a_gift(membership.user_id, gift_id=membership.membership_id)
    buy(store.ledger, membership.user_id, 60)
    assert store.ledger.post_gift(gift) == Posted()
    assert find(store, membership) == membership


def test_memberships_of_a_fan_are_listed_newest_first_and_without_entries(store: Store) -> None:
    fan = new_name("fan")
    assert store.memberships.list_memberships(fan) == []
    buy(store.ledger, fan, 5)
    made = [a_membership(fan) for _ in range(3)]
    for membership in made:
        store.memberships.open_membership(membership)
    assert list(store.memberships.list_memberships(fan)) == made[::-1]
    assert [entry.entry_id for entry in store.ledger.list_entries(fan, 10)] != []


# --- a paid month -----------------------------------------------------------------------------------------------------


def test_a_paid_month_is_an_entry_its_coins_and_a_subscription(store: Store, membership: Membership) -> None:
    month = a_month(membership)
    assert post(store, month) == Posted()
    assert store.ledger.find_entry(month.user_id, month.purchase_id) == month
    assert coins(store, membership) == 500
    assert find(store, membership) == replace(membership, subscription_id=SUBSCRIPTION, customer_id=CUSTOMER)
    assert store.journal.wallet_mismatch(month.user_id) is None


def test_it_is_in_the_journal_and_not_relayed_yet(store: Store, membership: Membership) -> None:
    month = a_month(membership)
    post(store, month)
    assert month.posted_at is not None
    hour = month.posted_at.replace(minute=0, second=0, microsecond=0)
    (line,) = [line for line in store.journal.read_hour(hour) if line.entry_id == month.purchase_id]
    assert (line.kind, line.coins, line.event_id) == ("purchase", 500, month.event_id)
    assert list(store.journal.not_relayed([line])) == [line]


def test_each_month_is_posted_once(store: Store, membership: Membership) -> None:
    months = [a_month(membership, number) for number in (1, 2)]
    for month in months:
        assert post(store, month) == Posted()
    before = store.of(membership.user_id)
    for month in months:
        again = replace(month, event_id=new_id(), posted_at=START + timedelta(days=9))
        assert post(store, again) == AlreadyExists(entry=month)
    assert store.of(membership.user_id) == before
    assert coins(store, membership) == 1_000


MISMATCHES: list[dict[str, Any]] = [
    {"coins": 501},
    {"amount_minor": 500},
    {"currency": "eur"},
    {"bundle_id": "moon_club"},
]


@pytest.mark.parametrize("changes", MISMATCHES, ids=str)
def test_what_differs_from_the_quote_is_not_posted(
    store: Store, membership: Membership, changes: dict[str, Any]
) -> None:
    before = store.of(membership.user_id)
    refused = post(store, replace(a_month(membership), **changes))
    assert refused == Unmatched(membership=membership)
    assert store.of(membership.user_id) == before
    assert coins(store, membership) == 0


def test_nor_is_what_another_subscription_paid(store: Store, membership: Membership) -> None:
    post(store, a_month(membership))
    stored = find(store, membership)
    assert post(store, a_month(membership, 2), "sub_2") == Unmatched(membership=stored)
    assert coins(store, membership) == 500


def test_nor_what_was_paid_for_a_membership_that_nobody_has(store: Store) -> None:
    unknown = a_membership()
    assert post(store, a_month(unknown)) == Unmatched(membership=None)
    assert find(store, unknown) is None


def test_a_months_money_is_followed_like_that_of_any_purchase(store: Store, membership: Membership) -> None:
    month = a_month(membership)
    post(store, month)
    assert store.ledger.update_kept_amount(month, 250, None) == Posted()
    assert store.ledger.update_kept_amount(month, 0, None) == Stale()
    assert store.ledger.find_entry(month.user_id, month.purchase_id) == replace(month, kept_minor=250, version=2)


# --- updates ----------------------------------------------------------------------------------------------------------


def followed(membership: Membership, **changes: Any) -> Membership:
    """Build the next version of the membership, active and paid for 30 days."""
    after = replace(
        membership,
        status=MembershipStatus.ACTIVE,
        subscription_id=SUBSCRIPTION,
        customer_id=CUSTOMER,
        paid_until=START + timedelta(days=30),
        renews=True,
        version=membership.version + 1,
    )
    return replace(after, **changes)


def test_how_it_stands_is_written_over_how_it_stood(store: Store, membership: Membership) -> None:
    first = followed(membership)
    assert store.memberships.update_membership(membership, first, None) == Posted()
    assert find(store, membership) == first
    ended = followed(first, status=MembershipStatus.ENDED, paid_until=None, renews=False, ended_reason="unpaid")
    assert store.memberships.update_membership(first, ended, None) == Posted()
    assert find(store, membership) == ended


def test_but_not_over_what_somebody_wrote_meanwhile(store: Store, membership: Membership) -> None:
    first = followed(membership)
    store.memberships.update_membership(membership, first, None)
    before, late = store.of(membership.user_id), followed(membership, renews=False)
    assert store.memberships.update_membership(membership, late, an_end(membership.user_id)) == Stale()
    assert store.of(membership.user_id) == before


def test_nor_where_there_is_none(store: Store) -> None:
    unknown = a_membership()
    assert store.memberships.update_membership(unknown, followed(unknown), None) == Stale()
    assert find(store, unknown) is None


def test_an_end_is_told_in_the_same_write(store: Store, membership: Membership) -> None:
    notification = an_end(membership.user_id)
    ended = followed(membership, status=MembershipStatus.ENDED, ended_reason="cancelled")
    assert store.memberships.update_membership(membership, ended, notification) == Posted()
    assert store.ledger.find_entry(membership.user_id, notification.entry_id) == notification
    assert coins(store, membership) == 0
    assert store.journal.wallet_mismatch(membership.user_id) is None


# --- races and faults -------------------------------------------------------------------------------------------------


def test_one_invoice_posted_by_many_is_one_credit(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    month = a_month(membership)

    def deliver() -> Callable[[], Posted | AlreadyExists | Unmatched]:
        again = replace(month, event_id=new_id())
        return until_decided(lambda: post(atomic_store, again))

    answers = all_at_once([deliver() for _ in range(32)])

    assert answers.count(Posted()) == 1
    assert coins(atomic_store, membership) == 500


def test_one_end_seen_by_many_is_told_once(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    ended = followed(membership, status=MembershipStatus.ENDED)

    def follow() -> Posted | Stale:
        return atomic_store.memberships.update_membership(membership, ended, an_end(membership.user_id))

    assert all_at_once([until_decided(follow)] * 16).count(Posted()) == 1
    assert len(atomic_store.ledger.list_entries(membership.user_id, 100)) == 1


def test_an_answer_that_got_lost_leaves_one_credit(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    month = a_month(membership)

    with meeting(atomic_store.client, *[answer_lost] * EVERY_ATTEMPT), pytest.raises(TryAgain):
        post(atomic_store, month)

    assert post(atomic_store, month) == AlreadyExists(entry=month)
    assert coins(atomic_store, membership) == 500


def test_an_end_whose_answer_got_lost_is_told_once(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    ended, notification = followed(membership, status=MembershipStatus.ENDED), an_end(membership.user_id)

    with meeting(atomic_store.client, *[answer_lost] * EVERY_ATTEMPT), pytest.raises(TryAgain):
        atomic_store.memberships.update_membership(membership, ended, notification)

    assert atomic_store.memberships.update_membership(membership, ended, an_end(membership.user_id)) == Stale()
    assert [entry.entry_id for entry in atomic_store.ledger.list_entries(membership.user_id, 9)] == [
        notification.entry_id
    ]


@pytest.mark.parametrize(("currency", "counted"), [(None, 0), ("usd", 499), ("eur", 0)])
def test_a_month_counts_against_a_budget_of_its_currency(store: Store, currency: str | None, counted: int) -> None:
    membership = a_membership(currency="usd", amount_minor=499)
    store.memberships.open_membership(membership)
    money = ByPeriod(UNLIMITED, UNLIMITED, 300) if currency else NO_LIMIT
    budget = first_budget(Limits(zone="UTC", currency=currency, money=money), START)
    assert store.ledger.change_budget(membership.user_id, BudgetChange(seen=None, budget=budget)) == Posted()
    month = a_month(membership)

    assert store.memberships.post_month(month, "sub_1", "cus_1") == Posted()
    again = store.memberships.post_month(month, "sub_1", "cus_1")

    assert isinstance(again, AlreadyExists)
    assert again.entry == month
    wallet = store.ledger.read_wallet(membership.user_id)
    assert wallet.coins == membership.coins
    assert wallet.budget is not None
    if currency:
        assert wallet.budget.money_left.month == 300 - counted
