from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import month_of
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
def club() -> MembershipHarness:
    club = MembershipHarness()
    club.joined()
    return club


def fulfill(club: MembershipHarness, month: int = 1, **changes: Any) -> Outcome:
    invoice = replace(invoice_of(MEMBERSHIP, month), **changes)
    return fulfill_invoice(invoice, ledger=club.ledger, memberships=club.memberships, clock=club.clock)


def ref(**changes: Any) -> dict[str, Any]:
    """An invoice that claims something else."""
    membership = invoice_of(MEMBERSHIP).membership
    assert membership is not None
    return {"membership": replace(membership, **changes)}


def test_a_paid_month_is_credited_with_one_write(club: MembershipHarness) -> None:
    assert fulfill(club) is Outcome.CREDITED
    assert club.recorder.calls == ["post_month"]
    assert club.balance() == 500
    assert club.months() == [month_of(invoice_of(MEMBERSHIP), Posting(posted_at=START, event_id=uuid7_at(START, 1)))]
    assert (club.membership().subscription_id, club.membership().customer_id) == (f"sub_{KEY}", f"cus_{FAN}")
    assert club.published_types() == ["membership.started"]


def test_each_invoice_is_credited_once(club: MembershipHarness) -> None:
    assert [fulfill(club, month) for month in (2, 1, 2, 1)] == ["credited", "credited", "repeated", "repeated"]
    assert club.balance() == 1_000
    assert sorted(club.published_types()) == ["membership.renewed", "membership.started"]


MISMATCHES: list[tuple[dict[str, Any], str]] = [
    ({"billing_reason": "subscription_update"}, "other_billing_reason"),
    ({"subtotal_minor": 0, "total_minor": 0, "paid_minor": 0, "payment_intent": None}, "no_payment_required"),
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
def test_what_does_not_match_the_quote_is_reviewed_once_and_credits_nothing(
    club: MembershipHarness, changes: dict[str, Any], reason: str
) -> None:
    stored = club.joined(subscription_id=f"sub_{KEY}")
    assert [fulfill(club, **changes) for _ in range(3)] == ["in_review", "reviewed", "reviewed"]
    assert club.reasons() == [reason]
    assert (club.books.coins, club.books.entries) == ({}, {})
    assert club.membership() == stored


@pytest.mark.parametrize(("changes", "reason"), MISMATCHES, ids=str)
def test_a_mismatch_does_not_stand_in_the_way_of_the_right_month(
    club: MembershipHarness, changes: dict[str, Any], reason: str
) -> None:
    club.joined(subscription_id=f"sub_{KEY}")
    fulfill(club, **{"invoice_id": "in_wrong", "payment_intent": "pi_wrong"} | changes)
    assert fulfill(club) is Outcome.CREDITED
    assert (club.balance(), club.reasons()) == (500, [reason])


def test_an_id_that_is_taken_is_not_credited_again(club: MembershipHarness) -> None:
    club.books.entries[FAN] = {invoice_of(MEMBERSHIP).purchase_id: a_gift()}
    assert fulfill(club) is Outcome.IN_REVIEW
    assert club.reasons() == ["paid_twice"]


def test_a_review_holds_what_was_claimed_and_what_was_paid(club: MembershipHarness) -> None:
    fulfill(club, total_minor=250, paid_minor=250)
    assert club.books.reviews == {
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
        )
    }


def test_an_invoice_without_a_payment_is_reviewed_under_its_own_id(club: MembershipHarness) -> None:
    fulfill(club, payment_intent=None)
    assert list(club.books.reviews) == [f"in_1_{KEY}"]


@pytest.mark.parametrize(("fault", "then"), [("fail_before", "credited"), ("fail_after", "repeated")])
def test_an_unknown_outcome_is_told_and_the_retry_credits_once(club: MembershipHarness, fault: str, then: str) -> None:
    getattr(club.recorder, fault)["post_month"] = TryAgain()
    with pytest.raises(TryAgain):
        fulfill(club)
    assert fulfill(club) == then
    assert club.balance() == 500


@pytest.mark.parametrize("changes", [{}, {"payment_intent": None}], ids=str)
def test_a_strangers_invoice_is_a_mistake_of_ours(club: MembershipHarness, changes: dict[str, Any]) -> None:
    stranger: Invoice = replace(invoice_of(a_membership()), membership=None, **changes)
    with pytest.raises(UnrelatedPayment):
        fulfill_invoice(stranger, ledger=club.ledger, memberships=club.memberships, clock=club.clock)
