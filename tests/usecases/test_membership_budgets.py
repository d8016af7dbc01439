"""Memberships of fans with a budget or an exclusion."""

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import NO_LIMIT, UNLIMITED, Budget, Limits, renewed
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.open_windows import OpenCheckout
from chalicelib.domain.payments import StripeEvent
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.purchases import SESSION_LIFE
from chalicelib.errors import BudgetCurrency, BudgetReached, SelfExcluded, TooManyOpen, TryAgain
from chalicelib.ports.results import Stale
from chalicelib.usecases.budgets import exclude_fan, set_budget
from chalicelib.usecases.checkout import end_stale
from chalicelib.usecases.unpaid_memberships import MAX_ENDED, MAX_PAGES
from tests.domain.builders import FAN, KEY, a_bundle, a_catalogue, a_purchase
from tests.fake_memberships import FakeMemberships, membership_ref
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import a_stripe_event
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness


def a_club(month_minor: int = UNLIMITED, currency: str = "usd") -> MembershipHarness:
    harness = MembershipHarness()
    money = ByPeriod(UNLIMITED, UNLIMITED, month_minor)
    limits = Limits(zone="UTC", currency=None if money == NO_LIMIT else currency, money=money)
    set_budget(FAN, limits, ledger=harness.books, clock=harness.clock)
    return harness


def budget_of(harness: MembershipHarness) -> Budget:
    budget = harness.books.read_wallet(FAN).budget
    assert budget is not None
    return budget


def left(harness: MembershipHarness) -> int:
    return budget_of(harness).money_left.month


@pytest.mark.parametrize(("month_minor", "is_allowed"), [(499, True), (498, False), (0, False)])
def test_open_membership_beyond_the_budget_is_refused(month_minor: int, is_allowed: bool) -> None:
    harness = a_club(month_minor)
    if is_allowed:
        assert harness.join().url is not None
        assert left(harness) == month_minor - 499, "its first month counts"
        return
    with pytest.raises(BudgetReached):
        harness.join()
    assert harness.members.known == {}


def test_open_membership_in_another_currency_is_refused() -> None:
    with pytest.raises(BudgetCurrency):
        a_club(10_000, "eur").join()


def test_open_membership_of_an_excluded_fan_is_refused() -> None:
    harness = MembershipHarness()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=harness.books, clock=harness.clock)
    with pytest.raises(SelfExcluded):
        harness.join()


def test_open_membership_repeat_of_an_excluded_fan_has_no_url() -> None:
    harness = MembershipHarness()
    opened = harness.join()
    exclude_fan(FAN, uuid7_at(START, 1), 30, ledger=harness.books, clock=harness.clock)
    assert opened.url is not None
    assert harness.join() == replace(opened, url=None, is_repeat=True)


def test_open_membership_within_a_budget_for_one_opens_one_and_repeats_it() -> None:
    harness = a_club(700)
    opened = harness.join()
    with pytest.raises(BudgetReached):
        harness.join(membership_id=uuid7_at(START, 2))
    assert harness.join() == replace(opened, is_repeat=True)
    assert (list(harness.members.known), left(harness)) == ([(FAN, KEY)], 201)


def test_open_membership_beyond_the_limit_is_refused_until_the_window_ends() -> None:
    harness = MembershipHarness()
    opened = [harness.join(membership_id=uuid7_at(START, number)) for number in range(3)]
    with pytest.raises(TooManyOpen) as refused:
        harness.join(membership_id=uuid7_at(START, 3))
    assert refused.value.extensions == {"limit": 3, "resets_at": "2026-11-22T14:00:00.000Z"}
    assert harness.join(membership_id=uuid7_at(START, 0)) == replace(opened[0], is_repeat=True)
    harness.clock.advance(SESSION_LIFE)
    assert harness.join(membership_id=uuid7_at(harness.clock.now(), 3)).url is not None


