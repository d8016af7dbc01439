"""Subscriptions: purchase, invoice, changes and cancellation."""

import json
from typing import cast

import pytest
import stripe
from stripe.params import SubscriptionUpdateParams
from stripe.params.checkout import SessionCreateParams

from tests.infra.stripe_sandbox_shop import Json, Shop

SUBSCRIBED_EVENTS = [
    "customer.created",
    "customer.subscription.created",
    "invoice.created",
    "invoice.finalized",
    "payment_intent.created",
    "payment_intent.succeeded",
    "charge.succeeded",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
    "checkout.session.completed",
]


@pytest.mark.parametrize("outcome", ["card", "paypal"])
def test_payment_creates_customer_subscription_and_paid_invoice(shop: Shop, outcome: str) -> None:
    opened = shop.client.v1.checkout.sessions.create(shop.plan())
    assert (opened.mode, opened.customer, opened.subscription, opened.invoice) == ("subscription", None, None, None)
    assert shop.pay(opened, outcome).location == f"http://shop.example/thanks?session={opened.id}"
    session = shop.client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["customer", "subscription", "invoice"]})
    assert (session.status, session.payment_status, session.payment_intent) == ("complete", "paid", None)
    customer, subscription, invoice = session.customer, session.subscription, session.invoice
    assert isinstance(customer, stripe.Customer)
    assert isinstance(subscription, stripe.Subscription)
    assert isinstance(invoice, stripe.Invoice)
    assert (subscription.status, subscription.customer, subscription.latest_invoice) == (
        "active",
        customer.id,
        invoice.id,
    )
    assert subscription.metadata.to_dict() == {"membership_id": "m-1"}
    assert (invoice.status, invoice.billing_reason, invoice.amount_paid, invoice.currency, invoice.customer) == (
        "paid",
        "subscription_create",
        499,
        "usd",
        customer.id,
    )
    assert shop.emitted_types() == SUBSCRIBED_EVENTS
    assert sorted(shop.settled_types()) == sorted(SUBSCRIBED_EVENTS)


def test_periods_of_items_and_invoice_lines_are_equal(shop: Shop) -> None:
    subscription = shop.subscribe()
    (item,) = subscription["items"]["data"]
    invoice = shop.client.v1.invoices.retrieve(str(subscription.latest_invoice))
    (line,) = invoice.lines.data
    assert (line.period.start, line.period.end) == (item["current_period_start"], item["current_period_end"])
    assert 28 * 86400 <= line.period.end - line.period.start <= 31 * 86400
    assert (invoice.period_start, invoice.period_end) == (line.period.start, line.period.start)
    assert "current_period_end" not in subscription.to_dict()


