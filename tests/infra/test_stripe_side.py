"""The Stripe acts that demo and e2e tests perform for memberships."""

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


def test_stripe_side_buys_finds_renews_and_ends_membership(shop: Shop, side: StripeSide) -> None:
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
    events = side.events()
    assert [event.type for event in events].count("invoice.payment_failed") == 1
    (deleted,) = [event for event in events if event.type == "customer.subscription.deleted"]
    assert deleted.data.object.id == billed.subscription.id


def test_stripe_side_cancels_at_the_portal(shop: Shop, side: StripeSide) -> None:
    subscription = shop.subscribe(offer=_offer(shop, "fan-1"))
    url = shop.client.v1.billing_portal.sessions.create({"customer": str(subscription.customer)}).url
    for choice, is_ending in (("cancel", True), ("keep", False)):
        assert side.choose_at_portal(url, choice).status == 303
        assert side.subscription_of("fan-1").subscription.is_ending is is_ending
    side.cancel_subscription(subscription.id)
    with pytest.raises(UnexpectedError, match="no form"):
        side.choose_at_portal(url)


def test_stripe_side_refunds_and_disputes_an_invoice(shop: Shop, side: StripeSide) -> None:
    shop.subscribe()
    (invoice,) = side.subscription_of("m-1").paid
    side.set_refund_status(side.refund_invoice(invoice, 100, "pending"), "succeeded")
    side.set_dispute_status(side.dispute_invoice(invoice, 200), "lost")
    (charge,) = shop.client.v1.charges.list({"payment_intent": invoice.payment_intent}).data
    assert (charge.amount_refunded, charge.disputed) == (100, True)


def test_subscription_of_unknown_membership_is_not_found(side: StripeSide) -> None:
    assert side.subscriptions_of("fan-1") == []
    with pytest.raises(UnexpectedError, match="no subscription for fan-1"):
        side.subscription_of("fan-1")
