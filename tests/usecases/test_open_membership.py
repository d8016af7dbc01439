from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import Membership, MembershipStatus
from chalicelib.domain.payments import CustomerGone
from chalicelib.domain.purchases import FORMER_KEY_FORM
from chalicelib.errors import (
    AlreadyMember,
    IdempotencyConflict,
    KeyTooOld,
    NotFound,
    PaymentUnavailable,
    TryAgain,
    UnknownPlan,
)
from chalicelib.usecases.memberships import OpenedMembership, open_portal
from chalicelib.usecases.queries import read_membership
from tests.domain.builders import FAN, KEY, a_catalogue, a_membership, a_plan
from tests.fake_memberships import MONTH
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MembershipHarness

PAY_URL = f"https://pay.example/{KEY}"
EARLIER, LATER = uuid7_at(START - timedelta(hours=1), 9), uuid7_at(START, 9)
ACTIVE = MembershipStatus.ACTIVE
COUNTED = a_membership(is_counted=True)


@pytest.fixture
def harness() -> MembershipHarness:
    return MembershipHarness()


OPENED = ["list_memberships", "open_membership", "read_customer"]
NEW_CUSTOMER = ["list_memberships", "create_customer", "keep_customer"]


def test_open_membership_is_a_read_then_one_write_and_one_call_to_the_provider(harness: MembershipHarness) -> None:
    assert harness.join() == OpenedMembership(membership=COUNTED, url=PAY_URL, is_repeat=False)
    assert harness.recorder.calls == [*OPENED, *NEW_CUSTOMER, "open_session"]
    harness.recorder.calls.clear()
    harness.join(membership_id=LATER)
    assert harness.recorder.calls == [*OPENED, "open_session"]
    assert harness.membership() == COUNTED
    assert harness.books.entries == {}


def test_open_membership_has_one_customer_per_fan(harness: MembershipHarness) -> None:
    harness.join()
    harness.join()
    harness.join(membership_id=LATER)
    harness.join(user_id="fan-2")
    assert harness.billing.customers == [f"cus_{FAN}"] * 3 + ["cus_fan-2"]
    assert harness.billing.created == [(FAN, None), ("fan-2", None)]


def test_open_membership_keeps_the_customer_of_an_earlier_membership(harness: MembershipHarness) -> None:
    stocked(harness, a_membership(status=MembershipStatus.ENDED, customer_id="cus_before"))
    harness.join(membership_id=LATER)
    assert (harness.billing.customers, harness.billing.created) == (["cus_before"], [])


def test_open_membership_with_a_key_that_makes_no_customers_sends_none(harness: MembershipHarness) -> None:
    harness.recorder.fail_before["create_customer"] = PaymentUnavailable()
    assert harness.join().url == PAY_URL
    assert harness.billing.customers == [None]


def test_open_membership_repeat_of_the_first_release_sends_no_customer(harness: MembershipHarness) -> None:
    stocked(harness, a_membership(key_form=FORMER_KEY_FORM))
    assert harness.join().url == PAY_URL
    assert harness.billing.customers == [None]


def test_open_membership_of_a_deleted_customer_is_refused_and_the_next_has_another(
    harness: MembershipHarness,
) -> None:
    stocked(harness, a_membership(membership_id=EARLIER, status=MembershipStatus.ENDED, customer_id="cus_before"))
    harness.recorder.fail_before["open_session"] = CustomerGone()
    with pytest.raises(CustomerGone):
        harness.join()
    assert harness.join(membership_id=LATER).url is not None
    assert harness.billing.created == [(FAN, "cus_before")]
    assert harness.billing.customers == [f"cus_{FAN}_again"]


def test_open_membership_refused_for_another_reason_keeps_the_customer(harness: MembershipHarness) -> None:
    harness.recorder.fail_before["open_session"] = PaymentUnavailable()
    with pytest.raises(PaymentUnavailable):
        harness.join()
    harness.join(membership_id=LATER)
    assert harness.billing.created == [(FAN, None)]


def test_open_membership_after_several_customers_are_gone_has_a_new_one(harness: MembershipHarness) -> None:
    for number, customer in ((1, "cus_old"), (2, "cus_older")):
        former = uuid7_at(START - timedelta(days=number), number)
        stocked(harness, a_membership(membership_id=former, status=MembershipStatus.ENDED, customer_id=customer))
    harness.recorder.fail_before["open_session"] = CustomerGone()
    with pytest.raises(CustomerGone):
        harness.join()
    harness.join(membership_id=LATER)
    assert harness.billing.customers == [f"cus_{FAN}_again"]


def test_open_membership_repeat_returns_the_same_session(harness: MembershipHarness) -> None:
    first, again = harness.join(), harness.join()
    assert (again.membership, again.url, again.is_repeat) == (first.membership, first.url, True)


def test_open_membership_repeat_keeps_the_quoted_price(harness: MembershipHarness) -> None:
    harness.join()
    harness.catalogue = a_catalogue(a_plan(prices={"usd": 9_999}))
    assert harness.join().membership.amount_minor == 499