def test_payment_intent_refers_to_invoice_only(shop: Shop) -> None:
    subscription = shop.subscribe()
    (intent,) = shop.client.v1.payment_intents.list({"customer": str(subscription.customer)}).data
    assert (intent.metadata.to_dict(), intent.status, intent.amount_received) == ({}, "succeeded", 499)
    payments = shop.client.v1.invoice_payments
    (payment,) = payments.list({"payment": {"type": "payment_intent", "payment_intent": intent.id}}).data
    assert (payment.invoice, payment.status, payment.amount_paid) == (subscription.latest_invoice, "paid", 499)
    assert payments.retrieve(payment.id, {"expand": ["invoice"]}).invoice["id"] == payment.invoice  # type: ignore[index]
    invoice = shop.client.v1.invoices.retrieve(str(payment.invoice))
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    details = invoice.parent.subscription_details
    assert details.metadata is not None
    assert (details.subscription, details.metadata.to_dict()) == (subscription.id, {"membership_id": "m-1"})
    assert "payments" not in invoice.to_dict()
    expanded = shop.client.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert expanded.payments is not None
    assert [one.payment.payment_intent for one in expanded.payments.data] == [intent.id]
    assert payments.list({"payment": {"type": "payment_intent", "payment_intent": "pi_none"}}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        payments.list({"payment": {"type": "payment_record", "payment_record": "pr_1"}})


def test_events_show_the_invoice_at_their_time(shop: Shop) -> None:
    shop.subscribe()
    events = {event.type: event.data.object for event in shop.client.v1.events.list({"limit": 100}).data}
    statuses = [
        (name, events[name]["status"], events[name]["amount_due"], events[name]["amount_paid"])
        for name in ("invoice.created", "invoice.finalized", "invoice.paid")
    ]
    assert statuses == [
        ("invoice.created", "draft", 499, 0),
        ("invoice.finalized", "open", 499, 0),
        ("invoice.paid", "paid", 499, 499),
    ]
    paid = events["invoice.paid"]["status_transitions"]
    assert paid["paid_at"] >= paid["finalized_at"] >= events["invoice.created"]["created"]
    completed = events["checkout.session.completed"]
    assert (completed["mode"], completed["payment_status"], completed["client_reference_id"]) == (
        "subscription",
        "paid",
        "m-1",
    )
    assert events["customer.subscription.created"]["status"] == "active"


def test_declined_card_creates_no_subscription(shop: Shop) -> None:
    session = shop.client.v1.checkout.sessions.create(shop.plan())
    assert shop.pay(session, "declined").status == 402
    assert shop.client.v1.subscriptions.list({"status": "all"}).data == []
    assert shop.pay(session, "card").status == 303
    (intent,) = shop.client.v1.payment_intents.list().data
    assert intent.customer == shop.client.v1.checkout.sessions.retrieve(session.id).customer
    assert [charge.status for charge in shop.client.v1.charges.list().data] == ["succeeded", "failed"]


def test_cancel_creates_no_subscription(shop: Shop) -> None:
    session = shop.client.v1.checkout.sessions.create(shop.plan())
    assert "USD 4.99 every month" in shop.visit(f"/pay/{session.id}").html
    assert shop.pay(session, "cancel").location == "http://shop.example/basket"
    assert shop.client.v1.checkout.sessions.expire(session.id).status == "expired"
    assert shop.emitted_types() == ["checkout.session.expired"]


@pytest.mark.parametrize(
    ("outcome", "payment_status", "status", "events"),
    [
        ("settle", "paid", "active", ["invoice.paid", "checkout.session.async_payment_succeeded"]),
        ("fail", "unpaid", "past_due", ["invoice.payment_failed", "checkout.session.async_payment_failed"]),
    ],
)
def test_bank_debit_is_active_until_the_bank_answers(
    shop: Shop, outcome: str, payment_status: str, status: str, events: list[str]
) -> None:
    session = shop.client.v1.checkout.sessions.create(shop.plan())
    assert shop.pay(session, "bank_debit").status == 303
    session = shop.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice"]})
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert isinstance(session.subscription, stripe.Subscription)
    assert isinstance(session.invoice, stripe.Invoice)
    assert (session.subscription.status, session.invoice.status) == ("active", "open")
    shop.control("POST", f"/sessions/{session.id}/{outcome}")
    after = shop.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert isinstance(after.subscription, stripe.Subscription)
    assert (after.payment_status, after.subscription.status) == (payment_status, status)
    assert set(events) <= set(shop.emitted_types())


@pytest.mark.parametrize(
    "terms", [{"color": 1}, {"coupon_percent": 101}, {"coupon_percent": "1"}, {"trial_days": -1}, {"payments": "three"}]
)
def test_invalid_terms_are_rejected(shop: Shop, terms: Json) -> None:
    status, _, _ = shop.http("PUT", "/_sandbox/terms", json.dumps(terms))
    assert status == 400
    assert shop.control("PUT", "/terms", {}) == {
        "coupon_percent": 0,
        "trial_days": 0,
        "proration": 0,
        "payments": "one",
    }


def test_repeated_payment_creates_one_subscription(shop: Shop) -> None:
    session = shop.client.v1.checkout.sessions.create(shop.plan())
    assert [shop.pay(session).status for _ in range(3)] == [303, 200, 200]
    assert len(shop.client.v1.subscriptions.list().data) == len(shop.client.v1.invoices.list().data) == 1


def test_repeated_key_opens_one_session(shop: Shop) -> None:
    options = cast("stripe.RequestOptions", {"idempotency_key": "membership/m-1"})
    opened = [shop.client.v1.checkout.sessions.create(shop.plan(), options).id for _ in range(2)]
    assert opened[0] == opened[1]
    with pytest.raises(stripe.IdempotencyError):
        shop.client.v1.checkout.sessions.create(shop.plan(amount=500), options)


def test_existing_customer_can_subscribe_again(shop: Shop) -> None:
    first = shop.subscribe()
    offer = cast("SessionCreateParams", {**shop.plan(), "customer": str(first.customer)})
    second = shop.subscribe(offer=offer)
    assert second.customer == first.customer
    assert shop.emitted_types().count("customer.created") == 1
    customer = shop.client.v1.customers.retrieve(str(first.customer))
    assert shop.client.v1.customers.list({"email": str(customer.email)}).data[0].id == customer.id
    mine = shop.client.v1.subscriptions.list({"customer": customer.id})
    assert [one.id for one in mine.data] == [second.id, first.id]
    (session,) = shop.client.v1.checkout.sessions.list({"subscription": second.id}).data
    assert session.invoice == second.latest_invoice
    both = cast("SessionCreateParams", {**offer, "customer_email": "fan@example.com"})
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        shop.client.v1.checkout.sessions.create(both)


def test_metadata_change_event_has_previous_attributes(shop: Shop) -> None:
    subscription = shop.subscribe()
    changed = shop.client.v1.subscriptions.update(subscription.id, {"metadata": {"seat": "1", "membership_id": ""}})
    assert changed.metadata.to_dict() == {"seat": "1"}
    (event,) = shop.client.v1.events.list({"type": "customer.subscription.updated"}).data
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes["metadata"].to_dict() == {"membership_id": "m-1"}
    shop.client.v1.subscriptions.update(subscription.id, {"metadata": {"seat": "1"}})
    assert shop.emitted_types().count("customer.subscription.updated") == 1, "nothing changed"


def test_cancel_ends_subscription_at_once(shop: Shop) -> None:
    subscription = shop.subscribe()
    canceled = shop.client.v1.subscriptions.cancel(
        subscription.id, {"cancellation_details": {"feedback": "too_expensive"}}
    )
    assert (canceled.status, canceled.cancel_at_period_end) == ("canceled", False)
    assert canceled.canceled_at == canceled.ended_at
    assert canceled.cancellation_details is not None
    assert (canceled.cancellation_details.reason, canceled.cancellation_details.feedback) == (
        "cancellation_requested",
        "too_expensive",
    )
    assert shop.emitted_types()[-1] == "customer.subscription.deleted"
    subscriptions = shop.client.v1.subscriptions
    assert subscriptions.list().data == []
    assert [one.id for one in subscriptions.list({"status": "ended"}).data] == [subscription.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscriptions.cancel(subscription.id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        subscriptions.update(subscription.id, {"cancel_at_period_end": True})


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"color": "red"}, "color"),
        ({"proration_behavior": "none"}, "proration_behavior"),
        ({"cancel_at_period_end": "maybe"}, "cancel_at_period_end"),
        ({"items": [{"id": "si_1"}]}, "items"),
    ],
)
def test_invalid_updates_are_rejected(shop: Shop, params: Json, param: str) -> None:
    subscription = shop.subscribe()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.subscriptions.update(subscription.id, cast("SubscriptionUpdateParams", params))
    assert caught.value.param == param


