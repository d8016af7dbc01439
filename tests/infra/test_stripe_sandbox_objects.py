"""Every object that the sandbox emits matches stripe-python's classes: fields, types and enums."""

import builtins
import json
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import ForwardRef, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import pytest
import stripe
from stripe import billing_portal, checkout

from tests.infra.stripe_sandbox_shop import Json, Shop

_CLASSES: dict[str, type] = {
    "balance_transaction": stripe.BalanceTransaction,
    "billing_portal.session": billing_portal.Session,
    "charge": stripe.Charge,
    "checkout.session": checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "item": stripe.LineItem,
    "line_item": stripe.InvoiceLineItem,
    "list": stripe.ListObject,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "plan": stripe.Plan,
    "price": stripe.Price,
    "product": stripe.Product,
    "refund": stripe.Refund,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
# The SDK imports these classes for type checkers only. Values that the sandbox never expands may be of any type.
_NAMES = {**vars(builtins), **vars(checkout), **vars(stripe)}


class _Names(dict[str, object]):
    def __missing__(self, name: str) -> object:
        return object


def problems(value: object, hint: object, at: str) -> Iterable[str]:
    """Walk a value along its type. Yields unknown fields, wrong types and values outside an enum."""
    if isinstance(value, dict):
        hint = _CLASSES.get(str(value.get("object")), hint)
    origin = get_origin(hint)
    if value is None:
        if hint is not object and type(None) not in _members(hint):
            yield f"{at} is null, which {hint} is not"
        return
    if isinstance(value, dict) and isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        yield from _object_problems(value, hint, at)
    elif isinstance(value, list):
        inner = next((get_args(member)[0] for member in _members(hint) if get_origin(member) is list), object)
        for index, element in enumerate(value):
            yield from problems(element, inner, f"{at}[{index}]")
    elif isinstance(value, dict):
        classes = [m for m in _members(hint) if isinstance(m, type) and issubclass(m, stripe.StripeObject)]
        if classes:
            yield from _object_problems(value, classes[0], at)
    elif origin is not None or isinstance(hint, type):
        yield from _scalar_problems(value, hint, at)


def _object_problems(value: Mapping[str, object], cls: type, at: str) -> Iterable[str]:
    hints = _hints(cls)
    needed = (name for name, hint in hints.items() if hint is not object and type(None) not in _members(hint))
    yield from (f"{at}.{name} is missing from {cls.__qualname__}" for name in needed if name not in value)
    for name, below in value.items():
        if name not in hints and not (cls is stripe.ListObject and name == "object"):
            yield f"{at}.{name} is no field of {cls.__qualname__}"
        elif name in hints:
            yield from problems(below, hints[name], f"{at}.{name}")


def _scalar_problems(value: object, hint: object, at: str) -> Iterable[str]:
    members = _members(hint)
    choices = [choice for member in members if get_origin(member) is Literal for choice in get_args(member)]
    if choices and value not in choices:
        yield f"{at}: {value!r} is none of {choices}"
    scalars = [member for member in members if member in (int, str, bool, float)]
    if scalars and not choices and type(value) not in scalars:
        yield f"{at}: {value!r} is no {scalars}"


def _members(hint: object) -> list[object]:
    if get_origin(hint) in (Union, types.UnionType):
        return [inner for member in get_args(hint) for inner in _members(member)]
    return [] if isinstance(hint, TypeVar | ForwardRef) else [hint]


@cache
def _hints(cls: type) -> dict[str, object]:
    # The other attributes are internal to the SDK.
    hints = get_type_hints(cls, localns=_Names(_NAMES))
    return {name: hint for name, hint in hints.items() if name.islower() and not name.startswith("_")}


@pytest.fixture(scope="module")
def eventful_shop(_one_shop: Shop) -> Shop:
    """A shop in which every kind of event has occurred. The tests read it."""
    shop = _one_shop
    shop.reset()
    for outcome in ("paypal", "declined", "bank_debit"):
        shop.buy(outcome)
    settled, _ = shop.buy("bank_debit")
    shop.control("POST", f"/sessions/{settled.id}/settle")
    failed, _ = shop.buy("bank_debit")
    shop.control("POST", f"/sessions/{failed.id}/fail")
    tried, _ = shop.buy("declined")
    shop.client.v1.checkout.sessions.expire(tried.id)
    _, intent_id = shop.buy("card")
    for status in ("pending", "requires_action"):
        shop.set_knobs(refund_status=status)
        refund = shop.client.v1.refunds.create({"payment_intent": intent_id, "amount": 100, "reason": "duplicate"})
        shop.control("POST", f"/refunds/{refund.id}", {"status": "failed" if status == "pending" else "canceled"})
    for method, status in (("card", "warning_needs_response"), ("paypal", "needs_response")):
        dispute = shop.control("POST", "/disputes", {"payment_intent": shop.buy(method)[1], "status": status})
        evidence: Json = {"status": "warning_under_review" if method == "card" else "won"}
        shop.control("POST", f"/disputes/{dispute['id']}", evidence)
    _subscribe(shop)
    _create(shop)
    return shop


def _subscribe(shop: Shop) -> None:
    renewed = shop.subscribe("paypal")
    shop.control("POST", f"/subscriptions/{renewed.id}/renew")
    shop.set_knobs(renewals="failed")
    shop.control("POST", f"/subscriptions/{renewed.id}/renew")
    shop.client.v1.subscriptions.update(renewed.id, {"cancel_at_period_end": True})
    ended = shop.subscribe(offer=shop.plan(interval="week", interval_count=2))
    shop.client.v1.subscriptions.cancel(ended.id, {"cancellation_details": {"feedback": "unused"}})
    unpaid = shop.client.v1.checkout.sessions.create(shop.plan())
    shop.pay(unpaid, "declined")


def _create(shop: Shop) -> None:
    customer = shop.client.v1.customers.create({"email": "ann@shop.example", "metadata": {"a": "b"}})
    shop.client.v1.customers.update(customer.id, {"name": "Ann", "phone": "+1"})
    recurring = {"interval": "month", "interval_count": 2}
    shop.client.v1.prices.create(
        {"currency": "usd", "unit_amount": 5, "product_data": {"name": "x"}, "recurring": recurring}  # type: ignore[typeddict-item]
    )
    method = shop.client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    intent = shop.client.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "customer": customer.id, "payment_method": method.id}
    )
    shop.client.v1.payment_intents.cancel(intent.id)
    shop.client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:1/", "enabled_events": ["plan.created"]})