def test_open_membership_repeat_after_the_plan_is_off_sale_has_its_url(harness: MembershipHarness) -> None:
    harness.join()
    harness.catalogue = a_catalogue(a_plan("moon_club"))
    assert harness.join().url == PAY_URL


def test_open_membership_of_another_plan_with_the_key_is_a_conflict(harness: MembershipHarness) -> None:
    harness.catalogue = a_catalogue(a_plan(), a_plan("moon_club"))
    harness.join()
    with pytest.raises(IdempotencyConflict):
        harness.join(plan_id="moon_club")
    assert harness.billing.opened == 1


def test_open_membership_of_an_unknown_plan_writes_nothing(harness: MembershipHarness) -> None:
    with pytest.raises(UnknownPlan):
        harness.join(plan_id="moon_club")
    assert harness.members.known == {}


def test_open_membership_with_an_unknown_stale_key_is_refused(harness: MembershipHarness) -> None:
    with pytest.raises(KeyTooOld):
        harness.join(membership_id=uuid7_at(START - timedelta(days=2), 1))
    assert harness.members.known == {}


def test_open_membership_of_a_member_is_refused(harness: MembershipHarness) -> None:
    harness.joined(status=ACTIVE, paid_until=START + MONTH)
    with pytest.raises(AlreadyMember):
        harness.join(membership_id=LATER)
    assert list(harness.members.known) == [(FAN, KEY)]
    assert harness.billing.opened == 0


def test_open_membership_repeat_of_a_member_is_not_refused(harness: MembershipHarness) -> None:
    stored = harness.joined(status=ACTIVE)
    assert harness.join() == OpenedMembership(membership=stored, url=None, is_repeat=True)


def test_open_membership_after_an_ended_one_is_new(harness: MembershipHarness) -> None:
    harness.joined(status=MembershipStatus.ENDED)
    assert not harness.join(membership_id=LATER).is_repeat


def test_open_membership_repeat_after_an_hour_has_no_url_and_no_call(harness: MembershipHarness) -> None:
    harness.join()
    harness.clock.advance(timedelta(minutes=60))
    assert harness.join().url is None
    assert harness.billing.opened == 1


@pytest.mark.parametrize("fault", ["fail_before", "fail_after"])
@pytest.mark.parametrize("step", [*OPENED, "create_customer", "keep_customer", "open_session"])
def test_open_membership_retry_after_any_fault_returns_the_same_membership(
    harness: MembershipHarness, step: str, fault: str
) -> None:
    getattr(harness.recorder, fault)[step] = TryAgain()
    with pytest.raises(TryAgain):
        harness.join()
    assert harness.join().url == PAY_URL
    assert harness.members.known == {(FAN, KEY): COUNTED}


# --- reads ------------------------------------------------------------------------------------------------------------


def stocked(harness: MembershipHarness, *memberships: Membership) -> MembershipHarness:
    harness.members.known |= {(each.user_id, each.membership_id): each for each in memberships}
    return harness


def test_read_membership_returns_the_live_one_or_the_newest(harness: MembershipHarness) -> None:
    assert read_membership(FAN, memberships=harness.memberships) is None
    stocked(harness, a_membership(status=ACTIVE), newer := a_membership(membership_id=LATER))
    assert read_membership(FAN, memberships=harness.memberships) == a_membership(status=ACTIVE)
    stocked(harness, a_membership(status=MembershipStatus.ENDED))
    assert read_membership(FAN, memberships=harness.memberships) == newer
    assert read_membership("fan-2", memberships=harness.memberships) is None


def test_open_portal_uses_the_subscribed_membership(harness: MembershipHarness) -> None:
    subscribed = a_membership(status=MembershipStatus.ENDED, customer_id="cus_1")
    stocked(harness, subscribed, a_membership(membership_id=LATER))
    url = open_portal(FAN, memberships=harness.memberships, subscriptions=harness.subscriptions)
    assert url == "https://portal.example/cus_1"
    stocked(harness, replace(subscribed, membership_id=LATER, status=ACTIVE, customer_id="cus_2"))
    url = open_portal(FAN, memberships=harness.memberships, subscriptions=harness.subscriptions)
    assert url == "https://portal.example/cus_2"


def test_open_portal_prefers_the_renewing_membership(harness: MembershipHarness) -> None:
    renewing = a_membership(status=ACTIVE, customer_id="cus_1", renews=True)
    stocked(harness, renewing, a_membership(membership_id=LATER, status=ACTIVE, customer_id="cus_2", renews=False))
    url = open_portal(FAN, memberships=harness.memberships, subscriptions=harness.subscriptions)
    assert url == "https://portal.example/cus_1"


def test_open_portal_without_a_subscription_raises_not_found(harness: MembershipHarness) -> None:
    stocked(harness, a_membership())
    with pytest.raises(NotFound):
        open_portal(FAN, memberships=harness.memberships, subscriptions=harness.subscriptions)