def test_open_membership_after_its_day_is_over_renews_the_budget() -> None:
    harness = a_club(499)
    harness.clock.advance(timedelta(days=30))
    assert harness.join(membership_id=uuid7_at(harness.clock.now(), 2)).url is not None
    assert left(harness) == 0


@pytest.mark.parametrize("is_opened", [True, False])
def test_fulfill_invoice_counts_each_month_and_never_refuses_it(*, is_opened: bool) -> None:
    """The first month counts once, at the opening or, in a membership of the first release, at its payment."""
    harness = a_club(700)
    if is_opened:
        harness.join()
        harness.billing.subscribe(harness.membership())
    else:
        harness.joined()
    for month, rest in ((1, 201), (2, -298)):
        harness.billed(month)
        assert harness.deliver_invoice(month) == "credited"
        assert left(harness) == rest
    assert harness.deliver_invoice(2) == "unchanged"
    assert left(harness) == -298


def expired() -> StripeEvent:
    session = replace(session_of(a_purchase()), mode="subscription", ref=None, membership=membership_ref(MEMBERSHIP))
    return a_stripe_event("expired", session)


def test_expired_session_ends_the_membership_and_releases_its_price_once() -> None:
    harness = a_club(700)
    harness.join()
    assert [harness.deliver(expired()) for _ in range(2)] == ["membership_ended", "unchanged"]
    assert (harness.membership().status, harness.membership().ended_reason) == (MembershipStatus.ENDED, "unpaid")
    assert left(harness) == 700
    harness.billing.subscribe(harness.membership())
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    assert (left(harness), harness.membership().status) == (201, MembershipStatus.ACTIVE)


def test_expired_session_of_a_subscribed_or_unknown_membership_changes_nothing() -> None:
    harness = a_club(700)
    assert harness.deliver(expired()) == "unchanged"
    harness.joined(subscription_id="sub_1")
    assert harness.deliver(expired()) == "unchanged"
    assert harness.membership().status is MembershipStatus.PENDING


class BusyMemberships(FakeMemberships):
    """Memberships that others change before each write."""

    def update_membership(self, *_: object) -> Stale:
        return Stale()


