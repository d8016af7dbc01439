"""Payment pages of fans who exclude themselves."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import NEWEST, MembershipStatus
from chalicelib.domain.purchases import KEY_FORM, SESSION_LIFE, Status
from chalicelib.errors import SelfExcluded, TryAgain
from chalicelib.usecases.budgets import exclude_fan
from chalicelib.usecases.exclusions import MAX_OPEN, Aftermath, close_open_checkouts
from tests.domain.builders import FAN, KEY, a_membership
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness, a_stripe_event

NOTHING_OPEN = Aftermath(closed=0, still_open=0, open_until=None, membership=None)
THERE = "https://live.example/streams/7"


def exclude(harness: CheckoutHarness) -> Aftermath:
    exclude_fan(FAN, uuid7_at(START, 9), 30, ledger=harness.ledger, clock=harness.clock)
    return close_open_checkouts(FAN, harness)


def test_close_open_checkouts_without_any_asks_nobody() -> None:
    harness = CheckoutHarness()
    assert exclude(harness) == NOTHING_OPEN
    assert harness.recorder.calls == ["exclude", "read_wallet", "list_memberships", "list_open", "list_opened"]


def test_close_open_checkouts_expires_sessions_of_pending_purchases_only() -> None:
    harness = CheckoutHarness()
    harness.open(return_url=THERE)
    paid = harness.open(purchase_id=uuid7_at(START, 2)).purchase
    harness.deliver(a_stripe_event(session=session_of(paid)))
    assert exclude(harness) == Aftermath(closed=1, still_open=0, open_until=None, membership=None)
    assert harness.provider.expired == [(harness.purchase(), THERE)]


def test_close_open_checkouts_that_fails_names_the_end_of_the_last_session() -> None:
    harness = CheckoutHarness()
    keys = [KEY, uuid7_at(START, 2), uuid7_at(START, 3)]
    for key in keys:
        harness.open(purchase_id=key)
        harness.clock.advance(timedelta(minutes=1))
    harness.provider.unreachable |= set(keys[:2])
    end = START + timedelta(minutes=1) + SESSION_LIFE
    assert exclude(harness) == Aftermath(closed=1, still_open=2, open_until=end, membership=None)


def test_close_open_checkouts_leaves_sessions_that_are_over() -> None:
    harness = CheckoutHarness()
    harness.open()
    harness.clock.advance(SESSION_LIFE + timedelta(milliseconds=1))
    assert exclude(harness) == NOTHING_OPEN


@pytest.mark.parametrize("is_reachable", [True, False])
@pytest.mark.parametrize("has_customer", [True, False])
def test_close_open_checkouts_expires_pending_memberships(*, is_reachable: bool, has_customer: bool) -> None:
    harness = CheckoutHarness()
    harness.billing.is_reachable = is_reachable
    for number, age in enumerate((timedelta(0), SESSION_LIFE)):
        pending = a_membership(membership_id=uuid7_at(START, number), created_at=START - age)
        harness.members.known[FAN, pending.membership_id] = pending
    if has_customer:
        harness.members.keep_customer(FAN, "cus_1")
    is_closed = is_reachable and has_customer
    assert exclude(harness) == Aftermath(
        closed=int(is_closed),
        still_open=int(not is_closed),
        open_until=None if is_closed else START + SESSION_LIFE,
        membership=None,
    )
    assert harness.billing.expired == (["cus_1"] if has_customer else [])


def test_close_open_checkouts_finds_pending_memberships_behind_any_number_of_tries() -> None:
    harness = CheckoutHarness()
    for number in range(NEWEST + 2):
        status, form = (MembershipStatus.ENDED, KEY_FORM) if number > 1 else (MembershipStatus.PENDING, number + 1)
        tried = a_membership(membership_id=uuid7_at(START, number), status=status, key_form=form)
        harness.members.known[FAN, tried.membership_id] = tried
    assert exclude(harness).still_open == 2, "one is of the first release"


def test_close_open_checkouts_reports_a_membership_whose_session_is_not_found() -> None:
    """It may be about to be created."""
    harness = CheckoutHarness()
    harness.billing.open_sessions = 1
    for number in (1, 2):
        pending = a_membership(membership_id=uuid7_at(START, number), created_at=START - timedelta(minutes=number))
        harness.members.known[FAN, pending.membership_id] = pending
    harness.members.keep_customer(FAN, "cus_1")
    end = START - timedelta(minutes=1) + SESSION_LIFE
    assert exclude(harness) == Aftermath(closed=1, still_open=1, open_until=end, membership=None)


def test_close_open_checkouts_finds_pending_ones_behind_paid_ones_and_reports_those_beyond_its_limit() -> None:
    harness = CheckoutHarness()
    harness.max_open_checkouts = 1_000
    for number in range(MAX_OPEN + 1):
        paid = harness.open(purchase_id=uuid7_at(START, number)).purchase
        harness.deliver(a_stripe_event(session=session_of(paid)))
    for number in range(MAX_OPEN + 2):
        harness.open(purchase_id=uuid7_at(START + timedelta(seconds=1), number))
    end = START + SESSION_LIFE
    assert exclude(harness) == Aftermath(closed=MAX_OPEN, still_open=2, open_until=end, membership=None)


def test_close_open_checkouts_shows_the_membership_that_goes_on() -> None:
    harness = CheckoutHarness()
    ongoing = a_membership(status=MembershipStatus.ACTIVE, renews=True, subscription_id="sub_1")
    ended = a_membership(membership_id=uuid7_at(START, 5), status=MembershipStatus.ENDED)
    for each in (ongoing, ended):
        harness.members.known[FAN, each.membership_id] = each
    assert exclude(harness).membership == ongoing
    harness.members.known[FAN, ongoing.membership_id] = replace(ongoing, renews=False)
    assert close_open_checkouts(FAN, harness) == NOTHING_OPEN, "it ends by itself"


def test_exclude_fan_stands_when_the_sessions_cannot_be_read() -> None:
    harness = CheckoutHarness()
    harness.recorder.fail_before["list_open"] = TryAgain()
    with pytest.raises(TryAgain):
        exclude(harness)
    with pytest.raises(SelfExcluded):
        harness.open()


def test_payment_after_an_exclusion_is_credited_and_not_spent() -> None:
    harness = CheckoutHarness()
    purchase = harness.open().purchase
    harness.provider.unreachable.add(KEY)
    exclude(harness)
    harness.deliver(a_stripe_event(session=session_of(purchase)))
    assert (harness.purchase().status, harness.balance()) == (Status.POSTED, purchase.coins)
    with pytest.raises(SelfExcluded):
        harness.send(gift_id=uuid7_at(START, 8))
