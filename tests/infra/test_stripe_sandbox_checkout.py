"""Checkout sessions and the pay page."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from infra.local.stripe_sandbox.currency import format_price
from tests.infra.stripe_sandbox_shop import Shop, eventually

PAID_EVENTS = ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "checkout.session.completed"]


def test_new_session_is_open_and_unpaid_without_payment_intent(shop: Shop) -> None:
    session = shop.open(amount=250, quantity=3)
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (750, 750, "usd")
    assert session.id.startswith("cs_test_")
    assert session.url == f"{shop.sandbox.url}/pay/{session.id}"
    assert "line_items" not in session.to_dict()
    assert shop.emitted_types() == []


@pytest.mark.parametrize("outcome", ["card", "paypal"])
def test_paying_completes_the_session_at_once(shop: Shop, outcome: str) -> None:
    session = shop.open()
    page = shop.pay(session, outcome)
    assert (page.status, page.location) == (303, f"http://shop.example/thanks?session={session.id}")
    paid = shop.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    intent = paid.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == (
        "succeeded",
        500,
        {"purchase_id": "p-1"},
    )
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.payment_method_details is not None
    assert (charge.amount, charge.paid, charge.payment_method_details.type) == (500, True, outcome)
    assert shop.emitted_types() == PAID_EVENTS
    assert sorted(shop.settled_types()) == sorted(PAID_EVENTS)


def test_first_form_posts_to_its_own_action(shop: Shop) -> None:
    session = shop.open(amount=74)
    page = shop.visit(f"/pay/{session.id}")
    action = re.search(r'<form method="post" action="([^"]+)"', page.html)
    assert action is not None
    assert "USD 0.74" in page.html
    assert "500 coins" in page.html
    assert shop.visit(action[1], "outcome=card").status == 303


def test_declined_card_leaves_the_session_payable(shop: Shop) -> None:
    session = shop.open()
    page = shop.pay(session, "declined")
    assert page.status == 402
    assert 'role="alert"' in page.html
    tried = shop.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(tried.payment_intent, stripe.PaymentIntent)
    assert (tried.status, tried.payment_intent.status) == ("open", "requires_payment_method")
    assert shop.pay(session, "card").status == 303
    charges = shop.client.v1.charges.list({"payment_intent": tried.payment_intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]
    assert shop.emitted_types() == [
        *("payment_intent.created", "charge.failed", "payment_intent.payment_failed"),
        *PAID_EVENTS[1:],
    ]


@pytest.mark.parametrize(
    ("settlement", "payment_status", "event_type"),
    [
        ("settle", "paid", "checkout.session.async_payment_succeeded"),
        ("fail", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_bank_debit_is_decided_later(shop: Shop, settlement: str, payment_status: str, event_type: str) -> None:
    session, intent_id = shop.buy("bank_debit")
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert shop.client.v1.payment_intents.retrieve(intent_id).status == "processing"
    assert shop.control("POST", f"/sessions/{session.id}/{settlement}")["payment_status"] == payment_status
    assert shop.emitted_types()[3] == "checkout.session.completed"
    assert shop.emitted_types()[-1] == event_type
    status, _, _ = shop.http("POST", f"/_sandbox/sessions/{session.id}/{settlement}")
    assert status == 400, "a debit ends once"


def test_cancel_redirects_and_charges_nothing(shop: Shop) -> None:
    session = shop.open()
    assert shop.pay(session, "cancel").location == "http://shop.example/basket"
    assert shop.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert shop.emitted_types() == []


def test_many_clicks_charge_once(shop: Shop) -> None:
    session = shop.open()
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: shop.pay(session), range(16)))
    assert sorted(page.status for page in pages) == [200] * 15 + [303]
    assert sum("is complete" in page.html for page in pages) == 15
    assert len(shop.client.v1.charges.list().data) == 1


def test_free_order_moves_no_money(shop: Shop) -> None:
    session = shop.open(amount=0)
    shop.pay(session)
    done = shop.client.v1.checkout.sessions.retrieve(session.id)
    assert (done.payment_status, done.payment_intent) == ("no_payment_required", None)


def test_unknown_outcome_and_session_are_rejected(shop: Shop) -> None:
    assert shop.pay(shop.open(), "gold").status == 400
    assert shop.visit("/pay/cs_test_none").status == 404


def test_expired_session_cannot_be_paid(shop: Shop) -> None:
    session = shop.open()
    shop.pay(session, "declined")
    assert shop.client.v1.checkout.sessions.expire(session.id).status == "expired"
    page = shop.pay(session)
    assert (page.status, "has expired" in page.html) == (200, True)
    assert shop.emitted_types()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        shop.client.v1.checkout.sessions.expire(session.id)


def test_clock_expires_sessions(shop: Shop) -> None:
    session = shop.open()
    shop.control("POST", "/clock", {"advance_seconds": 24 * 3600 - 10})
    assert shop.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    shop.sandbox.store.clock_offset_seconds += 11
    eventually(lambda: shop.client.v1.checkout.sessions.retrieve(session.id).status == "expired")
    assert shop.control("POST", "/clock", {"offset_seconds": 0})["offset_seconds"] == 0


def test_control_api_expires_a_session(shop: Shop) -> None:
    session = shop.open()
    assert shop.control("POST", f"/sessions/{session.id}/expire")["status"] == "expired"


@pytest.mark.parametrize(("after_seconds", "is_accepted"), [(1000, False), (1900, True), (86000, True), (90000, False)])
def test_expires_at_accepts_half_an_hour_to_a_day(shop: Shop, after_seconds: int, is_accepted: bool) -> None:
    offer = shop.offer() | {"expires_at": int(time.time()) + after_seconds}
    if is_accepted:
        assert shop.client.v1.checkout.sessions.create(offer).expires_at == offer["expires_at"]
        return
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.checkout.sessions.create(offer)
    assert caught.value.param == "expires_at"


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (1501, "kwd", None),
        (5050, "isk", None),
        (500, "xxx", None),
    ],
)
def test_invalid_amounts_are_rejected(shop: Shop, amount: int, currency: str, code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.open(amount=amount, currency=currency)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (74, "usd", "USD 0.74"),
        (123456789, "eur", "EUR 1,234,567.89"),
        (1000, "jpy", "JPY 1,000"),
        (1500, "kwd", "KWD 1.500"),
        (5000, "isk", "ISK 50"),
    ],
)
def test_prices_follow_the_currency(amount: int, currency: str, text: str) -> None:
    assert format_price(amount, currency) == text


def test_line_items_are_listed(shop: Shop) -> None:
    session = shop.open(amount=250, quantity=2)
    (item,) = shop.client.v1.checkout.sessions.line_items.list(session.id).data
    assert item.price is not None
    assert (item.quantity, item.amount_total, item.price.unit_amount) == (2, 500, 250)


def test_sessions_are_listed_by_payment_intent_and_status(shop: Shop) -> None:
    paid, intent_id = shop.buy()
    shop.open()
    sessions = shop.client.v1.checkout.sessions
    assert [session.id for session in sessions.list({"payment_intent": intent_id}).data] == [paid.id]
    assert [session.id for session in sessions.list({"status": "complete"}).data] == [paid.id]
