"""Contract of the Memberships port: prices in the fan's budget, and wallets that may not pay."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, BudgetChange, Limits, first_budget, released
from chalicelib.domain.memberships import Membership, membership_as_unpaid
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Rejected, Stale, Unmatched
from tests.adapters.budget_lab import budget_of, set_budget
from tests.adapters.samples import a_membership, a_month, a_purchase, an_exclusion, new_id, new_name
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.fakes import START
from tests.stores import DynamoStore, Store


def a_counted(fan: str) -> Membership:
    """Build an unpaid membership of 4.99 USD that counts in the budget."""
    return a_membership(fan, is_counted=True)


def a_fan(store: Store, day: int = 600, currency: str = "usd") -> str:
    """Return a new fan with a daily limit on money."""
    fan, money = new_name("fan"), ByPeriod(day, UNLIMITED, UNLIMITED)
    set_budget(store, fan, first_budget(Limits(zone="UTC", currency=currency, money=money), START))
    return fan


def left(store: Store, fan: str) -> int:
    return budget_of(store, fan).money_left.day


def find(store: Store, membership: Membership) -> Membership | None:
    return store.memberships.find_membership(membership.user_id, membership.membership_id)


def pay(store: Store, membership: Membership, number: int = 1) -> Posted | AlreadyExists | Unmatched:
    return store.memberships.post_month(a_month(membership, number), "sub_1", "cus_1")


def release(store: Store, membership: Membership, reason: str = "unpaid") -> Posted | Stale:
    """End the membership unpaid and release its price, as of the budget that is read now."""
    budget = budget_of(store, membership.user_id)
    freed = released(budget, membership.amount_minor, membership.currency, membership.created_at, START)
    assert freed is not None
    after = membership_as_unpaid(membership, reason)
    return store.memberships.update_membership(membership, after, None, BudgetChange(seen=budget, budget=freed))


def test_open_membership_counts_in_the_budget(store: Store) -> None:
    fan = a_fan(store)
    membership, another = a_counted(fan), a_counted(fan)
    assert store.memberships.open_membership(membership) == Posted()
    assert (find(store, membership), left(store, fan)) == (membership, 101)
    before = store.snapshot(fan)
    wallet = store.ledger.read_wallet(fan)
    assert store.memberships.open_membership(another) == Rejected(wallet=wallet)
    assert store.memberships.open_membership(membership) == MembershipExists(membership=membership, wallet=wallet)
    assert store.snapshot(fan) == before


def test_open_membership_of_a_wallet_that_may_not_pay_is_rejected(store: Store) -> None:
    excluded, frozen, other = new_name("fan"), new_name("fan"), a_fan(store, currency="eur")
    store.ledger.exclude(an_exclusion(excluded))
    store.freeze(frozen)
    for fan in (excluded, frozen, other):
        before = store.snapshot(fan)
        result = store.memberships.open_membership(a_counted(fan))
        assert result == Rejected(wallet=store.ledger.read_wallet(fan))
        assert store.snapshot(fan) == before


def test_open_membership_renews_the_budget_in_the_same_write(store: Store) -> None:
    fan = a_fan(store, day=499)
    seen = budget_of(store, fan)
    tomorrow = replace(a_counted(fan), created_at=START + timedelta(days=1))
    assert isinstance(store.memberships.open_membership(tomorrow), Rejected)
    ends = seen.ends._replace(day=seen.ends.day + timedelta(days=1))
    change = BudgetChange(seen=seen, budget=replace(seen, ends=ends, version=2))
    assert store.memberships.open_membership(tomorrow, change) == Posted()
    assert left(store, fan) == 0


def test_open_membership_with_the_id_of_a_checkout_opens_both(store: Store) -> None:
    fan = a_fan(store)
    membership = a_counted(fan)
    purchase = a_purchase(fan, purchase_id=membership.membership_id, amount_minor=1)
    assert store.ledger.open_purchase(purchase) == Posted()
    assert store.memberships.open_membership(membership) == Posted()
    assert left(store, fan) == 100


@pytest.mark.parametrize(("is_counted", "rest"), [(True, 600), (False, 101)])
def test_post_month_counts_a_first_month_once(store: Store, is_counted: bool, rest: int) -> None:
    """A membership of the first release was not counted when it was opened."""
    fan = a_fan(store, day=1_099)
    membership = a_membership(fan, is_counted=is_counted)
    store.memberships.open_membership(membership)
    assert pay(store, membership) == Posted()
    assert left(store, fan) == rest
    noted = replace(membership, subscription_id="sub_1", customer_id="cus_1", is_counted=False)
    assert find(store, membership) == noted
    assert pay(store, membership, 2) == Posted()
    assert left(store, fan) == rest - 499
    assert isinstance(pay(store, membership), AlreadyExists)
    assert left(store, fan) == rest - 499


def test_post_month_of_a_renewal_leaves_the_first_month_counted(store: Store) -> None:
    fan = a_fan(store, day=1_500)
    membership = a_counted(fan)
    store.memberships.open_membership(membership)
    assert [pay(store, membership, number) for number in (2, 1)] == [Posted(), Posted()]
    assert left(store, fan) == 502


def test_update_membership_releases_the_price_once(store: Store) -> None:
    fan = a_fan(store)
    membership = a_counted(fan)
    store.memberships.open_membership(membership)
    assert [release(store, membership) for _ in range(2)] == [Posted(), Stale()]
    assert (find(store, membership), left(store, fan)) == (membership_as_unpaid(membership, "unpaid"), 600)
    assert pay(store, membership) == Posted()
    assert left(store, fan) == 101, "it was paid after all"


def test_update_membership_of_a_posted_month_releases_nothing(store: Store) -> None:
    fan = a_fan(store)
    opened = a_counted(fan)
    store.memberships.open_membership(opened)
    membership = replace(opened, subscription_id="sub_1", version=opened.version + 1)
    store.memberships.update_membership(opened, membership, None)
    pay(store, membership)
    before = store.snapshot(fan)
    assert release(store, membership) == Stale()
    assert store.snapshot(fan) == before


def test_update_membership_with_an_outdated_budget_is_stale(store: Store) -> None:
    fan = a_fan(store)
    membership = a_counted(fan)
    store.memberships.open_membership(membership)
    seen = budget_of(store, fan)
    store.ledger.change_budget(fan, BudgetChange(seen=seen, budget=replace(seen, version=2)))
    before = store.snapshot(fan)
    outdated = BudgetChange(seen=seen, budget=replace(seen, version=3))
    result = store.memberships.update_membership(membership, membership_as_unpaid(membership, "unpaid"), None, outdated)
    assert result == Stale()
    assert store.snapshot(fan) == before


@pytest.mark.parametrize(("currency", "counted"), [(None, 0), ("usd", 499), ("eur", 0)])
def test_post_month_counts_against_budget_in_its_currency(store: Store, currency: str | None, counted: int) -> None:
    membership = a_membership(currency="usd", amount_minor=499)
    store.memberships.open_membership(membership)
    money = ByPeriod(UNLIMITED, UNLIMITED, 300) if currency else NO_LIMIT
    budget = first_budget(Limits(zone="UTC", currency=currency, money=money), START)
    assert store.ledger.change_budget(membership.user_id, BudgetChange(seen=None, budget=budget)) == Posted()
    month = a_month(membership)

    assert store.memberships.post_month(month, "sub_1", "cus_1") == Posted()
    repeat = store.memberships.post_month(month, "sub_1", "cus_1")

    assert isinstance(repeat, AlreadyExists)
    assert repeat.entry == month
    wallet = store.ledger.read_wallet(membership.user_id)
    assert wallet.coins == membership.coins
    assert wallet.budget is not None
    if currency:
        assert wallet.budget.money_left.month == 300 - counted


# --- races ------------------------------------------------------------------------------------------------------------


def test_open_membership_16_at_once_within_a_budget_for_one_opens_one(atomic_store: DynamoStore) -> None:
    fan = a_fan(atomic_store)

    def opening() -> Callable[[], Posted | MembershipExists | Rejected]:
        membership = a_counted(fan)
        return until_decided(lambda: atomic_store.memberships.open_membership(membership))

    results = all_at_once([opening() for _ in range(16)])

    assert Counter(type(result) for result in results) == {Posted: 1, Rejected: 15}
    assert len(atomic_store.memberships.list_memberships(fan)) == 1
    assert left(atomic_store, fan) == 101


def test_post_month_and_release_at_once_count_the_price_once(atomic_store: DynamoStore) -> None:
    for _ in range(8):
        fan = a_fan(atomic_store)
        membership = a_counted(fan)
        atomic_store.memberships.open_membership(membership)
        month = a_month(membership)

        def post(month: Purchase = month) -> object:
            repeat = replace(month, event_id=new_id())
            return atomic_store.memberships.post_month(repeat, "sub_1", "cus_1")

        def end(membership: Membership = membership) -> object:
            return release(atomic_store, membership)

        all_at_once([until_decided(act) for act in (post, end, post, end)])

        assert left(atomic_store, fan) == 101
