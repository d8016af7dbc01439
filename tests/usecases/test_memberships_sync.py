import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.outcomes import Outcome
from chalicelib.errors import TryAgain
from tests.domain.builders import FAN, KEY
from tests.fake_memberships import MONTH, hint_of
from tests.fakes import START
from tests.usecases.checkout_harness import a_hint, a_stripe_event
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness

ACTIVE, PAST_DUE, ENDED, PENDING = (MembershipStatus(word) for word in ("active", "past_due", "ended", "pending"))


@pytest.fixture
def harness() -> MembershipHarness:
    harness = MembershipHarness()
    harness.joined()
    return harness


def state(harness: MembershipHarness) -> tuple[MembershipStatus, object, bool, str | None]:
    membership = harness.membership()
    return membership.status, membership.paid_until, membership.renews, membership.ended_reason


# --- from the first invoice to the end --------------------------------------------------------------------------------


def test_sync_membership_first_invoice_starts_the_membership(harness: MembershipHarness) -> None:
    harness.billed()
    assert harness.deliver_invoice() == "credited"
    assert state(harness) == (ACTIVE, START + MONTH, True, None)
    assert (harness.balance(), harness.published_types()) == (500, ["membership.started"])
    assert harness.is_sound()


def test_sync_membership_renewal_adds_a_month_and_its_coins(harness: MembershipHarness) -> None:
    for month in (1, 2):
        harness.billed(month)
        assert harness.deliver_invoice(month) == "credited"
    assert state(harness) == (ACTIVE, START + 2 * MONTH, True, None)
    assert (harness.balance(), harness.published_types()) == (1_000, ["membership.started", "membership.renewed"])
    assert harness.is_sound()


@pytest.mark.parametrize("kind", ["created", "updated", "deleted"])
def test_sync_membership_posts_the_month_for_any_first_event(harness: MembershipHarness, kind: str) -> None:
    harness.billed()
    assert harness.deliver_subscription(kind) == "membership_active"
    assert harness.balance() == 500
    assert harness.deliver_invoice() == "unchanged"
    assert harness.deliver_subscription() == "unchanged"
    assert (harness.balance(), len(harness.months())) == (500, 1)


def test_sync_membership_handles_a_completed_session(harness: MembershipHarness) -> None:
    harness.billed()
    session = a_stripe_event(membership=hint_of(MEMBERSHIP)).session
    assert session is not None
    event = a_stripe_event(session=replace(session, mode="subscription"), membership=hint_of(MEMBERSHIP))
    assert harness.deliver(event) == "membership_active"
    assert harness.balance() == 500


def test_sync_membership_unpaid_first_invoice_stays_pending(harness: MembershipHarness) -> None:
    harness.billed(status="open", paid_minor=0)
    harness.becomes("incomplete")
    assert harness.deliver_invoice(kind="payment_failed") == "membership_pending"
    assert harness.deliver_subscription() == "unchanged"
    assert state(harness) == (PENDING, None, False, None)
    assert (harness.balance(), harness.published_types()) == (0, [])


