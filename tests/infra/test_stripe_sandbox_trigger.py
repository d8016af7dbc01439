"""Requests of `stripe trigger` (1.52), which sends forms without a Stripe-Version, and registered endpoints."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from tests.infra.stripe_sandbox_shop import Receiver, Shop

KEY = {"Authorization": "Bearer sk_test_1", "Content-Type": "application/x-www-form-urlencoded"}
CARD = {"amount": "100", "currency": "usd", "payment_method_types[0]": "card", "confirm": "true"}
VISA = CARD | {"payment_method": "pm_card_visa"}
SHIPPING = {
    "shipping[name]": "Jenny Rosen",
    "shipping[address][line1]": "510 Townsend St",
    "shipping[address][country]": "US",
}
INTENT_EVENTS = ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded"]
Step = tuple[str, str, Mapping[str, str]]

FIXTURES: Mapping[str, Sequence[Step]] = {
    "payment_intent.succeeded": [("POST", "/v1/payment_intents", VISA | SHIPPING)],
    "charge.refunded": [
        ("POST", "/v1/payment_intents", VISA),
        ("POST", "/v1/refunds", {"payment_intent": "${0:id}"}),
    ],
    "charge.dispute.created": [
        ("POST", "/v1/payment_intents", CARD | {"payment_method": "pm_card_createDisputeInquiry"})
    ],
    "checkout.session.completed": [
        ("POST", "/v1/products", {"name": "myproduct", "description": "(created by Stripe CLI)"}),
        ("POST", "/v1/prices", {"product": "${0:id}", "unit_amount": "1500", "currency": "usd"}),
        (
            "POST",
            "/v1/checkout/sessions",
            {
                "success_url": "https://shop.example/",
                "mode": "payment",
                "line_items[0][price]": "${1:id}",
                "line_items[0][quantity]": "2",
                **{
                    f"payment_intent_data[shipping]{name.removeprefix('shipping')}": SHIPPING[name] for name in SHIPPING
                },
            },
        ),
        ("GET", "/v1/payment_pages/${2:id}", {}),
        ("POST", "/v1/payment_methods", {"type": "card", "card[token]": "tok_visa", "billing_details[name]": "Jenny"}),
        (
            "POST",
            "/v1/payment_pages/${2:id}/confirm",
            {"payment_method": "${4:id}", "expected_amount": "3000"},
        ),
    ],
    "customer.updated": [
        ("POST", "/v1/customers", {"description": "(created by Stripe CLI)"}),
        ("POST", "/v1/customers/${0:id}", {"metadata[foo]": "bar"}),
    ],
}


def post(shop: Shop, path: str, form: Mapping[str, str], version: str = "") -> tuple[int, Any]:
    status, _, text = shop.http("POST", path, urlencode(form), KEY | ({"Stripe-Version": version} if version else {}))
    return status, json.loads(text)


def run(shop: Shop, steps: Sequence[Step]) -> list[Any]:
    """Send the steps; `${n:id}` is the id in the answer to step n."""
    answers: list[Any] = []
    for method, path, form in steps:
        filled = {name: _fill(value, answers) for name, value in form.items()}
        status, _, text = shop.http(method, _fill(path, answers), urlencode(filled) if filled else None, KEY)
        assert status == 200, text
        answers.append(json.loads(text))
    return answers


def _fill(text: str, answers: Sequence[Any]) -> str:
    return re.sub(r"\$\{(\d):id\}", lambda found: str(answers[int(found[1])]["id"]), text)


@pytest.mark.parametrize("event_type", FIXTURES)
def test_trigger_of_an_event_sends_it(shop: Shop, event_type: str) -> None:
    run(shop, FIXTURES[event_type])
    assert event_type in shop.settled_types()


def test_trigger_of_a_checkout_pays_the_named_price(shop: Shop) -> None:
    *_, session = run(shop, FIXTURES["checkout.session.completed"])
    assert (session["status"], session["payment_status"], session["amount_total"]) == ("complete", "paid", 3000)
    intent = shop.client.v1.payment_intents.retrieve(session["payment_intent"])
    assert intent.shipping is not None
    assert (intent.shipping.name, intent.status) == ("Jenny Rosen", "succeeded")
    (item,) = shop.client.v1.checkout.sessions.line_items.list(session["id"], {"expand": ["data.price.product"]}).data
    assert item.price is not None
    assert isinstance(item.price.product, stripe.Product)
    assert (item.price.active, item.description, item.price.product.name) == (True, "myproduct", "myproduct")


def test_payment_intent_by_a_declined_card_is_a_402_with_the_intent(shop: Shop) -> None:
    status, body = post(shop, "/v1/payment_intents", CARD | {"payment_method": "pm_card_visa_chargeDeclined"})
    error = body["error"]
    assert (status, error["type"], error["code"], error["decline_code"]) == (
        402, "card_error", "card_declined", "generic_decline",
    )  # fmt: skip
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert shop.emitted_types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]

    intent = shop.client.v1.payment_intents.confirm(error["payment_intent"]["id"], {"payment_method": "pm_card_visa"})

    assert (intent.status, intent.amount_received) == ("succeeded", 100)


def test_payment_page_by_a_declined_card_keeps_the_session_open(shop: Shop) -> None:
    session = shop.open()
    path, declined = f"/v1/payment_pages/{session.id}/confirm", {"payment_method": "pm_card_chargeDeclined"}
    assert post(shop, path, declined)[0] == 402
    assert post(shop, path, {"payment_method": "pm_card_visa", "expected_amount": "1"})[0] == 400
    assert post(shop, path, {"payment_method": "pm_card_visa"})[1]["status"] == "complete"


def test_payment_intent_with_a_card_waits_for_its_confirmation(shop: Shop) -> None:
    api = shop.client.v1.payment_intents
    intent = api.create({"amount": 500, "currency": "usd", "payment_method": "pm_card_visa", "metadata": {"a": "b"}})
    assert (intent.status, intent.metadata["a"]) == ("requires_confirmation", "b")
    assert api.confirm(intent.id).status == "succeeded"
    for act in (api.confirm, api.cancel):
        with pytest.raises(stripe.InvalidRequestError, match="has a status of succeeded"):
            act(intent.id)


def test_payment_intent_without_a_card_cannot_be_confirmed(shop: Shop) -> None:
    intent = shop.client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as caught:
        shop.client.v1.payment_intents.confirm(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("card", "status"), [("createDispute", "needs_response"), ("createDisputeInquiry", "warning_needs_response")]
)
def test_payment_intent_by_a_disputing_card_is_disputed(shop: Shop, card: str, status: str) -> None:
    _, intent = post(shop, "/v1/payment_intents", CARD | {"payment_method": f"pm_card_{card}"})
    (dispute,) = shop.client.v1.disputes.list({"payment_intent": intent["id"]}).data
    assert (dispute.amount, dispute.status) == (100, status)


@pytest.mark.parametrize(
    ("path", "form", "code", "param"),
    [
        ("/v1/payment_intents", {"amount": "0", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ("/v1/payment_intents", {"amount": "1", "currency": "usd"}, "amount_too_small", None),
        ("/v1/payment_intents", VISA | {"capture_method": "manual"}, None, "capture_method"),
        ("/v1/payment_intents", VISA | {"payment_method": "pm_1"}, "resource_missing", "payment_method"),
        ("/v1/payment_intents", VISA | {"customer": "cus_1"}, "resource_missing", "customer"),
        ("/v1/payment_intents", VISA | {"payment_method_types[0]": "paypal"}, None, "payment_method_types"),
        ("/v1/payment_methods", {"type": "paypal"}, None, "type"),
        ("/v1/payment_methods", {"type": "card", "card[number]": "4242"}, "parameter_missing", "card[token]"),
        ("/v1/payment_methods", {"type": "card", "card[token]": "tok_x"}, "resource_missing", "card[token]"),
        ("/v1/prices", {"currency": "usd"}, "parameter_missing", "unit_amount"),
        ("/v1/prices", {"currency": "usd", "unit_amount": "-1"}, "parameter_invalid_integer", "unit_amount"),
        ("/v1/prices", {"currency": "usd", "unit_amount": "1"}, None, None),
        ("/v1/prices", {"currency": "usd", "unit_amount": "1", "product": "prod_1"}, "resource_missing", "product"),
        ("/v1/customers", {"balance": "1"}, None, "balance"),
        ("/v1/webhook_endpoints", {"url": "x", "enabled_events[]": "*"}, "url_invalid", "url"),
        ("/v1/webhook_endpoints", {"url": "http://x/", "enabled_events[]": "x"}, None, "enabled_events[0]"),
    ],
)
def test_create_with_a_wrong_parameter_names_it(
    shop: Shop, path: str, form: Mapping[str, str], code: str | None, param: str | None
) -> None:
    status, body = post(shop, path, form)
    assert (status, body["error"].get("code"), body["error"].get("param")) == (400, code, param)


def test_payment_intent_of_the_present_version_takes_no_types(shop: Shop) -> None:
    status, body = post(shop, "/v1/payment_intents", VISA, version="2026-10-28.endive")
    assert (status, body["error"]["code"]) == (400, "payment_method_types_no_longer_supported")


def test_product_id_is_used_once(shop: Shop) -> None:
    api = shop.client.v1.products
    assert api.create({"name": "Coins", "id": "coins"}).id == api.retrieve("coins").id == "coins"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.create({"name": "Coins", "id": "coins"})
    assert caught.value.code == "resource_already_exists"


def test_lists_of_products_and_prices_are_filtered(shop: Shop) -> None:
    prices, products = shop.client.v1.prices, shop.client.v1.products
    product = products.create({"name": "Coins", "active": False})
    once = prices.create({"currency": "usd", "unit_amount": 5, "product": product.id})
    monthly = prices.create(
        {"currency": "eur", "unit_amount": 5, "product_data": {"name": "Club"}, "recurring": {"interval": "month"}}
    )
    assert [each.id for each in prices.list({"product": product.id}).data] == [once.id]
    assert [each.id for each in prices.list({"type": "recurring", "currency": "eur"}).data] == [monthly.id]
    assert [each.name for each in products.list({"active": True}).data] == ["Club"]
    assert prices.retrieve(once.id).unit_amount == 5


@pytest.mark.parametrize(("mode", "is_recurring"), [("payment", True), ("subscription", False)])
def test_session_refuses_a_price_of_the_other_mode(shop: Shop, mode: Any, is_recurring: bool) -> None:
    recurring: Any = {"recurring": {"interval": "month"}} if is_recurring else {}
    wanted: Any = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "x"}, **recurring}
    price = shop.client.v1.prices.create(wanted)
    offer: Any = {"mode": mode, "line_items": [{"price": price.id, "quantity": 1}], "success_url": "http://x/"}
    with pytest.raises(stripe.InvalidRequestError, match=f"You specified `{mode}` mode"):
        shop.client.v1.checkout.sessions.create(offer)


def test_session_refuses_an_inactive_price(shop: Shop) -> None:
    price = shop.client.v1.prices.create(
        {"currency": "usd", "unit_amount": 500, "product_data": {"name": "x"}, "active": False}
    )
    with pytest.raises(stripe.InvalidRequestError, match="is inactive"):
        shop.client.v1.checkout.sessions.create(
            {"mode": "payment", "line_items": [{"price": price.id, "quantity": 1}], "success_url": "http://x/"}
        )


def test_created_customer_can_subscribe(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"email": "ann@shop.example"})
    assert customer.currency is None
    subscription = shop.subscribe(offer=shop.plan() | {"customer": customer.id})
    assert subscription.customer == customer.id
    assert shop.client.v1.customers.retrieve(customer.id).currency == "usd"


def test_endpoint_receives_its_types_signed_by_its_own_secret(shop: Shop) -> None:
    listener = Receiver(plan=[500])
    with listener.serving() as url:
        endpoint = shop.client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["customer.created"]})
        assert endpoint.secret
        customer = shop.client.v1.customers.create({"name": "Ann"})
        shop.client.v1.customers.update(customer.id, {"name": "Anna"})
        assert shop.settled_types() == ["customer.created", "customer.updated"]
    assert [webhook.status for webhook in listener.received] == [500, 200]
    assert listener.types == ["customer.created"] * 2
    webhook = listener.received[-1]
    event = stripe.Webhook.construct_event(webhook.body, webhook.headers["Stripe-Signature"], endpoint.secret)
    assert event.data.object["id"] == customer.id


def test_event_is_pending_until_every_endpoint_has_acknowledged_it(shop: Shop) -> None:
    shop.set_knobs(max_attempts=1)
    with Receiver(plan=[500]).serving() as url:
        shop.client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
        shop.client.v1.customers.create({})
        shop.settled_types()
    (event,) = shop.client.v1.events.list().data
    assert event.pending_webhooks == 1


def test_endpoint_that_is_disabled_or_deleted_receives_nothing(shop: Shop) -> None:
    api, listener = shop.client.v1.webhook_endpoints, Receiver()
    with listener.serving() as url:
        endpoint = api.create({"url": url, "enabled_events": ["*"], "description": "x"})
        assert api.update(endpoint.id, {"disabled": True, "metadata": {"a": "b"}}).status == "disabled"
        shop.client.v1.customers.create({})
        shop.settled_types()
        enabled = api.update(endpoint.id, {"disabled": False, "url": url, "enabled_events": ["*"], "description": ""})
        assert (enabled.status, enabled.description) == ("enabled", None)
        shop.set_knobs(delay_seconds=0.2)
        shop.client.v1.customers.create({})
        assert api.delete(endpoint.id).deleted
        shop.settled_types()
    assert listener.received == []
    assert api.list().data == []


def test_endpoint_shows_its_secret_once_and_is_one_of_sixteen(shop: Shop) -> None:
    api = shop.client.v1.webhook_endpoints
    ids = [api.create({"url": "http://x/", "enabled_events": ["*"]}).id for _ in range(16)]
    assert "secret" not in api.retrieve(ids[0]).to_dict()
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        api.create({"url": "http://x/", "enabled_events": ["*"]})


def test_endpoint_of_another_api_version_is_refused(shop: Shop) -> None:
    status, body = post(
        shop,
        "/v1/webhook_endpoints",
        {"url": "http://x/", "enabled_events[]": "*", "api_version": "2024-06-20"},
    )
    assert (status, body["error"]["param"]) == (400, "api_version")
