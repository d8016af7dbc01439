"""Refunds: full, partial, excessive, failed and canceled."""

from typing import cast

import pytest
import stripe
from stripe.params import RefundCreateParams

from tests.infra.stripe_sandbox_shop import Json, Shop


@pytest.fixture
def payment(shop: Shop) -> str:
    """The payment intent of a paid session over 5.00 USD."""
    return shop.buy(amount=500)[1]


def test_refund_without_amount_refunds_the_rest(shop: Shop, payment: str) -> None:
    part = shop.client.v1.refunds.create({"payment_intent": payment, "amount": 120, "reason": "requested_by_customer"})
    assert (part.amount, part.status, part.reason) == (120, "succeeded", "requested_by_customer")
    charge = _charge(shop, payment)
    assert (charge.amount_refunded, charge.refunded) == (120, False)
    rest = shop.client.v1.refunds.create({"charge": charge.id, "metadata": {"why": "asked"}})
    assert (rest.amount, rest.metadata.to_dict() if rest.metadata else None) == (380, {"why": "asked"})
    charge = _charge(shop, payment)
    assert (charge.amount_refunded, charge.refunded) == (500, True)
    assert shop.emitted_types()[4:] == ["refund.created", "charge.refunded"] * 2
    refunded = shop.client.v1.events.list({"type": "charge.refunded", "limit": 1}).data[0]
    assert refunded.data.object["amount_refunded"] == 500
    assert refunded.data.previous_attributes is not None
    assert refunded.data.previous_attributes["amount_refunded"] == 120
    listed = shop.client.v1.refunds.list({"payment_intent": payment}).data
    assert [refund.id for refund in listed] == [rest.id, part.id]


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amount": 501}, None, "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"payment_intent": "pi_none"}, "resource_missing", "payment_intent"),
        ({"reason": "bored"}, None, "reason"),
    ],
)
def test_invalid_refunds_are_rejected(shop: Shop, payment: str, params: Json, code: str | None, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.refunds.create(cast("RefundCreateParams", {"payment_intent": payment, **params}))
    assert (caught.value.code, caught.value.param) == (code, param)


def test_refund_after_full_refund_is_rejected(shop: Shop, payment: str) -> None:
    shop.client.v1.refunds.create({"payment_intent": payment})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.refunds.create({"payment_intent": payment})
    assert caught.value.code == "charge_already_refunded"


def test_refund_of_unpaid_payment_is_rejected(shop: Shop) -> None:
    _, intent_id = shop.buy("bank_debit")
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        shop.client.v1.refunds.create({"payment_intent": intent_id})


def test_failed_refund_releases_its_amount(shop: Shop, payment: str) -> None:
    refund = shop.client.v1.refunds.create({"payment_intent": payment, "amount": 200})
    failed = shop.control(
        "POST", f"/refunds/{refund.id}", {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    )
    assert (failed["status"], failed["failure_reason"]) == ("failed", "lost_or_stolen_card")
    assert _charge(shop, payment).amount_refunded == 0
    assert shop.emitted_types()[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]
    status, _, _ = shop.http("POST", f"/_sandbox/refunds/{refund.id}", '{"status": "succeeded"}')
    assert status == 400, "a failed refund is over"
    assert shop.client.v1.refunds.create({"payment_intent": payment}).amount == 500


def test_pending_refund_reserves_its_amount(shop: Shop, payment: str) -> None:
    shop.set_knobs(refund_status="pending")
    refund = shop.client.v1.refunds.create({"payment_intent": payment, "amount": 200})
    assert (refund.status, _charge(shop, payment).amount_refunded) == ("pending", 200)
    shop.control("POST", f"/refunds/{refund.id}", {"status": "succeeded"})
    assert shop.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert shop.emitted_types()[-2:] == ["refund.updated", "charge.refund.updated"]


def test_refund_requiring_action_can_be_canceled(shop: Shop, payment: str) -> None:
    opened = shop.control("POST", "/refunds", {"payment_intent": payment, "status": "requires_action"})
    assert shop.client.v1.refunds.cancel(str(opened["id"])).status == "canceled"
    assert _charge(shop, payment).amount_refunded == 0
    done = shop.client.v1.refunds.create({"payment_intent": payment})
    with pytest.raises(stripe.InvalidRequestError, match="require action"):
        shop.client.v1.refunds.cancel(done.id)


def test_metadata_change_leaves_earlier_events_unchanged(shop: Shop, payment: str) -> None:
    refund = shop.client.v1.refunds.create({"payment_intent": payment, "metadata": {"a": "1", "b": "2"}})
    changed = shop.client.v1.refunds.update(refund.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    created = shop.client.v1.events.list({"type": "refund.created"}).data[0]
    assert created.data.object["metadata"].to_dict() == {"a": "1", "b": "2"}


def _charge(shop: Shop, intent_id: str) -> stripe.Charge:
    (charge,) = shop.client.v1.charges.list({"payment_intent": intent_id}).data
    return shop.client.v1.charges.retrieve(charge.id)
