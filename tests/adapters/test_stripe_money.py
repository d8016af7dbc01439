"""The current state of a payment at Stripe: its purchase reference, captured amount, refunds and disputes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import stripe
from stripe.params.checkout import SessionCreateParams

from chalicelib.adapters.stripe.checkout_schema import dispute_of, refund_of
from chalicelib.adapters.stripe.gateway import StripeGateway
from chalicelib.domain.payments import MoneyState, PurchaseRef, Refund
from chalicelib.domain.reversals import DISPUTE_STATUSES, REFUND_STATUSES, money_gone
from chalicelib.errors import NotFound, TryAgain
from infra.local.client import post_form
from infra.local.stripe_sandbox import disputes
from tests.adapters.stripe_lab import Lab, todays_purchase
from tests.fakes import START


@pytest.fixture
def gateway(lab: Lab) -> StripeGateway:
    return lab.gateway


def unrelated_payment(lab: Lab) -> str:
    """Pay for a T-shirt in the same Stripe account. Returns the payment intent."""
    order: SessionCreateParams = {
        "mode": "payment",
        "success_url": "https://shirts.example",
        "line_items": [
            {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 900, "product_data": {"name": "shirt"}}}
        ],
    }
    client = lab.unrelated_client()
    session = client.v1.checkout.sessions.create(order)
    assert session.url is not None
    post_form(session.url, {"outcome": "card"})
    return str(client.v1.checkout.sessions.retrieve(session.id).payment_intent)


def usd(refund_id: str, amount: int, status: str | None) -> Refund:
    return Refund(refund_id=refund_id, amount_minor=amount, currency="usd", status=status)


def amounts(lab: Lab, payment_intent: str) -> list[tuple[int, str | None, list[int]]]:
    """Return the amount, the status and the booked amounts of the payment's disputes, smallest first."""
    return sorted(
        (each.amount_minor, each.status, [booking.amount_minor for booking in each.bookings])
        for each in lab.gateway.read_money(payment_intent).disputes
    )


def test_find_purchase_ref_returns_reference_of_payment(lab: Lab) -> None:
    purchase = todays_purchase(user_id="|:@._-=")

    ref = lab.gateway.find_purchase_ref(lab.pay(purchase))

    assert ref == PurchaseRef(purchase_id=purchase.purchase_id, user_id="|:@._-=", coins=500)


def test_find_purchase_ref_of_unrelated_payment_is_none(lab: Lab) -> None:
    assert lab.gateway.find_purchase_ref(unrelated_payment(lab)) is None


@pytest.mark.parametrize("payment_intent", ["pi_3Unknown", "py_1"])
def test_find_purchase_ref_of_unknown_payment_is_none(gateway: StripeGateway, payment_intent: str) -> None:
    assert gateway.find_purchase_ref(payment_intent) is None
    assert gateway.find_session(payment_intent) is None


@pytest.mark.parametrize(("outcome", "status"), [("card", "paid"), ("bank_debit", "unpaid")])
def test_find_session_returns_current_state(lab: Lab, outcome: str, status: str) -> None:
    purchase = todays_purchase()
    payment_intent = lab.pay(purchase, outcome)

    session = lab.gateway.find_session(payment_intent)

    assert session is not None
    assert session.ref is not None
    assert session.ref.purchase_id == purchase.purchase_id
    assert (session.payment_status, session.payment_intent, session.mode) == (status, payment_intent, "payment")
    assert (session.subtotal_minor, session.total_minor, session.currency) == (529, 529, "usd")


def test_read_money_after_bank_debit_settles_has_captured_amount(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase(), "bank_debit")
    assert lab.gateway.read_money(payment_intent) == MoneyState(captured_minor=0, refunds=[], disputes=[])
    session = lab.gateway.find_session(payment_intent)
    assert session is not None

    lab.control("POST", f"/sessions/{session.session_id}/settle")

    later = lab.gateway.find_session(payment_intent)
    assert later is not None
    assert later.payment_status == "paid"
    assert lab.gateway.read_money(payment_intent).captured_minor == 529