def never_opened(harness: MembershipHarness) -> None:
    """Store a membership that counts in the budget, without a session at the provider."""
    harness.recorder.fail_before["open_session"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.join()
    assert left(harness) == 201


@pytest.mark.parametrize("is_checkout", [True, False])
def test_next_request_beyond_the_budget_ends_stale_memberships(*, is_checkout: bool) -> None:
    harness = a_club(700)
    never_opened(harness)
    if is_checkout:
        harness.catalogue = a_catalogue(a_bundle("coins_350", 350, prices={"web": {"usd": 300}}))
    order = {"bundle_id": "coins_350"} if is_checkout else {}
    request = partial(harness.open, **order) if is_checkout else harness.join
    name = "purchase_id" if is_checkout else "membership_id"
    harness.clock.advance(timedelta(hours=3))
    with pytest.raises(BudgetReached):
        request(**{name: uuid7_at(harness.clock.now(), 2)})
    harness.clock.advance(timedelta(milliseconds=1))
    assert request(**{name: uuid7_at(harness.clock.now(), 3)}).url is not None
    assert (harness.membership().status, harness.membership().ended_reason) == (MembershipStatus.ENDED, "unpaid")
    assert left(harness) == (400 if is_checkout else 201)


@pytest.mark.parametrize("step", ["update_membership", "close_open"])
def test_end_stale_memberships_after_a_fault_ends_the_rest(step: str) -> None:
    harness = a_club(700)
    never_opened(harness)
    harness.clock.advance(timedelta(hours=4))
    harness.recorder.fail_before[step] = TryAgain()
    with pytest.raises(TryAgain):
        end_stale(FAN, harness)
    end_stale(FAN, harness)
    assert (harness.membership().status, left(harness), harness.members.open) == (MembershipStatus.ENDED, 700, {})


@pytest.mark.parametrize(("pages", "ended"), [(1, [1, 0]), (MAX_PAGES, [0, 1])])
def test_end_stale_memberships_finds_them_behind_those_that_ended_before(pages: int, ended: list[int]) -> None:
    harness = a_club(700)
    never_opened(harness)
    for number in range(pages * MAX_ENDED):
        name = FAN, uuid7_at(START - timedelta(hours=1), number)
        harness.members.open[name] = OpenCheckout(user_id=FAN, opened_id=name[1], until=START)
    harness.clock.advance(timedelta(hours=4))
    assert [end_stale(FAN, harness) for _ in range(2)] == ended
    assert (harness.membership().status, left(harness)) == (MembershipStatus.ENDED, 700)


def test_end_stale_memberships_leaves_a_paid_one() -> None:
    harness = a_club(700)
    harness.join()
    harness.billing.subscribe(harness.membership())
    harness.billed(1)
    harness.deliver_invoice(1)
    harness.clock.advance(timedelta(hours=4))
    assert end_stale(FAN, harness) == 0
    assert (harness.membership().status, left(harness), harness.members.open) == (MembershipStatus.ACTIVE, 201, {})


def test_end_unpaid_membership_gives_up_while_others_keep_writing() -> None:
    harness = a_club(700)
    harness.memberships = BusyMemberships(harness.books)
    harness.join()
    with pytest.raises(TryAgain):
        harness.deliver(expired())
    assert left(harness) == 201


def test_end_of_the_first_subscription_releases_its_price() -> None:
    harness = a_club(700)
    harness.join()
    harness.becomes("incomplete")
    assert harness.deliver_subscription() == "membership_pending"
    assert left(harness) == 201
    harness.becomes("incomplete_expired")
    assert harness.deliver_subscription() == "membership_ended"
    assert left(harness) == 700


@pytest.mark.parametrize("kind", ["invoice", "subscription"])
def test_first_event_of_a_paid_membership_keeps_its_price_counted(kind: str) -> None:
    harness = a_club(700)
    harness.join()
    harness.billing.subscribe(harness.membership())
    harness.billed(1)
    harness.deliver_invoice() if kind == "invoice" else harness.deliver_subscription()
    assert (left(harness), harness.membership().status, harness.balance()) == (201, MembershipStatus.ACTIVE, 500)


def test_free_first_month_counts_no_more_and_its_renewal_does() -> None:
    harness = a_club(700)
    harness.join()
    harness.billing.subscribe(harness.membership(), status="trialing")
    harness.billed(1, subtotal_minor=0, total_minor=0, paid_minor=0, payment_intent=None)
    assert harness.deliver_invoice(1) == "membership_active"
    assert left(harness) == 700
    harness.billed(2)
    assert harness.deliver_invoice(2) == "credited"
    assert left(harness) == 201


def test_fulfill_invoice_in_another_currency_credits_without_counting() -> None:
    harness = a_club(700, "eur")
    harness.joined()
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    assert left(harness) == 700
    harness.clock.advance(timedelta(days=1))
    assert harness.balance() == 500


@pytest.mark.parametrize(("days", "rest"), [(0, 201), (9, 201), (40, 201)])
def test_fulfill_invoice_counts_in_the_period_of_the_payment(days: int, rest: int) -> None:
    harness = a_club(700)
    harness.joined()
    harness.clock.advance(timedelta(days=days))
    harness.billed(1)
    assert harness.deliver_invoice(1) == "credited"
    assert renewed(budget_of(harness), harness.clock.now()).money_left.month == rest


def test_fulfill_invoice_of_two_periods_counts_one_month_in_each() -> None:
    harness = a_club(700)
    harness.joined()
    for month in (1, 2):
        harness.billed(month)
        harness.deliver_invoice(month)
        assert renewed(budget_of(harness), harness.clock.now()).money_left.month == 201
        harness.clock.advance(timedelta(days=35))
    assert renewed(budget_of(harness), harness.clock.now()).money_left.month == 700
