import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.outcomes import Outcome
from tests.domain.builders import FAN, KEY
from tests.fake_memberships import MONTH, hint_of
from tests.fakes import START
from tests.usecases.checkout_harness import a_hint, a_stripe_event
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness

ACTIVE, PAST_DUE, ENDED, PENDING = (MembershipStatus(word) for word in ("active", "past_due", "ended", "pending"))


@pytest.fixture
def club() -> MembershipHarness:
    club = MembershipHarness()
    club.joined()
    return club


def stands(club: MembershipHarness) -> tuple[MembershipStatus, object, bool, str | None]:
    membership = club.membership()
    return membership.status, membership.paid_until, membership.renews, membership.ended_reason


# --- a membership's life ----------------------------------------------------------------------------------------------


def test_the_first_invoice_makes_a_member(club: MembershipHarness) -> None:
    club.billed()
    assert club.deliver_invoice() == "credited"
    assert stands(club) == (ACTIVE, START + MONTH, True, None)
    assert (club.balance(), club.published_types()) == (500, ["membership.started"])
    assert club.is_sound()


def test_a_renewal_adds_a_month_and_its_coins(club: MembershipHarness) -> None:
    for month in (1, 2):
        club.billed(month)
        assert club.deliver_invoice(month) == "credited"
    assert stands(club) == (ACTIVE, START + 2 * MONTH, True, None)
    assert (club.balance(), club.published_types()) == (1_000, ["membership.started", "membership.renewed"])
    assert club.is_sound()


@pytest.mark.parametrize("kind", ["created", "updated", "deleted"])
def test_whatever_hint_comes_first_posts_the_month_itself(club: MembershipHarness, kind: str) -> None:
    club.billed()
    assert club.deliver_subscription(kind) == "membership_active"
    assert club.balance() == 500
    assert club.deliver_invoice() == "unchanged"
    assert club.deliver_subscription() == "unchanged"
    assert (club.balance(), len(club.months())) == (500, 1)


def test_a_completed_session_is_a_hint_like_any_other(club: MembershipHarness) -> None:
    club.billed()
    session = a_stripe_event(membership=hint_of(MEMBERSHIP)).session
    assert session is not None
    event = a_stripe_event(session=replace(session, mode="subscription"), membership=hint_of(MEMBERSHIP))
    assert club.deliver(event) == "membership_active"
    assert club.balance() == 500


def test_an_unpaid_first_invoice_makes_no_member(club: MembershipHarness) -> None:
    club.billed(status="open", paid_minor=0)
    club.becomes("incomplete")
    assert club.deliver_invoice(kind="payment_failed") == "membership_pending"
    assert club.deliver_subscription() == "unchanged"
    assert stands(club) == (PENDING, None, False, None)
    assert (club.balance(), club.published_types()) == (0, [])