def test_payment_that_is_gone_has_no_session_and_no_money(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase())
    del lab.sandbox.store.payment_intents[payment_intent]
    lab.sandbox.store.sessions.clear()

    assert lab.gateway.find_purchase_ref(payment_intent) is None
    assert lab.gateway.find_session(payment_intent) is None
    with pytest.raises(NotFound):
        lab.gateway.read_money(payment_intent)


def test_read_money_without_refunds_has_captured_amount(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase(amount_minor=50_000, currency="jpy"))

    assert lab.gateway.read_money(payment_intent) == MoneyState(captured_minor=50_000, refunds=[], disputes=[])


@pytest.mark.parametrize("status", sorted(REFUND_STATUSES))
def test_read_money_refund_has_its_status(lab: Lab, status: str) -> None:
    payment_intent = lab.pay(todays_purchase())
    refund_id = lab.refund(payment_intent, 100, "succeeded" if status in {"failed", "canceled"} else status)
    if status in {"failed", "canceled"}:
        lab.control("POST", f"/refunds/{refund_id}", status=status)

    money = lab.gateway.read_money(payment_intent)

    assert money == MoneyState(captured_minor=529, refunds=[usd(refund_id, 100, status)], disputes=[])


def test_read_money_lists_each_refund_with_its_status(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase())
    lab.refund(payment_intent, 1)
    failed = lab.refund(payment_intent, 20)
    lab.refund(payment_intent, 300, "pending")
    lab.control("POST", f"/refunds/{failed}", status="failed")

    refunds = lab.gateway.read_money(payment_intent).refunds

    found = sorted((refund.amount_minor, refund.status) for refund in refunds)
    assert found == [(1, "succeeded"), (20, "failed"), (300, "pending")]


def test_read_money_lists_refunds_of_all_pages(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase())
    refunded = [lab.refund(payment_intent, 2) for _ in range(211)]

    refunds = lab.gateway.read_money(payment_intent).refunds

    assert refunds == [usd(refund_id, 2, "succeeded") for refund_id in reversed(refunded)]


def test_dispute_statuses_cover_those_of_the_sandbox() -> None:
    assert disputes.STATUSES == DISPUTE_STATUSES


@pytest.mark.parametrize("status", sorted(disputes.STATUSES))
def test_read_money_dispute_has_its_status(lab: Lab, status: str) -> None:
    payment_intent = lab.pay(todays_purchase())
    lab.dispute(payment_intent, 400, status)

    is_out = not status.startswith("warning_") and status not in {"won", "prevented"}

    assert amounts(lab, payment_intent) == [(400, status, [-400] if is_out else [])]


def test_read_money_lists_refunds_and_disputes(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase())
    refund_id = lab.refund(payment_intent, 100)
    lab.control("POST", f"/disputes/{lab.dispute(payment_intent, 429)}", status="won")
    lab.dispute(payment_intent, 29)

    assert lab.gateway.read_money(payment_intent).refunds == [usd(refund_id, 100, "succeeded")]
    assert amounts(lab, payment_intent) == [(29, "needs_response", [-29]), (429, "won", [-429, 429])]


CLAIMS: list[tuple[dict[str, object], int]] = [
    ({}, 529),
    ({"amount": 600}, 600),
    ({"status": "prevented", "case_type": "block"}, 0),
    ({"status": "prevented", "case_type": "resolution"}, 529),
    ({"status": "prevented", "case_type": "resolution", "is_refund": True}, 529),
    ({"settled_in": "eur", "rate": 0.88}, 529),
    ({"currency": "eur", "amount": 480, "settled_in": "usd", "rate": 1.125}, 540),
]


@pytest.mark.parametrize(("claim", "gone_minor"), CLAIMS, ids=str)
def test_read_money_shows_the_money_that_a_dispute_took(lab: Lab, claim: dict[str, object], gone_minor: int) -> None:
    payment_intent = lab.pay(todays_purchase())
    lab.control("POST", "/disputes", payment_intent=payment_intent, **claim)

    gone = money_gone(lab.gateway.read_money(payment_intent), "usd")

    assert (gone.amount_minor, gone.unknown) == (gone_minor, [])


