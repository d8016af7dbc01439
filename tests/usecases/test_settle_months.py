"""Credit of a membership's invoice in review: its month makes a member until the end of its period."""

from typing import Any

import pytest

from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.settlements import UNMATCHED
from chalicelib.errors import TryAgain
from tests.domain.builders import KEY
from tests.usecases.settlement_harness import SECOND, SettlementHarness


@pytest.fixture
def harness() -> SettlementHarness:
    return SettlementHarness()


def test_settle_review_of_a_month_makes_a_member_and_the_next_month_renews(harness: SettlementHarness) -> None:
    harness.joined()
    invoice = harness.billed_oddly()
    assert harness.membership().status is MembershipStatus.ACTIVE
    assert harness.decision(f"pi_1_{KEY}") == "credit"
    member = harness.membership()
    assert (member.status, member.paid_until, member.renews) == (MembershipStatus.ACTIVE, invoice.paid_until, True)
    [month] = harness.months()
    assert (month.amount_minor, month.is_renewal, month.membership_id) == (399, False, KEY)
    assert harness.published_types() == ["membership.started"]
    harness.billed(2)
    assert harness.deliver_invoice(2) == "credited"
    assert harness.balance() == 1000
    assert harness.is_sound()


@pytest.mark.parametrize("payment_intent", [None, f"pi_1_{KEY}"])
def test_settle_review_of_a_month_paid_from_the_balance_makes_a_member(
    harness: SettlementHarness, payment_intent: str | None
) -> None:
    """The invoice of a customer with a balance has a total, of which nothing was paid."""
    harness.joined()
    invoice = harness.billed_oddly(total_minor=499, paid_minor=0, payment_intent=payment_intent)
    harness.becomes("active", renews=False)
    assert harness.decision(payment_intent or invoice.invoice_id) == "credit"
    assert (harness.months()[0].amount_minor, harness.balance()) == (0, 500)
    assert (harness.membership().paid_until, harness.membership().renews) == (invoice.paid_until, False)
    assert harness.deliver_invoice(1) == "reviewed"
    assert harness.is_sound()


def test_settle_review_of_a_month_without_a_membership_opens_it(harness: SettlementHarness) -> None:
    harness.joined()
    harness.members.known.clear()
    harness.billed_oddly()
    harness.settle(f"pi_1_{KEY}")
    member = harness.membership()
    assert (member.status, member.amount_minor, member.plan_id) == (MembershipStatus.ACTIVE, 399, "coin_club")


@pytest.mark.parametrize(
    "changes", [{"paid_until": None}, {"subscription_id": "sub_other"}], ids=["no period", "another subscription"]
)
def test_settle_review_of_an_invoice_without_a_month_credits_coins_only(
    harness: SettlementHarness, changes: dict[str, Any]
) -> None:
    before = harness.joined(status=MembershipStatus.ACTIVE, subscription_id=f"sub_{KEY}")
    harness.billing.subscriptions["sub_other"] = harness.billing.subscriptions[f"sub_{KEY}"]
    harness.billed_oddly(**changes)
    harness.settle(f"pi_1_{KEY}")
    [entry] = harness.months()
    assert (entry.membership_id, entry.bundle_id, entry.channel) == (None, "coin_club", "membership")
    assert harness.membership().paid_until == before.paid_until
    assert harness.published_types() == ["coins.credited"]


@pytest.mark.parametrize(
    "status", [MembershipStatus.ENDED, MembershipStatus.PAST_DUE, MembershipStatus.ACTIVE], ids=str
)
def test_settle_review_of_an_older_month_leaves_the_end_and_the_status(
    harness: SettlementHarness, status: MembershipStatus
) -> None:
    invoice = harness.billed_oddly(subtotal_minor=500)
    assert invoice.paid_until is not None
    until = invoice.paid_until.replace(year=2027)
    harness.joined(status=status, subscription_id=f"sub_{KEY}", paid_until=until)
    harness.recorder.fail_before["read_money"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.settle(f"pi_1_{KEY}")
    assert (harness.membership().status, harness.membership().paid_until) == (status, until)
    assert not harness.months()[0].is_renewal


def test_settle_review_of_a_month_that_was_paid_again_credits_coins_at_that_price(harness: SettlementHarness) -> None:
    harness.joined()
    harness.billed()
    harness.deliver_invoice()
    harness.billed_oddly(payment_intent=SECOND, subtotal_minor=399)
    harness.billed(1, payment_intent="pi_third")
    harness.settle(SECOND)
    [month, own] = harness.months()
    assert (month.membership_id, own.membership_id, own.amount_minor) == (KEY, None, 399)
    assert (own.payment_intent, harness.balance()) == (SECOND, 1000)


def test_settle_review_of_an_invoice_that_is_gone_credits_coins_only(harness: SettlementHarness) -> None:
    """Stripe deletes the objects of a test clock with it."""
    invoice = harness.billed_oddly(payment_intent=None, paid_minor=0, total_minor=499)
    harness.billing.invoices.clear()
    harness.settle(invoice.invoice_id)
    assert (harness.months()[0].bundle_id, harness.balance()) == (UNMATCHED, 500)