def test_a_failed_renewal_keeps_what_was_paid_and_a_late_payment_mends_it(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    club.billed(2, status="open", paid_minor=0)
    club.becomes("past_due")
    assert club.deliver_invoice(2, "payment_failed") == "membership_past_due"
    assert stands(club) == (PAST_DUE, START + MONTH, True, None)
    club.billed(2)
    club.becomes("active")
    assert club.deliver_invoice(2) == "credited"
    assert stands(club) == (ACTIVE, START + 2 * MONTH, True, None)
    assert club.ends() == []


def test_a_membership_that_ended_unpaid_is_active_again_when_the_money_comes(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    club.becomes("unpaid")
    assert club.deliver_subscription() == "membership_ended"
    assert club.ends() == ["unpaid"]
    club.billed(2)
    club.becomes("active")
    assert club.deliver_invoice(2) == "credited"
    assert stands(club) == (ACTIVE, START + 2 * MONTH, True, None)


def test_a_cancellation_at_the_periods_end_is_known_before_it_ends(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    club.becomes("active", renews=False)
    assert club.deliver_subscription() == "membership_active"
    assert stands(club) == (ACTIVE, START + MONTH, False, None)
    club.becomes("canceled", renews=False, cancel_reason="cancellation_requested")
    assert club.deliver_subscription("deleted") == "membership_ended"
    assert stands(club) == (ENDED, START + MONTH, False, "cancelled")
    assert club.deliver_subscription("deleted") == "unchanged"
    assert club.ends() == ["cancelled"]
    assert club.published_types()[-1] == "membership.ended"


def test_what_never_began_ends_without_a_word(club: MembershipHarness) -> None:
    club.becomes("incomplete_expired")
    assert club.deliver_subscription() == "membership_ended"
    assert club.published_types() == []


# --- money ------------------------------------------------------------------------------------------------------------


def test_a_month_that_is_refunded_whole_ends_the_membership(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    assert club.refund(1) == "clawed_back"
    assert (club.balance(), stands(club)[0], club.ends()) == (0, ENDED, ["refunded"])
    assert club.refund(1, status="failed") == "restored"
    assert (club.balance(), stands(club)[0]) == (500, ACTIVE)
    assert club.is_sound()


def test_a_month_that_is_refunded_in_part_takes_its_coins_and_no_more(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    assert club.refund(1, 250) == "clawed_back"
    assert (club.balance(), stands(club)[0], club.ends()) == (249, ACTIVE, [])


def test_a_month_that_is_over_may_be_refunded_and_the_membership_goes_on(club: MembershipHarness) -> None:
    for month in (1, 2):
        club.billed(month)
        club.deliver_invoice(month)
    assert club.refund(1) == "clawed_back"
    assert (club.balance(), stands(club)[0], club.ends()) == (500, ACTIVE, [])


def test_a_refund_that_is_heard_of_first_posts_the_month_then_takes_it_back(club: MembershipHarness) -> None:
    club.billed()
    assert club.refund(1) == "clawed_back"
    assert (club.balance(), stands(club)[0], club.ends()) == (0, ENDED, ["refunded"])
    assert club.deliver_invoice() == "unchanged"
    assert sorted(club.published_types()) == ["coins.clawed_back", "membership.ended", "membership.started"]
    assert club.is_sound()


def test_money_that_was_never_paid_is_not_followed(club: MembershipHarness) -> None:
    club.billed(status="open", paid_minor=0)
    assert club.refund(1) == "unpaid"
    assert club.books.entries == {}


def test_a_month_in_review_is_none_and_its_money_is_watched(club: MembershipHarness) -> None:
    club.billed(total_minor=399, paid_minor=399)
    assert club.deliver_invoice() == "in_review"
    assert stands(club)[:2] == (PENDING, None)
    assert club.refund(1, 100) == "in_review"
    assert club.reasons() == ["discounted_or_surcharged", "money_left_an_unmatched_payment"]
    assert club.balance() == 0


def test_a_month_in_review_does_not_hide_the_one_before_it(club: MembershipHarness) -> None:
    club.billed()
    club.billed(2, total_minor=399, paid_minor=399)
    assert club.deliver_invoice(2) == "in_review"
    assert stands(club)[:2] == (ACTIVE, START + MONTH)
    assert club.balance() == 500


# --- what is not ours, or not known -----------------------------------------------------------------------------------


def test_strangers_are_left_alone(club: MembershipHarness) -> None:
    club.billed(membership=None)
    assert club.deliver_invoice() == "stranger"
    assert club.deliver_invoice(9) == "stranger"
    assert club.deliver(a_stripe_event(type="invoice.paid", session=None)) == "stranger"
    assert club.deliver(a_stripe_event(type="customer.subscription.deleted", session=None)) == "stranger"
    assert club.deliver(a_hint(f"pi_1_{KEY}")) == "stranger"
    assert club.deliver(a_hint("pi_unknown")) == "stranger"
    session = a_stripe_event().session
    assert session is not None
    assert club.deliver(a_stripe_event(session=replace(session, mode="subscription"))) == "stranger"
    assert club.books.entries == {}


def test_a_strangers_invoice_of_our_subscription_is_passed_over(club: MembershipHarness) -> None:
    club.billed()
    club.billed(2, membership=None)
    assert club.deliver_subscription() == "membership_active"
    assert stands(club)[1] == START + MONTH


def test_what_belongs_to_another_membership_is_no_month_of_this_one(club: MembershipHarness) -> None:
    invoice = club.billed()
    club.books.entries[FAN] = {invoice.purchase_id: replace(club.stock(), membership_id="another")}
    assert club.deliver_subscription() == "membership_pending"
    assert stands(club)[0] is PENDING


def test_a_second_subscription_of_one_membership_changes_nothing(club: MembershipHarness) -> None:
    club.joined(subscription_id="sub_first")
    club.billed()
    assert club.deliver_subscription() == "unchanged"
    assert club.deliver_invoice() == "in_review"
    assert (club.reasons(), club.balance()) == (["other_subscription"], 0)


def test_a_membership_that_nobody_has_is_not_made_up(club: MembershipHarness) -> None:
    club.members.known.clear()
    assert club.deliver_subscription() == "unchanged"
    assert club.members.known == {}


def test_a_status_that_nobody_told_us_of_moves_nothing(club: MembershipHarness) -> None:
    club.billed()
    club.deliver_invoice()
    before = club.membership()
    club.becomes("dormant")
    assert club.deliver_subscription() == "unknown_status"
    assert club.membership() == before


@pytest.mark.parametrize("word", ["membership_active", "membership_past_due", "membership_ended"])
def test_what_moved_a_membership_counts_as_healed(word: str) -> None:
    assert Outcome(word).is_recovery
