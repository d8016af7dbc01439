from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import Membership, MembershipStatus
from chalicelib.errors import AlreadyMember, IdempotencyConflict, KeyTooOld, NotFound, TryAgain, UnknownPlan
from chalicelib.usecases.memberships import OpenedMembership, open_portal
from chalicelib.usecases.queries import read_membership
from tests.domain.builders import FAN, KEY, a_catalogue, a_membership, a_plan
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MembershipHarness

PAY_URL = f"https://pay.example/{KEY}"
LATER = uuid7_at(START, 9)
ACTIVE = MembershipStatus.ACTIVE


@pytest.fixture
def club() -> MembershipHarness:
    return MembershipHarness()


def test_joining_is_two_looks_a_write_and_one_call_to_the_provider(club: MembershipHarness) -> None:
    assert club.join() == OpenedMembership(membership=a_membership(), url=PAY_URL, is_repeat=False)
    assert club.recorder.calls == ["list_memberships", "read_wallet", "open_membership", "open_session"]
    assert club.membership() == a_membership()
    assert club.books.entries == {}


def test_a_repeat_is_given_the_same_session(club: MembershipHarness) -> None:
    first, again = club.join(), club.join()
    assert (again.membership, again.url, again.is_repeat) == (first.membership, first.url, True)


def test_a_repeat_keeps_the_price_that_it_was_quoted(club: MembershipHarness) -> None:
    club.join()
    club.catalogue = a_catalogue(a_plan(prices={"usd": 9_999}))
    assert club.join().membership.amount_minor == 499


def test_a_plan_taken_off_sale_can_still_be_joined_by_who_asked_for_it(club: MembershipHarness) -> None:
    club.join()
    club.catalogue = a_catalogue(a_plan("moon_club"))
    assert club.join().url == PAY_URL


def test_a_key_that_comes_with_another_wish_is_a_conflict(club: MembershipHarness) -> None:
    club.catalogue = a_catalogue(a_plan(), a_plan("moon_club"))
    club.join()
    with pytest.raises(IdempotencyConflict):
        club.join(plan_id="moon_club")
    assert club.billing.opened == 1


def test_an_unknown_plan_is_refused_and_nothing_is_written(club: MembershipHarness) -> None:
    with pytest.raises(UnknownPlan):
        club.join(plan_id="moon_club")
    assert club.members.known == {}


def test_a_stale_key_that_nobody_knows_is_refused(club: MembershipHarness) -> None:
    with pytest.raises(KeyTooOld):
        club.join(membership_id=uuid7_at(START - timedelta(days=2), 1))
    assert club.members.known == {}


def test_a_member_is_refused_a_second_membership(club: MembershipHarness) -> None:
    club.joined(status=ACTIVE)
    with pytest.raises(AlreadyMember):
        club.join(membership_id=LATER)
    assert list(club.members.known) == [(FAN, KEY)]
    assert club.billing.opened == 0


def test_but_a_repeat_of_what_made_one_a_member_never_hears_no(club: MembershipHarness) -> None:
    stored = club.joined(status=ACTIVE)
    assert club.join() == OpenedMembership(membership=stored, url=None, is_repeat=True)


def test_who_was_a_member_may_be_one_again(club: MembershipHarness) -> None:
    club.joined(status=MembershipStatus.ENDED)
    assert not club.join(membership_id=LATER).is_repeat


def test_after_an_hour_there_is_nothing_to_pay_and_the_provider_is_not_asked(club: MembershipHarness) -> None:
    club.join()
    club.clock.advance(timedelta(minutes=60))
    assert club.join().url is None
    assert club.billing.opened == 1


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize("step", ["list_memberships", "read_wallet", "open_membership", "open_session"])
def test_wherever_it_breaks_a_retry_ends_in_the_same_membership(club: MembershipHarness, step: str, fault: str) -> None:
    getattr(club.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        club.join()
    assert club.join().url == PAY_URL
    assert club.members.known == {(FAN, KEY): a_membership()}


# --- looking ----------------------------------------------------------------------------------------------------------


def stocked(club: MembershipHarness, *memberships: Membership) -> MembershipHarness:
    club.members.known |= {(each.user_id, each.membership_id): each for each in memberships}
    return club


def test_one_sees_the_membership_that_is_live_or_the_newest(club: MembershipHarness) -> None:
    assert read_membership(FAN, memberships=club.memberships) is None
    stocked(club, a_membership(status=ACTIVE), newer := a_membership(membership_id=LATER))
    assert read_membership(FAN, memberships=club.memberships) == a_membership(status=ACTIVE)
    stocked(club, a_membership(status=MembershipStatus.ENDED))
    assert read_membership(FAN, memberships=club.memberships) == newer
    assert read_membership("fan-2", memberships=club.memberships) is None


def test_the_portal_is_opened_for_who_subscribed(club: MembershipHarness) -> None:
    subscribed = a_membership(status=MembershipStatus.ENDED, customer_id="cus_1")
    stocked(club, subscribed, a_membership(membership_id=LATER))
    url = open_portal(FAN, memberships=club.memberships, subscriptions=club.subscriptions)
    assert url == "https://portal.example/cus_1"
    stocked(club, replace(subscribed, membership_id=LATER, status=ACTIVE, customer_id="cus_2"))
    url = open_portal(FAN, memberships=club.memberships, subscriptions=club.subscriptions)
    assert url == "https://portal.example/cus_2"


def test_of_two_live_memberships_the_portal_is_for_the_one_that_goes_on_costing_money(club: MembershipHarness) -> None:
    renewing = a_membership(status=ACTIVE, customer_id="cus_1", renews=True)
    stocked(club, renewing, a_membership(membership_id=LATER, status=ACTIVE, customer_id="cus_2", renews=False))
    url = open_portal(FAN, memberships=club.memberships, subscriptions=club.subscriptions)
    assert url == "https://portal.example/cus_1"


def test_there_is_no_portal_for_who_never_subscribed(club: MembershipHarness) -> None:
    stocked(club, a_membership())
    with pytest.raises(NotFound):
        open_portal(FAN, memberships=club.memberships, subscriptions=club.subscriptions)
