from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.membership_months import month_of
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import Invoice, UnrelatedPayment
from chalicelib.domain.posting import Posting
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.errors import TryAgain
from chalicelib.usecases.fulfillment import fulfill_invoice
from tests.domain.builders import FAN, KEY, a_gift, a_membership
from tests.fake_memberships import invoice_of
from tests.fakes import START, uuid7_at
from tests.usecases.membership_harness import MEMBERSHIP, MembershipHarness


@pytest.fixture
def harness() -> MembershipHarness:
    harness = MembershipHarness()
    harness.joined()
    return harness


def fulfill(harness: MembershipHarness, month: int = 1, **changes: Any) -> Outcome:
    invoice = replace(invoice_of(MEMBERSHIP, month), **changes)
    return fulfill_invoice(invoice, ledger=harness.ledger, memberships=harness.memberships, clock=harness.clock)


def ref(**changes: Any) -> dict[str, Any]:
    """Build the changes of an invoice whose membership reference differs."""
    membership = invoice_of(MEMBERSHIP).membership
    assert membership is not None
    return {"membership": replace(membership, **changes)}


def test_fulfill_invoice_credits_with_one_write(harness: MembershipHarness) -> None:
    assert fulfill(harness) is Outcome.CREDITED
    assert harness.recorder.calls == ["post_month"]
    assert harness.balance() == 500
    assert harness.months() == [month_of(invoice_of(MEMBERSHIP), Posting(posted_at=START, event_id=uuid7_at(START, 1)))]
    assert (harness.membership().subscription_id, harness.membership().customer_id) == (f"sub_{KEY}", f"cus_{FAN}")
    assert harness.published_types() == ["membership.started"]


def test_fulfill_invoice_credits_each_invoice_once(harness: MembershipHarness) -> None:
    assert [fulfill(harness, month) for month in (2, 1, 2, 1)] == ["credited", "credited", "repeated", "repeated"]
    assert harness.balance() == 1_000
    assert sorted(harness.published_types()) == ["membership.renewed", "membership.started"]


MISMATCHES: list[tuple[dict[str, Any], str]] = [
    ({"billing_reason": "subscription_update"}, "other_billing_reason"),
    ({"paid_minor": 0, "payment_intent": None}, "no_payment_required"),
    ({"payment_intent": None, "off_stripe_minor": 499}, "paid_out_of_band"),
    ({"payment_intent": None}, "no_payment_yet"),
    ({"total_minor": 250, "paid_minor": 250}, "discounted_or_surcharged"),
    ({"paid_minor": 498}, "other_amount"),
    ({"subtotal_minor": 998, "total_minor": 998, "paid_minor": 998}, "other_amount"),
    ({"currency": "eur"}, "other_currency"),
    ({"subscription_id": "sub_other"}, "other_subscription"),
    (ref(coins=501), "other_coins"),
    (ref(plan_id="moon_club"), "other_coins"),
    (ref(membership_id=uuid7_at(START, 9)), "no_such_membership"),
    (ref(user_id="fan-2"), "no_such_membership"),
]


@pytest.mark.parametrize(("changes", "reason"), MISMATCHES, ids=str)
def test_fulfill_invoice_of_a_mismatch_files_one_review_and_credits_nothing(
    harness: MembershipHarness, changes: dict[str, Any], reason: str
) -> None:
    stored = harness.joined(subscription_id=f"sub_{KEY}")
    assert [fulfill(harness, **changes) for _ in range(3)] == ["in_review", "reviewed", "reviewed"]
    assert harness.reasons() == [reason]
    assert (harness.books.coins, harness.books.entries) == ({}, {})
    assert harness.membership() == stored


@pytest.mark.parametrize(("changes", "reason"), MISMATCHES, ids=str)
def test_fulfill_invoice_after_a_mismatch_credits_the_right_month(
    harness: MembershipHarness, changes: dict[str, Any], reason: str
) -> None:
    harness.joined(subscription_id=f"sub_{KEY}")
    fulfill(harness, **{"invoice_id": "in_wrong", "payment_intent": "pi_wrong"} | changes)
    assert fulfill(harness) is Outcome.CREDITED
    assert (harness.balance(), harness.reasons()) == (500, [reason])


def test_fulfill_invoice_without_a_charge_changes_nothing(harness: MembershipHarness) -> None:
    assert fulfill(harness, total_minor=0, paid_minor=0, payment_intent=None) is Outcome.UNCHANGED
    assert harness.recorder.calls == []


def test_fulfill_invoice_with_a_used_id_files_a_review(harness: MembershipHarness) -> None:
    harness.books.entries[FAN] = {invoice_of(MEMBERSHIP).purchase_id: a_gift()}
    assert fulfill(harness) is Outcome.IN_REVIEW
    assert harness.reasons() == ["paid_twice"]


def test_fulfill_invoice_review_has_quote_and_payment(harness: MembershipHarness) -> None:
    fulfill(harness, total_minor=250, paid_minor=250)
    assert harness.books.reviews == {
        f"pi_1_{KEY}": Review(
            payment_id=f"pi_1_{KEY}",
            reason=ReviewReason.DISCOUNTED,
            session_id=f"in_1_{KEY}",
            purchase_id=invoice_of(MEMBERSHIP).purchase_id,
            user_id=FAN,
            coins=500,
            amount_minor=250,
            currency="usd",
            paid_at=START,
            opened_at=START,
        )
    }


def test_fulfill_invoice_review_without_payment_has_the_invoice_id(harness: MembershipHarness) -> None:
    fulfill(harness, payment_intent=None)
    assert list(harness.books.reviews) == [f"in_1_{KEY}"]


@pytest.mark.parametrize(("fault", "then"), [("fail_before", "credited"), ("fail_after", "repeated")])
def test_fulfill_invoice_retry_after_try_again_credits_once(harness: MembershipHarness, fault: str, then: str) -> None:
    getattr(harness.recorder, fault)["post_month"] = TryAgain()
    with pytest.raises(TryAgain):
        fulfill(harness)
    assert fulfill(harness) == then
    assert harness.balance() == 500


@pytest.mark.parametrize("changes", [{}, {"payment_intent": None}], ids=str)
def test_fulfill_invoice_of_an_unrelated_invoice_raises_unrelated_payment(
    harness: MembershipHarness, changes: dict[str, Any]
) -> None:
    unrelated: Invoice = replace(invoice_of(a_membership()), membership=None, **changes)
    with pytest.raises(UnrelatedPayment):
        fulfill_invoice(unrelated, ledger=harness.ledger, memberships=harness.memberships, clock=harness.clock)