def test_read_money_of_a_converted_dispute_won_at_another_rate_has_nothing_gone(lab: Lab) -> None:
    payment_intent = lab.pay(todays_purchase())
    dispute = lab.control("POST", "/disputes", payment_intent=payment_intent, settled_in="eur", rate=0.88)
    lab.control("POST", f"/disputes/{dispute['id']}", status="won", rate=0.81)

    assert money_gone(lab.gateway.read_money(payment_intent), "usd").movements == []


def test_dispute_of_leaves_fees_out() -> None:
    booked = {"id": "txn_1", "amount": -5, "currency": "usd", "type": "adjustment", "exchange_rate": None, "fee": 1500}
    fee = {**booked, "id": "txn_2", "amount": -1500, "type": "stripe_fee"}
    dispute = dispute_of({"amount": 5, "currency": "usd", "status": "lost", "balance_transactions": [booked, fee]})

    assert [booking.amount_minor for booking in dispute.bookings] == [-5]


def test_read_money_excludes_other_payments(lab: Lab) -> None:
    first, other = (lab.pay(todays_purchase()) for _ in range(2))
    lab.refund(other, 100)
    lab.dispute(other, 200)

    assert lab.gateway.read_money(first) == MoneyState(captured_minor=529, refunds=[], disputes=[])


@pytest.mark.parametrize("status", [None, ""])
def test_refund_of_keeps_a_missing_or_empty_status(status: str | None) -> None:
    assert refund_of({"id": "re_1", "amount": 5, "currency": "usd", "status": status}) == usd("re_1", 5, status)


Read = Callable[[StripeGateway, str], object]

READS: dict[str, Read] = {
    "find_purchase_ref": lambda gateway, payment_intent: gateway.find_purchase_ref(payment_intent),
    "find_session": lambda gateway, payment_intent: gateway.find_session(payment_intent),
    "read_money": lambda gateway, payment_intent: gateway.read_money(payment_intent),
    "list_events": lambda gateway, _: gateway.list_events(START - timedelta(days=1), START, ["refund.created"]),
    "find_event": lambda gateway, _: gateway.find_event("evt_1"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 504])
def test_transient_status_raises_try_again(lab: Lab, read: Read, status: int) -> None:
    payment_intent = lab.pay(todays_purchase())
    lab.control("PUT", "/knobs", fail_next={"times": 1, "status": status, "should_retry": "false"})

    with pytest.raises(TryAgain):
        read(lab.gateway, payment_intent)

    read(lab.gateway, payment_intent)


@pytest.mark.parametrize("path", ["payment_intents", "refunds", "disputes"])
def test_read_money_partial_failure_raises_try_again(lab: Lab, path: str) -> None:
    payment_intent = lab.pay(todays_purchase())
    lab.control("PUT", "/knobs", fail_next={"times": 1, "status": 503, "path": f"/v1/{path}", "should_retry": "false"})

    with pytest.raises(TryAgain):
        lab.gateway.read_money(payment_intent)


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_stripe_outage_raises_try_again(lab: Lab, read: Read) -> None:
    lab.control("PUT", "/knobs", down=True)

    with pytest.raises(TryAgain):
        read(lab.gateway, "pi_1")


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_stripe_time_out_raises_try_again(lab: Lab, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.control("PUT", "/knobs", slow_seconds=0.5)
    impatient = stripe.RequestsClient(timeout=(1, 0.02))
    monkeypatch.setattr(lab.gateway, "_http", impatient)

    with pytest.raises(TryAgain):
        read(lab.gateway, "pi_1")
    impatient.close()  # type: ignore[no-untyped-call]  # Stripe leaves it so


@pytest.mark.parametrize(("status", "error"), [(401, stripe.AuthenticationError), (403, stripe.PermissionError)])
def test_permanent_status_raises_stripe_error(lab: Lab, status: int, error: type[Exception]) -> None:
    """A wrong API key must not be mistaken for an unrelated payment."""
    payment_intent = lab.pay(todays_purchase())
    lab.control("PUT", "/knobs", fail_next={"times": 1, "status": status, "should_retry": "false"})

    with pytest.raises(error):
        lab.gateway.find_purchase_ref(payment_intent)
