"""Disputes: the amount is withdrawn at once and reinstated when the dispute is won."""

import json

import pytest
import stripe

from tests.infra.stripe_sandbox_shop import Json, Shop


@pytest.fixture
def payment(shop: Shop) -> str:
    """The payment intent of a paid session over 5.00 USD."""
    return shop.buy(amount=500)[1]


def _open(shop: Shop, intent_id: str, **more: object) -> str:
    return str(shop.control("POST", "/disputes", {"payment_intent": intent_id, **more})["id"])


def _move(shop: Shop, dispute_id: str, status: str) -> None:
    shop.control("POST", f"/disputes/{dispute_id}", {"status": status})


def _story(shop: Shop) -> list[str]:
    prefix = "charge.dispute."
    return [name.removeprefix(prefix) for name in shop.emitted_types() if name.startswith(prefix)]


def test_dispute_takes_its_amount_at_once(shop: Shop, payment: str) -> None:
    dispute = shop.client.v1.disputes.retrieve(_open(shop, payment, amount=200, reason="product_not_received"))
    assert (dispute.amount, dispute.status, dispute.reason) == (200, "needs_response", "product_not_received")
    assert [(booked.amount, booked.fee) for booked in dispute.balance_transactions] == [(-200, 1500)]
    assert (dispute.payment_intent, dispute.is_charge_refundable) == (payment, False)
    assert shop.client.v1.charges.list({"payment_intent": payment}).data[0].disputed
    assert _story(shop) == ["created", "funds_withdrawn"]
    assert [one.id for one in shop.client.v1.disputes.list({"payment_intent": payment}).data] == [dispute.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.refunds.create({"payment_intent": payment})
    assert caught.value.code == "charge_disputed"


@pytest.mark.parametrize(
    ("course", "story"),
    [
        ("needs_response under_review won", "created funds_withdrawn updated closed funds_reinstated"),
        ("needs_response lost", "created funds_withdrawn closed"),
        ("needs_response prevented", "created funds_withdrawn closed funds_reinstated"),
        ("prevented", "created"),
        ("warning_needs_response warning_under_review warning_closed", "created updated closed"),
        ("warning_needs_response needs_response won", "created updated funds_withdrawn closed funds_reinstated"),
        (
            "needs_response lost appeal_under_review won",
            "created funds_withdrawn closed updated closed funds_reinstated",
        ),
    ],
)
def test_dispute_status_moves_the_money(shop: Shop, payment: str, course: str, story: str) -> None:
    path = course.split()
    dispute_id = _open(shop, payment, status=path[0])
    for status in path[1:]:
        _move(shop, dispute_id, status)
    dispute = shop.client.v1.disputes.retrieve(dispute_id)
    assert (dispute.status, _story(shop)) == (path[-1], story.split())
    held = -500 if path[-1] == "lost" else 0
    assert sum(booked.amount for booked in dispute.balance_transactions) == held


@pytest.mark.parametrize(
    ("claim", "booked", "story"),
    [
        ({"case_type": "block"}, [], "created"),
        ({"case_type": "resolution"}, [(-500, 0, "usd", None)], "created funds_withdrawn"),
        ({"case_type": "resolution", "is_refund": True}, [], "created"),
        ({"status": "lost", "amount": 550}, [(-550, 1500, "usd", None)], "created funds_withdrawn"),
        ({"status": "lost", "settled_in": "eur", "rate": 0.88}, [(-440, 1500, "eur", 0.88)], "created funds_withdrawn"),
    ],
)
def test_dispute_books_what_its_case_takes(
    shop: Shop, payment: str, claim: Json, booked: list[object], story: str
) -> None:
    dispute = shop.client.v1.disputes.retrieve(_open(shop, payment, **{"status": "prevented", **claim}))
    found = [(each.amount, each.fee, each.currency, each.exchange_rate) for each in dispute.balance_transactions]
    assert (found, _story(shop)) == (booked, story.split())
    refunds = shop.client.v1.refunds.list({"payment_intent": payment}).data
    assert [refund.amount for refund in refunds] == [500] * ("is_refund" in claim)


def test_dispute_is_reinstated_in_part_at_another_rate(shop: Shop, payment: str) -> None:
    dispute_id = _open(shop, payment, settled_in="eur", rate=0.5)
    shop.control("POST", f"/disputes/{dispute_id}", {"status": "won", "rate": 0.6, "reinstated": 200})
    booked = shop.client.v1.disputes.retrieve(dispute_id).balance_transactions
    assert [(each.amount, each.exchange_rate) for each in booked] == [(-250, 0.5), (120, 0.6)]


def test_early_fraud_warning_is_an_event_of_its_payment(shop: Shop, payment: str) -> None:
    warning = shop.control("POST", "/early_fraud_warnings", {"payment_intent": payment})
    assert warning.keys() == set(stripe.radar.EarlyFraudWarning.__annotations__) - {"OBJECT_NAME"}
    assert (warning["payment_intent"], warning["actionable"]) == (payment, True)
    assert shop.emitted_types()[-1] == "radar.early_fraud_warning.created"


def test_evidence_puts_a_dispute_under_review(shop: Shop, payment: str) -> None:
    dispute_id = _open(shop, payment)
    disputes = shop.client.v1.disputes
    draft = disputes.update(dispute_id, {"evidence": {"product_description": "coins"}, "submit": False})
    assert (draft.status, draft.evidence.product_description) == ("needs_response", "coins")
    sent = disputes.update(dispute_id, {"evidence": {"product_description": "coins"}, "metadata": {"case": "1"}})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)


def test_close_loses_the_dispute(shop: Shop, payment: str) -> None:
    dispute_id = _open(shop, payment)
    assert shop.client.v1.disputes.close(dispute_id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        shop.client.v1.disputes.close(dispute_id)


@pytest.mark.parametrize(
    "body", [{"case_type": "angry"}, {"amount": 0}, {"status": "angry"}, {"reason": 1}, {"payment_intent": "pi_none"}]
)
def test_invalid_disputes_are_rejected(shop: Shop, payment: str, body: Json) -> None:
    status, _, _ = shop.http("POST", "/_sandbox/disputes", json.dumps({"payment_intent": payment, **body}))
    assert status == 400