def test_every_event_and_object_matches_its_class(eventful_shop: Shop) -> None:
    events = cast("list[Json]", eventful_shop.control("GET", "/events")["events"])
    found = {line for event in events for line in problems(event["event"], stripe.Event, "event")}
    for event in events:
        data = cast("Json", cast("Json", event["event"])["data"])
        found |= set(problems(data["object"], None, "data.object"))
    assert sorted(found) == []
    types = {str(cast("Json", event["event"])["type"]) for event in events}
    assert len(types) >= 33, sorted(types)


def test_every_list_and_expansion_matches_its_class(eventful_shop: Shop) -> None:
    key = {"Authorization": "Bearer sk_test_1"}
    for path in (
        "/v1/checkout/sessions?limit=100&expand[]=data.line_items&expand[]=data.payment_intent.latest_charge.refunds",
        "/v1/payment_intents?limit=100",
        "/v1/charges?limit=100&expand[]=data.payment_intent",
        "/v1/refunds?expand[]=data.charge",
        "/v1/disputes?expand[]=data.charge",
        "/v1/checkout/sessions?expand[]=data.subscription.latest_invoice.payments&expand[]=data.customer&limit=100",
        "/v1/customers",
        "/v1/subscriptions?status=all&expand[]=data.latest_invoice&expand[]=data.customer",
        "/v1/invoices?expand[]=data.payments.data.payment.payment_intent",
        "/v1/invoice_payments?expand[]=data.invoice.customer",
        "/v1/products",
        "/v1/prices?expand[]=data.product",
        "/v1/webhook_endpoints",
    ):
        status, _, text = eventful_shop.http("GET", path, None, key)
        assert status == 200, text
        page = json.loads(text)
        assert page["data"], path
        assert sorted(set(problems(page, None, path))) == []


def test_portal_session_matches_its_class(eventful_shop: Shop) -> None:
    customer = eventful_shop.client.v1.customers.list().data[0].id
    visit = eventful_shop.client.v1.billing_portal.sessions.create(
        {"customer": customer, "return_url": "http://shop.example/"}
    )
    assert sorted(problems(visit.to_dict(), None, "visit")) == []


def test_walk_finds_mismatches() -> None:
    charge: Json = {
        "object": "charge",
        "amount": "1",
        "color": "red",
        "status": "maybe",
        "outcome": {"x": 1},
        "id": None,
    }
    found = "\n".join(problems(charge, None, "charge"))
    for line in (
        "charge.amount: '1' is no",
        "charge.color is no field of Charge",
        "charge.status: 'maybe' is none of",
        "charge.outcome.x is no field of Charge.Outcome",
        "charge.id is null",
        "charge.currency is missing from Charge",
    ):
        assert line in found