def test_unknown_objects_and_routes_are_rejected(shop: Shop) -> None:
    key = {"Authorization": "Bearer sk_test_1"}
    for path, status in (
        ("/v1/subscriptions/sub_none", 404),
        ("/v1/invoices/in_none", 404),
        ("/v1/invoice_payments/inpay_none", 404),
        ("/v1/customers/cus_none", 404),
        ("/v1/subscriptions?price=price_1", 400),
        ("/v1/invoices?due_date=1", 400),
        ("/v1/customers?color=red", 400),
    ):
        assert shop.http("GET", path, None, key)[0] == status, path


def test_payment_of_an_invoice_can_be_refunded(shop: Shop) -> None:
    subscription = shop.subscribe()
    invoice = shop.client.v1.invoices.retrieve(str(subscription.latest_invoice), {"expand": ["payments"]})
    assert invoice.payments is not None
    intent = str(invoice.payments.data[0].payment.payment_intent)
    refund = shop.client.v1.refunds.create({"payment_intent": intent, "amount": 100})
    assert (refund.status, refund.payment_intent) == ("succeeded", intent)
    shop.control("POST", "/disputes", {"payment_intent": intent, "amount": 300})
    assert shop.emitted_types()[len(SUBSCRIBED_EVENTS) :] == [
        *("refund.created", "charge.refunded"),
        *("charge.dispute.created", "charge.dispute.funds_withdrawn"),
    ]
    after = shop.client.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.amount_paid) == ("paid", 499), "a refund leaves the invoice as it is"
    assert shop.client.v1.subscriptions.retrieve(subscription.id).status == "active"
