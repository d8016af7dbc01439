"""Credits of payments in review, made by an operator."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.membership_months import month_of
from chalicelib.domain.memberships import MembershipStatus
from chalicelib.domain.payments import Invoice
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import KEY_FORM, Purchase
from chalicelib.domain.reviews import Review, ReviewReason
from chalicelib.domain.settlements import (
    UNMATCHED,
    Credit,
    credit_of,
    has_credited,
    is_superseded,
    month_credit_of,
    payment_entry_id,
)
from tests.domain.builders import EVENT_ID, FAN, KEY, a_gift, a_membership, a_posted_purchase, a_purchase
from tests.fake_memberships import MONTH, invoice_of
from tests.fakes import START

POSTING = Posting(posted_at=START + timedelta(hours=1), event_id=EVENT_ID)
PAYMENT = f"pi_{KEY}"
END = START + MONTH


def a_review(**changes: Any) -> Review:
    """Build the review of a payment of 75 minor units for a purchase of 74."""
    review = Review(
        payment_id=PAYMENT,
        reason=ReviewReason.OTHER_AMOUNT,
        session_id=f"cs_{KEY}",
        purchase_id=KEY,
        user_id=FAN,
        coins=70,
        amount_minor=75,
        currency="usd",
        paid_at=START,
        opened_at=START,
    )
    return replace(review, **changes)


def credited(entry: Entry | None, **changes: Any) -> Purchase:
    return credit_of(a_review(**changes), entry, POSTING, "support").purchase


def test_payment_entry_id_is_the_same_for_ever() -> None:
    """A repeat of a credit finds its entry by it."""
    assert payment_entry_id(START, "pi_1") == "01a20320-a200-7bb0-b2b7-508eea459d29"


@pytest.mark.parametrize(
    ("entry", "has"),
    [
        (None, False),
        (a_purchase(), False),
        (a_gift(), False),
        (a_posted_purchase(), True),
        (a_posted_purchase(payment_intent="pi_other"), False),
    ],
    ids=str,
)
def test_has_credited_is_true_only_for_the_purchase_of_the_payment(entry: Entry | None, has: bool) -> None:
    assert has_credited(entry, a_review()) is has


def test_is_superseded_is_false_until_the_payment_is_credited() -> None:
    assert is_superseded(a_review(), a_purchase()) is False
    assert is_superseded(a_review(), a_posted_purchase()) is True


def test_credit_replaces_the_unposted_purchase_in_its_next_version() -> None:
    before = a_purchase(version=4)
    assert credit_of(a_review(), before, POSTING, "support").before == before
    assert (credited(before).purchase_id, credited(before).version, credited(before).actor) == (KEY, 5, "support")
    assert (credited(before).amount_minor, credited(before).quoted_minor) == (75, 74)
    assert credited(before, amount_minor=74).quoted_minor is None


@pytest.mark.parametrize("entry", [None, a_posted_purchase(payment_intent="pi_other"), a_gift()], ids=str)
def test_credit_without_an_unposted_purchase_is_a_new_entry(entry: Entry | None) -> None:
    credit = credit_of(a_review(), entry, POSTING, "support")
    assert credit.before is None
    assert credit.purchase.purchase_id == (payment_entry_id(START, PAYMENT) if entry else KEY)
    assert (credit.purchase.version, credit.purchase.key_form, credit.purchase.quoted_minor) == (1, KEY_FORM, None)
    assert credit.purchase.bundle_id == ("coins_70" if isinstance(entry, Purchase) else UNMATCHED)


def month_credit(invoice: Invoice, **member: Any) -> Credit:
    month = month_of(invoice, POSTING)
    return month_credit_of(Credit(purchase=month), invoice, a_membership(**member) if member else None)


def test_month_credit_without_a_membership_makes_one_in_its_first_version() -> None:
    made = month_credit(invoice_of(a_membership(), 1)).member
    assert made is not None
    assert (made.version, made.status, made.paid_until) == (1, MembershipStatus.ACTIVE, END)


@pytest.mark.parametrize(
    ("paid_until", "status"),
    [
        (POSTING.posted_at - timedelta(seconds=1), MembershipStatus.PENDING),
        (POSTING.posted_at, MembershipStatus.PENDING),
        (POSTING.posted_at + timedelta(seconds=1), MembershipStatus.ACTIVE),
    ],
)
def test_month_credit_makes_a_member_only_for_a_month_that_lasts(paid_until: Any, status: MembershipStatus) -> None:
    invoice = replace(invoice_of(a_membership(), 1), paid_until=paid_until)
    extended = month_credit(invoice, version=7, customer_id="cus_1").member
    assert extended is not None
    assert (extended.status, extended.version, extended.paid_until) == (status, 8, paid_until)


@pytest.mark.parametrize(("of_invoice", "kept"), [(None, "cus_1"), ("cus_2", "cus_2")])
def test_month_credit_keeps_the_customer_unless_the_invoice_names_one(of_invoice: str | None, kept: str) -> None:
    invoice = replace(invoice_of(a_membership(), 1), customer_id=of_invoice)
    extended = month_credit(invoice, customer_id="cus_1").member
    assert extended is not None
    assert extended.customer_id == kept