def test_sync_membership_failed_renewal_keeps_paid_time_until_a_late_payment(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    harness.billed(2, status="open", paid_minor=0)
    harness.becomes("past_due")
    assert harness.deliver_invoice(2, "payment_failed") == "membership_past_due"
    assert state(harness) == (PAST_DUE, START + MONTH, True, None)
    harness.billed(2)
    harness.becomes("active")
    assert harness.deliver_invoice(2) == "credited"
    assert state(harness) == (ACTIVE, START + 2 * MONTH, True, None)
    assert harness.ends() == []


def test_sync_membership_ended_unpaid_is_active_after_a_payment(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    harness.becomes("unpaid")
    assert harness.deliver_subscription() == "membership_ended"
    assert harness.ends() == ["unpaid"]
    harness.billed(2)
    harness.becomes("active")
    assert harness.deliver_invoice(2) == "credited"
    assert state(harness) == (ACTIVE, START + 2 * MONTH, True, None)


def test_sync_membership_shows_a_cancellation_before_the_end(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    harness.becomes("active", renews=False)
    assert harness.deliver_subscription() == "membership_active"
    assert state(harness) == (ACTIVE, START + MONTH, False, None)
    harness.becomes("canceled", renews=False, cancel_reason="cancellation_requested")
    assert harness.deliver_subscription("deleted") == "membership_ended"
    assert state(harness) == (ENDED, START + MONTH, False, "cancelled")
    assert harness.deliver_subscription("deleted") == "unchanged"
    assert harness.ends() == ["cancelled"]
    assert harness.published_types()[-1] == "membership.ended"


def test_sync_membership_end_without_a_start_publishes_nothing(harness: MembershipHarness) -> None:
    harness.becomes("incomplete_expired")
    assert harness.deliver_subscription() == "membership_ended"
    assert harness.published_types() == []


# --- money ------------------------------------------------------------------------------------------------------------


def test_sync_membership_full_refund_ends_the_membership(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    assert harness.refund(1) == "clawed_back"
    assert (harness.balance(), state(harness)[0], harness.ends()) == (0, ENDED, ["refunded"])
    assert harness.refund(1, status="failed") == "restored"
    assert (harness.balance(), state(harness)[0]) == (500, ACTIVE)
    assert harness.is_sound()


def test_sync_membership_partial_refund_claws_back_its_coins_only(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    assert harness.refund(1, 250) == "clawed_back"
    assert (harness.balance(), state(harness)[0], harness.ends()) == (249, ACTIVE, [])


def test_sync_membership_refund_of_a_past_month_keeps_the_membership(harness: MembershipHarness) -> None:
    for month in (1, 2):
        harness.billed(month)
        harness.deliver_invoice(month)
    assert harness.refund(1) == "clawed_back"
    assert (harness.balance(), state(harness)[0], harness.ends()) == (500, ACTIVE, [])


def test_sync_membership_refund_event_first_posts_then_claws_back(harness: MembershipHarness) -> None:
    harness.billed()
    assert harness.refund(1) == "clawed_back"
    assert (harness.balance(), state(harness)[0], harness.ends()) == (0, ENDED, ["refunded"])
    assert harness.deliver_invoice() == "unchanged"
    assert sorted(harness.published_types()) == ["coins.clawed_back", "membership.ended", "membership.started"]
    assert harness.is_sound()


def test_sync_membership_refund_of_an_unpaid_invoice_does_nothing(harness: MembershipHarness) -> None:
    harness.billed(status="open", paid_minor=0)
    assert harness.refund(1) == "unpaid"
    assert harness.books.entries == {}


def test_sync_membership_month_in_review_makes_a_member_and_its_refund_reviewed(harness: MembershipHarness) -> None:
    harness.billed(total_minor=399, paid_minor=399)
    assert harness.deliver_invoice() == "in_review"
    assert state(harness)[:2] == (ACTIVE, START + MONTH)
    assert harness.refund(1, 100) == "in_review"
    assert harness.reasons() == ["discounted_or_surcharged", "money_left_an_unmatched_payment"]
    assert harness.balance() == 0


def test_sync_membership_full_refund_of_a_month_in_review_ends_it(harness: MembershipHarness) -> None:
    harness.billed(total_minor=399, paid_minor=399)
    harness.deliver_invoice()
    harness.refund(1, 398)
    assert state(harness)[0] is ACTIVE
    harness.refund(1, 399, status="a status of next year")
    assert state(harness)[0] is ACTIVE
    harness.refund(1, 399)
    assert (state(harness)[0], harness.ends(), harness.balance()) == (ENDED, ["refunded"], 0)


def test_sync_membership_returning_after_its_end_is_published(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    harness.becomes("unpaid")
    harness.deliver_subscription()
    harness.billed(2)
    harness.becomes("active")
    harness.deliver_invoice(2)
    harness.deliver_subscription()
    published = ["membership.started", "membership.ended", "membership.renewed", "membership.resumed"]
    assert harness.published_types() == published
    assert harness.is_sound()


@pytest.mark.parametrize("month", [0, 1])
def test_sync_membership_of_a_deleted_subscription_ends_it(harness: MembershipHarness, month: int) -> None:
    if month:
        harness.billed()
        harness.deliver_invoice()
    harness.billing.subscriptions.clear()
    harness.billing.invoices.clear()
    assert harness.deliver_subscription("deleted") == "membership_ended"
    assert harness.deliver_subscription("deleted") == "unchanged"
    assert state(harness) == (ENDED, START + MONTH if month else None, False, "cancelled")
    assert harness.ends() == ["cancelled"] * month


def test_sync_membership_of_a_deleted_subscription_publishes_an_end_if_it_started(
    harness: MembershipHarness,
) -> None:
    harness.billed()
    harness.billing.subscriptions.clear()
    assert harness.deliver_invoice() == "credited"
    assert state(harness) == (ENDED, START + MONTH, False, "cancelled")
    assert harness.published_types() == ["membership.started", "membership.ended"]


def test_sync_membership_of_another_accounts_key_ends_nothing(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    before = harness.membership()
    harness.billing.subscriptions.clear()
    harness.provider.is_of_another_account = True
    completed = a_stripe_event(session=None, membership=hint_of(before))
    with pytest.raises(TryAgain):
        harness.deliver_subscription("deleted")
    with pytest.raises(TryAgain):
        harness.deliver(completed)
    assert harness.membership() == before


# --- unrelated and unknown objects ------------------------------------------------------------------------------------


def test_sync_membership_ignores_unrelated_events(harness: MembershipHarness) -> None:
    harness.billed(membership=None)
    assert harness.deliver_invoice() == "stranger"
    assert harness.deliver_invoice(9) == "stranger"
    assert harness.deliver(a_stripe_event(type="invoice.paid", session=None)) == "stranger"
    assert harness.deliver(a_stripe_event(type="customer.subscription.deleted", session=None)) == "stranger"
    assert harness.deliver(a_hint(f"pi_1_{KEY}")) == "stranger"
    assert harness.deliver(a_hint("pi_unknown")) == "stranger"
    session = a_stripe_event().session
    assert session is not None
    assert harness.deliver(a_stripe_event(session=replace(session, mode="subscription"))) == "stranger"
    assert harness.books.entries == {}


def test_sync_membership_ignores_an_unrelated_invoice_of_its_subscription(harness: MembershipHarness) -> None:
    harness.billed()
    harness.billed(2, membership=None)
    assert harness.deliver_subscription() == "membership_active"
    assert state(harness)[1] == START + MONTH


def test_sync_membership_ignores_a_month_of_another_membership(harness: MembershipHarness) -> None:
    invoice = harness.billed()
    harness.books.entries[FAN] = {invoice.purchase_id: replace(harness.stock(), membership_id="another")}
    assert harness.deliver_subscription() == "membership_pending"
    assert state(harness)[0] is PENDING


def test_sync_membership_second_subscription_changes_nothing(harness: MembershipHarness) -> None:
    harness.joined(subscription_id="sub_first")
    harness.billed()
    assert harness.deliver_subscription() == "unchanged"
    assert harness.deliver_invoice() == "in_review"
    assert (harness.reasons(), harness.balance()) == (["other_subscription"], 0)


def test_sync_membership_of_an_unknown_membership_creates_nothing(harness: MembershipHarness) -> None:
    harness.members.known.clear()
    assert harness.deliver_subscription() == "unchanged"
    assert harness.members.known == {}


def test_sync_membership_unknown_status_changes_nothing(harness: MembershipHarness) -> None:
    harness.billed()
    harness.deliver_invoice()
    before = harness.membership()
    harness.becomes("dormant")
    assert harness.deliver_subscription() == "unknown_status"
    assert harness.membership() == before


@pytest.mark.parametrize("word", ["membership_active", "membership_past_due", "membership_ended"])
def test_outcome_of_a_changed_membership_is_a_recovery(word: str) -> None:
    assert Outcome(word).is_recovery
