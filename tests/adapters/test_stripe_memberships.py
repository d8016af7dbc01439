"""Subscriptions at Stripe, with the real client against the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
import stripe
from msgspec.structs import replace
from stripe.params.checkout import SessionCreateParams

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.stripe.memberships import StripeMemberships
from chalicelib.domain.membership_months import invoice_review_reason
from chalicelib.domain.memberships import SUBSCRIPTION_STATUSES, Membership
from chalicelib.domain.payments import Invoice, MembershipHint, MembershipRef, Subscription
from chalicelib.errors import IdempotencyConflict, TryAgain
from infra.local.client import post_form
from tests.adapters.samples import a_membership, new_id
from tests.adapters.stripe_lab import Lab, todays_purchase

DAY = timedelta(days=1)


@pytest.fixture
def members(lab: Lab) -> StripeMemberships:
    return lab.members


def todays_membership(**changes: Any) -> Membership:
    now = SystemClock().now()
    return replace(a_membership(), membership_id=new_id(now), created_at=now, **changes)


def membership_ref(membership: Membership) -> MembershipRef:
    return MembershipRef(
        membership_id=membership.membership_id,
        plan_id=membership.plan_id,
        user_id=membership.user_id,
        coins=membership.coins,
    )


def subscribe(lab: Lab, membership: Membership) -> str:
    """Open the membership's session and subscribe. Returns the subscription's id."""
    url = lab.members.open_session(membership)
    assert url is not None
    assert post_form(url, {"outcome": "card"}).status == 303
    return next(reversed(lab.sandbox.store.subscriptions))


def read(lab: Lab, subscription_id: str) -> Subscription:
    subscription = lab.members.read_subscription(subscription_id)
    assert subscription is not None
    return subscription


def advance_a_month(lab: Lab) -> None:
    lab.control("POST", "/clock", advance_seconds=int(timedelta(days=31).total_seconds()))


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_open_session_sends_values_of_membership_only(lab: Lab) -> None:
    membership = todays_membership(user_id="|:@._-=", currency="eur", amount_minor=1_234, coins=77)
    lab.members.open_session(membership)

    (session,) = lab.sandbox.store.sessions.values()
    sent = session.to_json()
    metadata = {
        "membership_id": membership.membership_id,
        "plan_id": "coin_club",
        "user_id": "|:@._-=",
        "coins": "77",
    }
    assert sent["mode"] == "subscription"
    assert sent["client_reference_id"] == membership.membership_id
    assert sent["metadata"] == metadata
    assert session.subscription_metadata == metadata
    assert (sent["amount_total"], sent["currency"]) == (1_234, "eur")
    assert sent["adaptive_pricing"] == {"enabled": False}
    assert sent["expires_at"] == int((membership.created_at + timedelta(hours=2)).timestamp())
    assert sent["success_url"] == f"https://shop.example/thanks?membership={membership.membership_id}"
    assert sent["cancel_url"] == f"https://shop.example/basket?membership={membership.membership_id}"


def test_open_session_with_return_url_comes_back_there_with_the_membership(lab: Lab) -> None:
    membership = todays_membership()
    lab.members.open_session(membership, "https://live.example/stream")

    (session,) = lab.sandbox.store.sessions.values()
    sent = session.to_json()
    paid = f"https://live.example/stream?membership={membership.membership_id}"
    assert (sent["success_url"], sent["cancel_url"]) == (paid, f"{paid}&canceled=1")


def test_create_customer_repeat_returns_same_customer_until_it_is_gone(lab: Lab, members: StripeMemberships) -> None:
    fan = new_id()
    first = members.create_customer(fan, None)
    assert members.create_customer(fan, None) == first
    assert len({first, members.create_customer(fan, first), members.create_customer(new_id(), None)}) == 3
    assert lab.sandbox.store.customers[first].metadata == {"user_id": fan}


def test_open_session_for_a_customer_subscribes_that_customer(lab: Lab, members: StripeMemberships) -> None:
    customer = members.create_customer("ann", None)
    subscriptions = []
    for _ in range(2):
        url = members.open_session(todays_membership(), None, customer)
        assert post_form(str(url), {"outcome": "card"}).status == 303
        subscriptions.append(next(reversed(lab.sandbox.store.subscriptions)))
    assert {read(lab, subscription).customer_id for subscription in subscriptions} == {customer}
    assert list(lab.sandbox.store.customers) == [customer]


def test_open_session_repeat_returns_same_session(lab: Lab, members: StripeMemberships) -> None:
    membership = todays_membership()
    assert members.open_session(membership) == members.open_session(membership)
    assert len(lab.sandbox.store.sessions) == 1


def test_open_session_with_other_quote_is_a_conflict(members: StripeMemberships) -> None:
    membership = todays_membership()
    members.open_session(membership)
    with pytest.raises(IdempotencyConflict):
        members.open_session(replace(membership, amount_minor=500))


def test_open_session_with_lost_response_opens_one_session(lab: Lab, members: StripeMemberships) -> None:
    membership = todays_membership()
    lab.control("PUT", "/knobs", lost_answers=2)
    with pytest.raises(TryAgain):
        members.open_session(membership)
    assert members.open_session(membership) is not None
    assert len(lab.sandbox.store.sessions) == 1


@pytest.mark.parametrize("currency", ["jpy", "eur", "isk", "kwd"])
def test_open_session_accepts_zero_two_and_three_decimal_currencies(lab: Lab, currency: str) -> None:
    membership = todays_membership(currency=currency, amount_minor=50_000)
    (invoice,) = read(lab, subscribe(lab, membership)).paid_invoices
    assert (invoice.currency, invoice.paid_minor) == (currency, 50_000)
    assert invoice_review_reason(invoice) is None


# --- invoices ---------------------------------------------------------------------------------------------------------


def test_read_subscription_first_invoice_is_creditable(lab: Lab) -> None:
    membership = todays_membership()
    subscription = read(lab, subscribe(lab, membership))

    (invoice,) = subscription.paid_invoices
    assert invoice_review_reason(invoice) is None
    assert invoice.membership == membership_ref(membership)
    assert invoice.hint == MembershipHint(subscription_id=subscription.subscription_id, ref=membership_ref(membership))
    assert invoice.billing_reason == "subscription_create"
    assert invoice.customer_id == subscription.customer_id
    assert invoice.subtotal_minor == invoice.total_minor == invoice.paid_minor == membership.amount_minor
    assert invoice.paid_until is not None
    assert timedelta(days=28) <= invoice.paid_until - invoice.created_at <= timedelta(days=31)
    assert (subscription.status, subscription.renews, subscription.cancel_reason) == ("active", True, None)


def test_read_and_find_invoice_return_the_same_invoice(lab: Lab, members: StripeMemberships) -> None:
    (invoice,) = read(lab, subscribe(lab, todays_membership())).paid_invoices
    assert invoice.payment_intent is not None
    assert members.read_invoice(invoice.invoice_id) == invoice
    assert members.find_invoice(invoice.payment_intent) == invoice
    assert lab.gateway.find_purchase_ref(invoice.payment_intent) is None, "its payment bears nothing of ours"
    assert lab.gateway.read_money(invoice.payment_intent).captured_minor == invoice.paid_minor


def test_read_subscription_lists_renewals_newest_first(lab: Lab) -> None:
    subscription_id = subscribe(lab, todays_membership())
    for _ in range(2):
        advance_a_month(lab)
    paid = read(lab, subscription_id).paid_invoices
    assert [invoice.billing_reason for invoice in paid] == ["subscription_cycle"] * 2 + ["subscription_create"]
    ends = [invoice.paid_until for invoice in paid if invoice.paid_until]
    assert len(ends) == 3
    assert ends == sorted(set(ends), reverse=True)
    assert len({invoice.payment_intent for invoice in paid}) == len({invoice.purchase_id for invoice in paid}) == 3


def test_read_subscription_omits_failed_renewal_until_paid(lab: Lab, members: StripeMemberships) -> None:
    subscription_id = subscribe(lab, todays_membership())
    lab.control("PUT", "/knobs", renewals="failed")
    advance_a_month(lab)
    subscription = read(lab, subscription_id)
    assert (subscription.status, len(subscription.paid_invoices)) == ("past_due", 1)
    open_invoice = next(reversed(lab.sandbox.store.invoices))
    unpaid = members.read_invoice(open_invoice)
    assert unpaid is not None
    assert (unpaid.is_paid, unpaid.paid_minor, unpaid.payment_intent) == (False, 0, None)

    lab.control("POST", f"/invoices/{open_invoice}/pay")
    subscription = read(lab, subscription_id)
    assert (subscription.status, len(subscription.paid_invoices)) == ("active", 2)
    paid = members.read_invoice(open_invoice)
    assert paid == subscription.paid_invoices[0]
    assert paid.purchase_id == unpaid.purchase_id


def test_read_subscription_reads_twelve_invoices(lab: Lab) -> None:
    subscription_id = subscribe(lab, todays_membership())
    for _ in range(13):
        lab.control("POST", f"/subscriptions/{subscription_id}/renew")
    paid = read(lab, subscription_id).paid_invoices
    assert len(paid) == 12
    assert all(invoice.billing_reason == "subscription_cycle" for invoice in paid)


# --- renewals and ends ------------------------------------------------------------------------------------------------


def test_read_subscription_canceled_at_portal_is_active_until_period_end(lab: Lab, members: StripeMemberships) -> None:
    subscription_id = subscribe(lab, todays_membership())
    url = members.open_portal(read(lab, subscription_id).customer_id)
    assert url.startswith(lab.sandbox.url)
    lab.choose_at_portal(url, "cancel")
    subscription = read(lab, subscription_id)
    assert (subscription.status, subscription.renews) == ("active", False)
    advance_a_month(lab)
    subscription = read(lab, subscription_id)
    assert (subscription.status, subscription.cancel_reason) == ("canceled", "cancellation_requested")
    assert len(subscription.paid_invoices) == 1


def test_read_subscription_canceled_by_api_does_not_renew(lab: Lab) -> None:
    subscription_id = subscribe(lab, todays_membership())
    lab.unrelated_client().v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True})
    assert not read(lab, subscription_id).renews


def test_read_subscription_after_failed_renewals_has_cancel_reason(lab: Lab) -> None:
    subscription_id = subscribe(lab, todays_membership())
    lab.control("PUT", "/knobs", renewals="failed", dunning_retries=0)
    advance_a_month(lab)
    subscription = read(lab, subscription_id)
    assert (subscription.status, subscription.cancel_reason) == ("canceled", "payment_failed")


def test_subscription_statuses_are_those_of_stripes_client() -> None:
    known, _ = get_args(stripe.Subscription.__annotations__["status"])
    assert set(get_args(known)) == SUBSCRIPTION_STATUSES.keys()


# --- unrelated objects and errors -------------------------------------------------------------------------------------


def test_read_subscription_of_unrelated_program_has_no_reference(lab: Lab) -> None:
    order: SessionCreateParams = {
        "mode": "subscription",
        "success_url": "https://shirts.example",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 900,
                    "recurring": {"interval": "month"},
                    "product_data": {"name": "a shirt a month"},
                },
            }
        ],
    }
    session = lab.unrelated_client().v1.checkout.sessions.create(order)
    assert session.url is not None
    post_form(session.url, {"outcome": "card"})
    (invoice,) = read(lab, next(reversed(lab.sandbox.store.subscriptions))).paid_invoices
    assert (invoice.membership, invoice.ref, invoice.hint) == (None, None, None)


def test_find_invoice_of_other_payments_is_none(lab: Lab, members: StripeMemberships) -> None:
    assert members.find_invoice(lab.pay(todays_purchase())) is None
    assert members.find_invoice("pi_unknown") is None


@pytest.mark.parametrize("call", ["read_invoice", "find_invoice", "read_subscription", "open_portal"])
def test_stripe_outage_raises_try_again(lab: Lab, members: StripeMemberships, call: str) -> None:
    lab.control("PUT", "/knobs", down=True)
    with pytest.raises(TryAgain):
        getattr(members, call)("in_1")


def test_invoice_times_are_utc_seconds(lab: Lab) -> None:
    before = datetime.now(UTC) - DAY
    (invoice,) = read(lab, subscribe(lab, todays_membership())).paid_invoices
    assert isinstance(invoice, Invoice)
    assert before < invoice.created_at < datetime.now(UTC) + DAY
    assert invoice.created_at.microsecond == 0
