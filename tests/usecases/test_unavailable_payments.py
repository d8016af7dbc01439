"""Checkouts and memberships that the payment provider refuses for good."""

import pytest

from chalicelib.domain.budgets import UNLIMITED, Limits
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import Status
from chalicelib.errors import PaymentUnavailable, TooManyOpen, TryAgain
from chalicelib.usecases.budgets import set_budget
from chalicelib.usecases.queries import read_membership
from tests.domain.builders import FAN, KEY, a_purchase
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import a_stripe_event
from tests.usecases.membership_harness import MembershipHarness

OTHER_KEY = uuid7_at(START, 99)


@pytest.fixture
def harness() -> MembershipHarness:
    """A fan with a budget of a dollar a day, whose next request for a session is refused."""
    harness = MembershipHarness()
    limits = Limits(zone="UTC", currency="usd", money=ByPeriod(600, UNLIMITED, UNLIMITED))
    set_budget(FAN, limits, ledger=harness.books, clock=harness.clock)
    harness.recorder.fail_before["open_session"] = PaymentUnavailable()
    return harness


def left(harness: MembershipHarness) -> int:
    return harness.books.budgets[FAN].money_left.day


def test_open_checkout_refused_for_good_leaves_nothing_pending(harness: MembershipHarness) -> None:
    with pytest.raises(PaymentUnavailable):
        harness.open()
    assert (harness.purchase().status, harness.purchase().failure_reason) == (Status.FAILED, "payment_unavailable")
    assert left(harness) == 600, "the price is back at once"


def test_open_checkout_repeat_of_a_refused_one_is_refused_without_a_call(harness: MembershipHarness) -> None:
    for _ in range(3):
        with pytest.raises(PaymentUnavailable):
            harness.open()
    assert harness.recorder.calls.count("open_session") == 1
    assert harness.open(purchase_id=OTHER_KEY).url is not None, "a new key is a new try"


def test_open_checkout_and_membership_refused_for_good_leave_room_for_others(harness: MembershipHarness) -> None:
    harness.max_open_checkouts = harness.max_open_memberships = 1
    harness.books.budgets.clear()
    for open_one in (harness.open, harness.join):
        harness.recorder.fail_before["open_session"] = PaymentUnavailable()
        with pytest.raises(PaymentUnavailable):
            open_one()
    assert harness.open(purchase_id=OTHER_KEY).url is not None
    with pytest.raises(TooManyOpen):
        harness.open(purchase_id=uuid7_at(START, 98))
    assert harness.join(membership_id=OTHER_KEY).url is not None
    with pytest.raises(TooManyOpen):
        harness.join(membership_id=uuid7_at(START, 98))


def test_open_checkout_refused_at_a_repeat_ends_the_purchase(harness: MembershipHarness) -> None:
    harness.recorder.fail_before["open_session"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.open()
    harness.recorder.fail_before["open_session"] = PaymentUnavailable()
    with pytest.raises(PaymentUnavailable):
        harness.open()
    assert (harness.purchase().status, left(harness)) == (Status.FAILED, 600)


def test_open_checkout_that_is_paid_after_all_is_credited(harness: MembershipHarness) -> None:
    with pytest.raises(PaymentUnavailable):
        harness.open()
    assert harness.deliver(a_stripe_event(session=session_of(a_purchase()))) == "credited"
    assert (harness.open().purchase.status, left(harness)) == (Status.POSTED, 526)


def test_open_membership_refused_for_good_leaves_none(harness: MembershipHarness) -> None:
    for _ in range(2):
        with pytest.raises(PaymentUnavailable):
            harness.join()
    stored = harness.members.known[FAN, KEY]
    assert (stored.status, stored.ended_reason) == (MembershipStatus.ENDED, "payment_unavailable")
    assert harness.recorder.calls.count("open_session") == 1
    assert read_membership(FAN, memberships=harness.members) is None
    assert left(harness) == 600, "the price is back at once"
    assert harness.join(membership_id=OTHER_KEY).url is not None
