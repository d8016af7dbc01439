"""Months that are paid otherwise than quoted, with the real client against the sandbox, each with its renewal."""

from typing import Any

import pytest
import stripe

from chalicelib.domain.membership_months import invoice_review_reason
from chalicelib.domain.payments import Invoice, Subscription
from infra.local.client import post_form
from tests.adapters.stripe_lab import Lab
from tests.adapters.test_stripe_memberships import advance_a_month, read, subscribe, todays_membership


def owe(lab: Lab, subscription_id: str, amount_minor: int) -> None:
    """Give the subscription's customer a credit for the next invoice."""
    customer = read(lab, subscription_id).customer_id
    lab.unrelated_client().v1.customers.update(customer, {"balance": -amount_minor})


def read_newest(lab: Lab, subscription: Subscription) -> Invoice:
    """Read the newest paid invoice by itself: both ways to it agree."""
    newest = subscription.paid_invoices[0]
    assert lab.members.read_invoice(newest.invoice_id) == newest
    assert all(lab.members.find_invoice(part) == newest for part in newest.payment_intents)
    return newest


@pytest.mark.parametrize(
    ("terms", "reason", "paid_minor", "payments"),
    [
        ({}, None, 499, 1),
        ({"payments": "two"}, None, 499, 2),
        ({"payments": "record"}, "paid_out_of_band", 499, 0),
        ({"payments": "late"}, "no_payment_yet", 499, 0),
        ({"coupon_percent": 50}, "discounted_or_surcharged", 250, 1),
        ({"coupon_percent": 100}, "free", 0, 0),
        ({"proration": 121}, None, 620, 1),
        ({"proration": -499}, "free", 0, 0),
    ],
    ids=str,
)
def test_read_subscription_of_a_renewal_on_other_terms(
    lab: Lab, terms: dict[str, Any], reason: str | None, paid_minor: int, payments: int
) -> None:
    subscription_id = subscribe(lab, todays_membership())
    lab.control("PUT", "/terms", **terms)
    advance_a_month(lab)
    subscription = read(lab, subscription_id)
    invoice = read_newest(lab, subscription)
    assert ("free" if invoice.is_free else invoice_review_reason(invoice)) == reason
    assert (invoice.paid_minor, len(invoice.payment_intents)) == (paid_minor, payments)
    assert invoice.off_stripe_minor == (499 if reason == "paid_out_of_band" else 0)
    assert (subscription.status, invoice.paid_until, invoice.billing_reason) == (
        "active",
        subscription.period_ends_at,
        "subscription_cycle",
    )
    if reason == "no_payment_yet":
        assert invoice.paid_at is not None
        lab.control("POST", f"/invoices/{invoice.invoice_id}/attach")
        assert invoice_review_reason(read_newest(lab, read(lab, subscription_id))) is None

    lab.control("PUT", "/terms", coupon_percent=0, payments="one")
    advance_a_month(lab)
    invoice = read_newest(lab, read(lab, subscription_id))
    assert (invoice_review_reason(invoice), invoice.paid_minor) == (None, 499)


@pytest.mark.parametrize(("credit", "reason"), [(499, "no_payment_required"), (99, "other_amount")])
def test_read_subscription_of_a_renewal_from_the_balance(lab: Lab, credit: int, reason: str) -> None:
    subscription_id = subscribe(lab, todays_membership())
    owe(lab, subscription_id, credit)
    advance_a_month(lab)
    invoice = read_newest(lab, read(lab, subscription_id))
    assert (invoice_review_reason(invoice), invoice.total_minor, invoice.paid_minor) == (reason, 499, 499 - credit)
    advance_a_month(lab)
    assert read_newest(lab, read(lab, subscription_id)).paid_minor == 499


def test_read_subscription_in_a_trial_has_a_free_invoice(lab: Lab) -> None:
    lab.control("PUT", "/terms", trial_days=7)
    subscription_id = subscribe(lab, todays_membership())
    subscription = read(lab, subscription_id)
    first = read_newest(lab, subscription)
    assert (subscription.status, first.is_free, first.paid_until) == ("trialing", True, subscription.period_ends_at)
    lab.control("POST", "/clock", advance_seconds=8 * 24 * 60 * 60)
    subscription = read(lab, subscription_id)
    paid = read_newest(lab, subscription)
    assert (subscription.status, paid.billing_reason, paid.paid_minor) == ("active", "subscription_cycle", 499)


@pytest.mark.parametrize("behavior", ["keep_as_draft", "mark_uncollectible", "void"])
def test_read_subscription_with_paused_collection_stays_active_without_a_payment(lab: Lab, behavior: str) -> None:
    subscription_id = subscribe(lab, todays_membership())
    client = lab.unrelated_client().v1.subscriptions
    client.update(subscription_id, {"pause_collection": {"behavior": behavior}})
    advance_a_month(lab)
    subscription = read(lab, subscription_id)
    assert (subscription.status, len(subscription.paid_invoices)) == ("active", 1)
    assert subscription.period_ends_at is not None
    assert subscription.period_ends_at > (subscription.paid_invoices[0].paid_until or subscription.period_ends_at)
    client.update(subscription_id, {"pause_collection": ""})
    advance_a_month(lab)
    assert len(read(lab, subscription_id).paid_invoices) == 2


def test_read_subscription_by_bank_debit_is_active_before_it_is_paid(lab: Lab) -> None:
    url = lab.members.open_session(todays_membership())
    assert url is not None
    assert post_form(url, {"outcome": "bank_debit"}).status == 303
    subscription_id, session_id = (
        next(reversed(lab.sandbox.store.subscriptions)),
        next(iter(lab.sandbox.store.sessions)),
    )
    subscription = read(lab, subscription_id)
    assert (subscription.status, list(subscription.paid_invoices)) == ("active", [])
    lab.control("POST", f"/sessions/{session_id}/settle")
    assert invoice_review_reason(read_newest(lab, read(lab, subscription_id))) is None
    for outcome, status, months in (("fail", "past_due", 1), ("pay", "active", 2)):
        advance_a_month(lab)
        assert read(lab, subscription_id).status in {"active", "past_due"}
        lab.control("POST", f"/invoices/{next(reversed(lab.sandbox.store.invoices))}/{outcome}")
        subscription = read(lab, subscription_id)
        assert (subscription.status, len(subscription.paid_invoices)) == (status, months)


def test_read_of_deleted_objects_is_none(lab: Lab) -> None:
    subscription_id = subscribe(lab, todays_membership())
    (invoice,) = read(lab, subscription_id).paid_invoices
    lab.control("POST", f"/subscriptions/{subscription_id}/delete")
    assert lab.members.read_subscription(subscription_id) is None
    assert lab.members.read_invoice(invoice.invoice_id) is None
    assert lab.members.find_invoice(str(invoice.payment_intent)) is None
    assert [event["type"] for event in lab.events()].count("invoice.paid") == 1


def test_read_invoice_without_the_right_to_it_raises(lab: Lab) -> None:
    """Only `resource_missing` means that an object is gone."""
    lab.control("PUT", "/knobs", fail_next={"path": "/v1/invoices", "status": 400, "times": 1})
    with pytest.raises(stripe.InvalidRequestError):
        lab.members.read_invoice("in_1")
