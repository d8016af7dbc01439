from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.entries import Entry
from chalicelib.domain.membership_months import (
    ATTACHING,
    awaits_payment,
    invoice_review_reason,
    is_renewal,
    month_of,
    paid_month,
    repeated_month_review_reason,
    unmatched_month_review_reason,
)
from chalicelib.domain.memberships import Membership, PaidMonth
from chalicelib.domain.payments import Invoice, PurchaseRef, UnrelatedPayment
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase, Status
from tests.domain.builders import EVENT_ID, FAN, KEY, a_gift, a_membership, a_posted_purchase
from tests.fake_memberships import MONTH, hint_of, invoice_of
from tests.fakes import START, uuid7_at

POSTING = Posting(posted_at=START + timedelta(seconds=5), event_id=EVENT_ID)
END = START + MONTH


def an_invoice(month: int = 1, **changes: Any) -> Invoice:
    return replace(invoice_of(a_membership(), month), **changes)


def a_month(month: int = 1, **changes: Any) -> Purchase:
    return replace(month_of(an_invoice(month), POSTING), **changes)


def test_month_of_a_paid_invoice_is_a_posted_purchase() -> None:
    assert month_of(an_invoice(), POSTING) == Purchase(
        purchase_id=an_invoice().purchase_id,
        user_id=FAN,
        bundle_id="coin_club",
        channel="membership",
        coins=500,
        amount_minor=499,
        currency="usd",
        created_at=START,
        status=Status.POSTED,
        posted_at=POSTING.posted_at,
        event_id=EVENT_ID,
        payment_intent=f"pi_1_{KEY}",
        membership_id=KEY,
        is_renewal=False,
        paid_until=START + MONTH,
    )
    assert month_of(an_invoice(2), POSTING).is_renewal


def test_invoice_purchase_id_depends_only_on_its_id() -> None:
    assert an_invoice().purchase_id == an_invoice(status="open", paid_minor=0).purchase_id
    assert an_invoice().purchase_id != an_invoice(invoice_id="in_other").purchase_id
    assert an_invoice().ref == PurchaseRef(purchase_id=an_invoice().purchase_id, user_id=FAN, coins=500)
    assert an_invoice().hint == hint_of(a_membership())


def test_month_of_an_unrelated_invoice_raises_unrelated_payment() -> None:
    unrelated = an_invoice(membership=None)
    assert (unrelated.ref, unrelated.hint) == (None, None)
    with pytest.raises(UnrelatedPayment):
        month_of(unrelated, POSTING)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"billing_reason": "subscription_cycle"}, None),
        ({"billing_reason": "subscription_update"}, "other_billing_reason"),
        ({"billing_reason": "manual"}, "other_billing_reason"),
        ({"subtotal_minor": 0, "total_minor": 0, "paid_minor": 0}, "no_payment_required"),
        ({"payment_intent": None}, "no_payment_yet"),
        ({"more_payment_intents": ["pi_second"]}, None),
        ({"off_stripe_minor": 499, "payment_intent": None}, "paid_out_of_band"),
        ({"off_stripe_minor": 1}, "paid_out_of_band"),
        ({"paid_minor": 0, "payment_intent": None}, "no_payment_required"),
        ({"total_minor": 399, "paid_minor": 399}, "discounted_or_surcharged"),
        ({"paid_minor": 399}, "other_amount"),
        ({"paid_until": None}, "no_period"),
    ],
    ids=str,
)
def test_invoice_review_reason_is_none_only_for_the_whole_price(changes: dict[str, Any], reason: str | None) -> None:
    assert invoice_review_reason(an_invoice(**changes)) == reason


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (a_month(), None),
        (a_month(payment_intent="pi_second"), None),
        (a_month(payment_intent="pi_other"), "paid_twice"),
        (a_gift(), "paid_twice"),
    ],
    ids=str,
)
def test_repeated_month_review_reason_is_none_only_for_a_payment_of_it(entry: Entry, reason: str | None) -> None:
    assert repeated_month_review_reason(entry, an_invoice(more_payment_intents=["pi_second"])) == reason


