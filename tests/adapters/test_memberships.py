"""Contract of the Memberships port."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.ids import hash_request
from chalicelib.domain.memberships import NEWEST, Customer, Membership, MembershipStatus
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import TryAgain
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Stale, Unmatched
from tests.adapters.injection import injecting, response_lost
from tests.adapters.samples import a_gift, a_membership, a_month, an_end, buy, new_id, new_name
from tests.adapters.test_ledger_faults import MAX_SENDS
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.fakes import START
from tests.journal_hours import lines_of_hour
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


def test_open_membership_stores_membership(store: Store, membership: Membership) -> None:
    assert find(store, membership) == membership
    assert find(store, replace(membership, user_id="somebody else")) is None
    assert find(store, replace(membership, membership_id=new_id())) is None


def test_open_membership_stores_request_hash(store: Store) -> None:
    membership = a_membership(request_hash=hash_request("https://live.example/"), key_form=1)
    assert store.memberships.open_membership(membership) == Posted()
    assert find(store, membership) == membership


def test_open_membership_with_taken_id_returns_that_membership(store: Store, membership: Membership) -> None:
    expected = MembershipExists(membership=membership, wallet=store.ledger.read_wallet(membership.user_id))
    assert store.memberships.open_membership(replace(membership, coins=1)) == expected
    assert find(store, membership) == membership


def test_open_membership_id_is_separate_from_entry_ids(store: Store, membership: Membership) -> None:
    gift = a_gift(membership.user_id, gift_id=membership.membership_id)
    buy(store.ledger, membership.user_id, 60)
    assert store.ledger.post_gift(gift) == Posted()
    assert find(store, membership) == membership


def test_keep_customer_keeps_the_first_until_it_is_forgotten(store: Store) -> None:
    fan, memberships = new_name("fan"), store.memberships
    assert memberships.read_customer(fan) == Customer()
    assert [memberships.keep_customer(fan, each) for each in ("cus_1", "cus_2")] == ["cus_1", "cus_1"]
    memberships.forget_customer(fan, "cus_2")
    assert memberships.read_customer(fan) == Customer(customer_id="cus_1")
    memberships.forget_customer(fan, "cus_1")
    assert memberships.read_customer(fan) == Customer(gone_id="cus_1")
    assert memberships.keep_customer(fan, "cus_3") == "cus_3"
    assert memberships.list_memberships(fan) == []


def test_list_memberships_is_newest_first_without_entries(store: Store) -> None:
    fan = new_name("fan")
    assert store.memberships.list_memberships(fan) == []
    buy(store.ledger, fan, 5)
    made = [a_membership(fan) for _ in range(3)]
    for membership in made:
        store.memberships.open_membership(membership)
    assert list(store.memberships.list_memberships(fan)) == made[::-1]
    assert [entry.entry_id for entry in store.ledger.list_entries(fan, 10)] != []


def test_list_memberships_has_the_newest_and_those_ever_live(store: Store) -> None:
    fan = new_name("fan")
    tried = [a_membership(fan) for _ in range(NEWEST + 3)]
    for membership in tried:
        store.memberships.open_membership(membership, None, 100)
    newest_first = tried[::-1]
    assert list(store.memberships.list_memberships(fan)) == newest_first[:NEWEST]
    live, ended = followed(tried[1]), followed(followed(tried[0]), status=MembershipStatus.ENDED)
    store.memberships.update_membership(tried[1], live, None)
    store.memberships.update_membership(tried[0], followed(tried[0]), None)
    store.memberships.update_membership(followed(tried[0]), ended, None)
    assert list(store.memberships.list_memberships(fan)) == [*newest_first[:NEWEST], live, ended]


def test_list_memberships_reads_on_in_those_of_the_first_release(store: Store) -> None:
    fan = new_name("fan")
    tried = [a_membership(fan, key_form=1 + (number > 1)) for number in range(NEWEST + 2)]
    for membership in tried:
        store.memberships.open_membership(membership, None, 100)
    assert list(store.memberships.list_memberships(fan)) == tried[::-1]


# --- a paid month -----------------------------------------------------------------------------------------------------


def test_post_month_stores_entry_coins_and_subscription(store: Store, membership: Membership) -> None:
    month = a_month(membership)
    assert post(store, month) == Posted()
    assert store.ledger.find_entry(month.user_id, month.purchase_id) == month
    assert coins(store, membership) == 500
    assert find(store, membership) == replace(membership, subscription_id=SUBSCRIPTION, customer_id=CUSTOMER)


def test_post_month_enters_the_journal_as_not_relayed(store: Store, membership: Membership) -> None:
    month = a_month(membership)
    post(store, month)
    assert month.posted_at is not None
    hour = month.posted_at.replace(minute=0, second=0, microsecond=0)
    (line,) = [line for line in lines_of_hour(store.journal, hour) if line.entry_id == month.purchase_id]
    assert (line.kind, line.coins, line.event_id) == ("purchase", 500, month.event_id)
    assert list(store.journal.not_relayed([line])) == [line]


def test_post_month_posts_each_month_once(store: Store, membership: Membership) -> None:
    months = [a_month(membership, number) for number in (1, 2)]
    for month in months:
        assert post(store, month) == Posted()
    before = store.snapshot(membership.user_id)
    for month in months:
        repeat = replace(month, event_id=new_id(), posted_at=START + timedelta(days=9))
        assert post(store, repeat) == AlreadyExists(entry=month)
    assert store.snapshot(membership.user_id) == before
    assert coins(store, membership) == 1_000


MISMATCHES: list[dict[str, Any]] = [
    {"coins": 501},
    {"amount_minor": 500},
    {"currency": "eur"},
    {"bundle_id": "moon_club"},
]


@pytest.mark.parametrize("changes", MISMATCHES, ids=str)
def test_post_month_different_from_quote_is_unmatched(
    store: Store, membership: Membership, changes: dict[str, Any]
) -> None:
    before = store.snapshot(membership.user_id)
    refused = post(store, replace(a_month(membership), **changes))
    assert refused == Unmatched(membership=membership)
    assert store.snapshot(membership.user_id) == before
    assert coins(store, membership) == 0


def test_post_month_of_another_subscription_is_unmatched(store: Store, membership: Membership) -> None:
    post(store, a_month(membership))
    stored = find(store, membership)
    assert post(store, a_month(membership, 2), "sub_2") == Unmatched(membership=stored)
    assert coins(store, membership) == 500


def test_post_month_of_unknown_membership_is_unmatched(store: Store) -> None:
    unknown = a_membership()
    assert post(store, a_month(unknown)) == Unmatched(membership=None)
    assert find(store, unknown) is None


def test_update_kept_amount_works_for_a_month(store: Store, membership: Membership) -> None:
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
        served_until=START + timedelta(days=60),
        version=membership.version + 1,
    )
    return replace(after, **changes)


def test_update_membership_replaces_the_stored_version(store: Store, membership: Membership) -> None:
    first = followed(membership)
    assert store.memberships.update_membership(membership, first, None) == Posted()
    assert find(store, membership) == first
    over = {"paid_until": None, "served_until": None, "renews": False}
    ended = followed(first, status=MembershipStatus.ENDED, ended_reason="unpaid", **over)
    assert store.memberships.update_membership(first, ended, None) == Posted()
    assert find(store, membership) == ended


def test_update_membership_of_outdated_version_is_stale(store: Store, membership: Membership) -> None:
    store.memberships.update_membership(membership, followed(membership, subscription_id=None), None)
    before, outdated = store.snapshot(membership.user_id), followed(membership, renews=False)
    assert store.memberships.update_membership(membership, outdated, an_end(membership.user_id)) == Stale()
    assert store.snapshot(membership.user_id) == before


def test_update_membership_read_before_a_month_was_posted_is_stale(store: Store, membership: Membership) -> None:
    post(store, a_month(membership))
    assert store.memberships.update_membership(membership, followed(membership), None) == Stale()


def test_update_membership_of_unknown_membership_is_stale(store: Store) -> None:
    unknown = a_membership()
    assert store.memberships.update_membership(unknown, followed(unknown), None) == Stale()
    assert find(store, unknown) is None


def test_update_membership_stores_notification_in_same_write(store: Store, membership: Membership) -> None:
    notification = an_end(membership.user_id)
    ended = followed(membership, status=MembershipStatus.ENDED, ended_reason="cancelled")
    assert store.memberships.update_membership(membership, ended, notification) == Posted()
    assert store.ledger.find_entry(membership.user_id, notification.entry_id) == notification
    assert coins(store, membership) == 0


# --- races and faults -------------------------------------------------------------------------------------------------


def test_post_month_32_at_once_credits_once(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    month = a_month(membership)

    def deliver() -> Callable[[], Posted | AlreadyExists | Unmatched]:
        repeat = replace(month, event_id=new_id())
        return until_decided(lambda: post(atomic_store, repeat))

    results = all_at_once([deliver() for _ in range(32)])

    assert results.count(Posted()) == 1
    assert coins(atomic_store, membership) == 500


def test_update_membership_16_ends_at_once_notify_once(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    ended = followed(membership, status=MembershipStatus.ENDED)

    def follow() -> Posted | Stale:
        return atomic_store.memberships.update_membership(membership, ended, an_end(membership.user_id))

    assert all_at_once([until_decided(follow)] * 16).count(Posted()) == 1
    assert len(atomic_store.ledger.list_entries(membership.user_id, 100)) == 1


def test_post_month_with_lost_responses_credits_once(atomic_store: DynamoStore) -> None:
    membership = a_membership(is_counted=True)
    atomic_store.memberships.open_membership(membership)
    month = a_month(membership)

    with injecting(atomic_store.client, *[response_lost] * MAX_SENDS), pytest.raises(TryAgain):
        post(atomic_store, month)

    assert post(atomic_store, month) == AlreadyExists(entry=month)
    assert coins(atomic_store, membership) == 500


def test_update_membership_with_lost_responses_notifies_once(atomic_store: DynamoStore) -> None:
    membership = a_membership()
    atomic_store.memberships.open_membership(membership)
    ended, notification = followed(membership, status=MembershipStatus.ENDED), an_end(membership.user_id)

    with injecting(atomic_store.client, *[response_lost] * MAX_SENDS), pytest.raises(TryAgain):
        atomic_store.memberships.update_membership(membership, ended, notification)

    assert atomic_store.memberships.update_membership(membership, ended, an_end(membership.user_id)) == Stale()
    assert [entry.entry_id for entry in atomic_store.ledger.list_entries(membership.user_id, 9)] == [
        notification.entry_id
    ]
