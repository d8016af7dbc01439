"""Contract of the Memberships port: the list of open ones, and the limit on those that are not paid."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.domain.ids import KEY_WINDOW
from chalicelib.domain.memberships import Membership, MembershipStatus, membership_as_unpaid
from chalicelib.domain.open_windows import OpenCheckout, OpenWindow
from chalicelib.domain.purchases import SESSION_LIFE
from chalicelib.ports.results import MembershipExists, Posted, Rejected, Stale
from tests.adapters.samples import a_membership, a_purchase, new_name
from tests.adapters.test_ledger_races import all_at_once, until_decided
from tests.adapters.test_membership_budgets import a_counted, a_fan, find, pay, release
from tests.fakes import START, uuid7_at
from tests.stores import DynamoStore, Store

LATER = START + timedelta(days=1)


def opens(store: Store, fan: str, at: datetime = START, limit: int = 2) -> Membership | None:
    """Open another membership. Returns None if the wallet rejects it."""
    membership = a_membership(fan, is_counted=True, created_at=at)
    result = store.memberships.open_membership(membership, None, limit)
    if result == Rejected(wallet=store.ledger.read_wallet(fan)):
        assert find(store, membership) is None
        return None
    assert result == Posted()
    return membership


def window(store: Store, fan: str) -> OpenWindow | None:
    return store.ledger.read_wallet(fan).open_memberships


def test_open_membership_counts_up_to_the_limit_in_the_first_ones_window(store: Store) -> None:
    fan = new_name("fan")
    store.ledger.open_purchase(a_purchase(fan))
    assert [bool(opens(store, fan, START + timedelta(minutes=each))) for each in range(3)] == [True, True, False]
    assert window(store, fan) == OpenWindow(until=START + SESSION_LIFE, unpaid=2)
    assert opens(store, fan, START + SESSION_LIFE), "the window is over"
    assert window(store, fan) == OpenWindow(until=START + 2 * SESSION_LIFE, unpaid=1)


def test_post_month_gives_the_place_of_a_first_month_back_once(store: Store) -> None:
    fan = new_name("fan")
    first, _ = opens(store, fan), opens(store, fan)
    assert first
    for number in (1, 1, 2):
        pay(store, first, number)
    assert window(store, fan) == OpenWindow(until=START + SESSION_LIFE, unpaid=1)
    assert [bool(opens(store, fan)) for _ in range(2)] == [True, False]


def test_post_month_of_the_only_open_membership_ends_the_window(store: Store) -> None:
    fan = new_name("fan")
    membership = opens(store, fan)
    assert membership
    pay(store, membership)
    assert window(store, fan) is None


def test_list_open_has_memberships_whose_sessions_ended_until_closed(store: Store) -> None:
    fan, moment = new_name("fan"), timedelta(milliseconds=1)
    store.ledger.open_purchase(a_purchase(fan))
    opened = [opens(store, fan, limit=3), opens(store, fan, limit=3), opens(store, fan, START + moment, limit=3)]
    first, second, third = [each.membership_id for each in opened if each]

    def listed(before: datetime, limit: int = 9) -> list[str]:
        return [each.opened_id for each in store.memberships.list_open(fan, START, before, limit)]

    over = START + SESSION_LIFE
    assert [listed(over), listed(over + moment), listed(over + 2 * moment)] == [
        [],
        [first, second],
        [first, second, third],
    ]
    assert listed(over + moment, 1) == [first]
    assert store.memberships.list_open(fan, over + moment, LATER, 9) == [
        OpenCheckout(user_id=fan, opened_id=third, until=over + moment)
    ]
    for _ in range(2):
        store.memberships.close_open(OpenCheckout(user_id=fan, opened_id=first, until=over))
    assert listed(over + 2 * moment) == [second, third]
    assert len(store.memberships.list_memberships(fan)) == 3


def test_list_opened_has_all_since_then_whatever_the_time_of_their_keys(store: Store) -> None:
    fan, moment = new_name("fan"), timedelta(milliseconds=1)
    made = [
        a_membership(fan, membership_id=uuid7_at(START + age, number), created_at=START + moment * (number % 2))
        for number, age in enumerate((-KEY_WINDOW, -KEY_WINDOW + moment, timedelta(0), KEY_WINDOW))
    ]
    for each in made:
        store.memberships.open_membership(each, None, 9)
    live = replace(made[3], status=MembershipStatus.ACTIVE, version=2)
    store.memberships.update_membership(made[3], live, None)
    assert list(store.memberships.list_opened(fan, START)) == [live, *made[2::-1]]
    assert list(store.memberships.list_opened(fan, START + moment)) == [live, made[1]]


def test_open_membership_repeat_and_end_keep_the_place_taken(store: Store) -> None:
    fan = a_fan(store, day=2_000)
    membership = opens(store, fan, limit=1)
    assert membership
    known = MembershipExists(membership=membership, wallet=store.ledger.read_wallet(fan))
    assert store.memberships.open_membership(membership, None, 1) == known
    assert release(store, membership) == Posted()
    assert not opens(store, fan, limit=1)


def test_update_membership_after_a_refusal_gives_the_place_back_once(store: Store) -> None:
    fan = a_fan(store, day=2_000)
    first, second = opens(store, fan), opens(store, fan)
    assert first
    assert second
    assert release(store, first, "payment_unavailable") == Posted()
    after = replace(membership_as_unpaid(second, "payment_unavailable"), is_counted=True)
    assert [store.memberships.update_membership(second, after, None) for _ in range(2)] == [Posted(), Stale()]
    ended = find(store, second)
    assert ended
    assert store.memberships.update_membership(ended, replace(ended, version=3), None) == Posted()
    assert window(store, fan) is None
    assert [bool(opens(store, fan)) for _ in range(3)] == [True, True, False]


def test_open_membership_16_at_once_opens_3(atomic_store: DynamoStore) -> None:
    fan = new_name("fan")
    act = until_decided(lambda: atomic_store.memberships.open_membership(a_counted(fan)) == Posted())
    opened = sum(all_at_once([act] * 16))
    # One that met the beginning of the window may be rejected and is tried again by its caller.
    opened += sum(opens(atomic_store, fan, limit=3) is not None for _ in range(3))
    assert (opened, window(atomic_store, fan)) == (3, OpenWindow(until=START + SESSION_LIFE, unpaid=3))
