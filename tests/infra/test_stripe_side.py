"""Stripe's side of a membership, as the demo and the tests on a stack play it."""

import pytest
from stripe.params.checkout import SessionCreateParams

from infra.local.client import UnexpectedError
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from tests.infra.stripe_sandbox_shop import SECRET, Shop


@pytest.fixture
def side(shop: Shop) -> StripeSide:
    facts = StackFacts(
        shop_url="",
        api_url="",
        stripe_api_url=shop.sandbox.url,
        stripe_webhook_secret=SECRET,
        issuer_url="",
        aws_endpoint_url="",
        aws_region="",
        table_name="",
        topic_arn="",
    )
    return StripeSide(facts)


def _offer(shop: Shop, user_id: str) -> SessionCreateParams:
    offer = shop.plan()
    offer["metadata"] = {"user_id": user_id}
    return offer


def test_a_membership_is_bought_found_renewed_and_ended(shop: Shop, side: StripeSide) -> None:
    session = shop.client.v1.checkout.sessions.create(_offer(shop, "fan-1"))
    assert side.pay_at(str(session.url)).status == 303
    billed = side.subscription_of("fan-1")
    assert billed == side.subscription_of("m-1")
    assert [invoice.amount_paid for invoice in billed.paid] == [499]
    billed = side.renew(billed.subscription.id)
    side.fail_renewals()
    billed = side.renew(billed.subscription.id)
    assert (len(billed.invoices), len(billed.paid), billed.subscription.status) == (3, 2, "past_due")
    side.pay_invoice(billed.invoices[-1].id)
    side.pay_renewals()
    side.advance_clock(4 * 31 * 86400)
    assert len(side.subscription(billed.subscription.id).paid) >= 4
    assert side.cancel_subscription(billed.subscription.id).subscription.status == "canceled"
    assert len(side.events_of_type("invoice.payment_failed")) == 1
    assert side.events_of_type("customer.subscription.deleted")[0].data.object.id == billed.subscription.id


def test_the_portal_is_used(shop: Shop, side: StripeSide) -> None:
    subscription = shop.subscribe(offer=_offer(shop, "fan-1"))
    url = shop.client.v1.billing_portal.sessions.create({"customer": str(subscription.customer)}).url
    for choice, is_ending in (("cancel", True), ("keep", False)):
        assert side.choose_at_portal(url, choice).status == 303
        assert side.subscription_of("fan-1").subscription.is_ending is is_ending
    side.cancel_subscription(subscription.id)
    with pytest.raises(UnexpectedError, match="no form"):
        side.choose_at_portal(url)


def test_an_invoice_is_refunded_and_disputed(shop: Shop, side: StripeSide) -> None:
    shop.subscribe()
    (invoice,) = side.subscription_of("m-1").paid
    side.set_refund_status(side.refund_invoice(invoice, 100, "pending"), "succeeded")
    side.set_dispute_status(side.dispute_invoice(invoice, 200), "lost")
    (charge,) = shop.client.v1.charges.list({"payment_intent": invoice.payment_intent}).data
    assert (charge.amount_refunded, charge.disputed) == (100, True)


def test_who_never_subscribed_is_not_found(side: StripeSide) -> None:
    assert side.subscriptions_of("fan-1") == []
    with pytest.raises(UnexpectedError, match="no subscription for fan-1"):
        side.subscription_of("fan-1")