@pytest.mark.parametrize(
    ("membership", "reason"),
    [
        (None, "no_such_membership"),
        (a_membership(currency="eur"), "other_currency"),
        (a_membership(amount_minor=500), "other_amount"),
        (a_membership(coins=501), "other_coins"),
        (a_membership(plan_id="moon_club"), "other_coins"),
        (a_membership(subscription_id="sub_other"), "other_subscription"),
    ],
    ids=str,
)
def test_unmatched_month_review_reason_names_the_first_difference(membership: Membership | None, reason: str) -> None:
    assert unmatched_month_review_reason(membership, a_month()) == reason


def test_purchase_without_membership_has_no_membership_id() -> None:
    assert a_posted_purchase().membership_id is None
    assert uuid7_at(START, 1) != an_invoice().purchase_id


@pytest.mark.parametrize(
    ("changes", "is_free"),
    [
        ({}, False),
        ({"subtotal_minor": 0, "total_minor": 0, "paid_minor": 0}, True),
        ({"total_minor": 0, "paid_minor": 0}, True),
        ({"total_minor": 1, "paid_minor": 0}, False),
        ({"subtotal_minor": -200, "total_minor": -200, "paid_minor": 0}, True),
        ({"paid_minor": 0}, False),
    ],
    ids=str,
)
def test_invoice_is_free_only_if_nothing_was_charged(changes: dict[str, Any], is_free: bool) -> None:
    assert an_invoice(**changes).is_free is is_free


@pytest.mark.parametrize(
    ("changes", "seconds", "awaits"),
    [
        ({}, 0, True),
        ({}, ATTACHING.total_seconds() - 1, True),
        ({}, ATTACHING.total_seconds(), False),
        ({"payment_intent": "pi_1"}, 0, False),
        ({"off_stripe_minor": 499}, 0, False),
        ({"paid_minor": 0}, 0, False),
        ({"paid_minor": 1}, 0, True),
        ({"paid_at": None}, 0, False),
    ],
    ids=str,
)
def test_awaits_payment_only_soon_after_it_was_paid(changes: dict[str, Any], seconds: float, awaits: bool) -> None:
    invoice = an_invoice(**{"payment_intent": None, "paid_at": START} | changes)
    assert awaits_payment(invoice, START + timedelta(seconds=seconds)) is awaits


REF = an_invoice().membership
assert REF is not None
MADE_BY_HAND = {"billing_reason": "manual"}


@pytest.mark.parametrize(
    ("changes", "known", "month"),
    [
        ({}, None, PaidMonth(paid_until=END)),
        ({}, a_gift(), PaidMonth(paid_until=END)),
        ({}, a_month(), PaidMonth(paid_until=END)),
        ({}, a_month(kept_minor=1), PaidMonth(paid_until=END)),
        ({}, a_month(kept_minor=0), PaidMonth(paid_until=END, is_kept=False)),
        ({}, a_month(kept_minor=0, amount_minor=0), PaidMonth(paid_until=END)),
        ({}, a_month(membership_id="another"), None),
        ({}, a_month(paid_until=None), None),
        ({"paid_until": None}, None, None),
        (MADE_BY_HAND, None, None),
        (MADE_BY_HAND, a_month(), PaidMonth(paid_until=END)),
        ({"membership": None}, None, None),
        ({"membership": replace(REF, user_id="fan-2")}, None, None),
        ({"membership": replace(REF, membership_id="another")}, None, None),
    ],
    ids=str,
)
def test_paid_month_is_a_month_of_the_membership_with_or_without_coins(
    changes: dict[str, Any], known: Entry | None, month: PaidMonth | None
) -> None:
    assert paid_month(an_invoice(**changes), a_membership(), known) == month


def test_is_renewal_is_true_for_all_invoices_but_a_subscriptions_first() -> None:
    first, *others = ["subscription_create", "subscription_cycle", "subscription_update", "manual", None]
    assert not is_renewal(an_invoice(billing_reason=first))
    assert all(is_renewal(an_invoice(billing_reason=reason)) is True for reason in others)


def test_paid_month_of_the_smallest_amount_is_not_kept_after_its_refund() -> None:
    gone = a_month(amount_minor=1, kept_minor=0)
    assert paid_month(an_invoice(), a_membership(), gone) == PaidMonth(paid_until=END, is_kept=False)
