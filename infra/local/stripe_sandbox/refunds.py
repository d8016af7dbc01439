"""API handlers for refunds, and the status changes that the control API makes."""

from typing import cast, get_args

from stripe.params import (
    RefundCancelParams,
    RefundCreateParams,
    RefundListParams,
    RefundRetrieveParams,
    RefundUpdateParams,
)

from .call import Call, metadata_of
from .errors import ApiError, JsonObject
from .listing import expand, is_within, page
from .objects import Charge, Refund, RefundStatus
from .params import missing
from .store import Store, get, new_id


def create_refund(call: Call) -> JsonObject:
    """Handle POST /v1/refunds, by payment_intent or charge. Without an amount, the rest of the charge is refunded."""
    params = call.decode(RefundCreateParams)
    charge = find_charge(call.store, params.get("charge"), params.get("payment_intent"))
    metadata = metadata_of(params.get("metadata"))
    status = check_status(call.knobs.refund_status)
    refund = open_refund(call.store, charge, params.get("amount"), params.get("reason"), metadata, status)
    return expand(call.store, refund.to_json(), params.get("expand", []))


def retrieve_refund(call: Call) -> JsonObject:
    """Handle GET /v1/refunds/<id>."""
    params = call.decode(RefundRetrieveParams)
    return expand(call.store, _refund(call).to_json(), params.get("expand", []))


def update_refund(call: Call) -> JsonObject:
    """Handle POST /v1/refunds/<id>: update the metadata."""
    params = call.decode(RefundUpdateParams)
    refund = _refund(call)
    merge_metadata(refund.metadata, params.get("metadata", {}))
    _emit_updated(call.store, refund)
    return expand(call.store, refund.to_json(), params.get("expand", []))


def list_refunds(call: Call) -> JsonObject:
    """Handle GET /v1/refunds, by payment_intent, charge or created."""
    params = call.decode(RefundListParams)
    chosen = [
        refund
        for refund in reversed(call.store.refunds.values())
        if params.get("charge") in (None, refund.charge)
        and params.get("payment_intent") in (None, refund.payment_intent)
        and is_within(refund, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def cancel_refund(call: Call) -> JsonObject:
    """Handle POST /v1/refunds/<id>/cancel; only for a refund that requires the payer's action."""
    params = call.decode(RefundCancelParams)
    refund = _refund(call)
    if refund.status != "requires_action":
        raise ApiError(f"Refund {refund.id} is {refund.status}: only refunds that require action can be canceled.")
    set_refund_status(call.store, refund, "canceled")
    return expand(call.store, refund.to_json(), params.get("expand", []))


def open_refund(
    store: Store,
    charge: Charge,
    amount: int | None,
    reason: str | None,
    metadata: dict[str, str],
    status: RefundStatus,
) -> Refund:
    """Refund `amount` of a charge in minor units, or the rest if it is None, and emit the events.

    Raises:
        ApiError: the charge cannot be refunded, or has less than the amount left.
    """
    left = charge.amount - charge.amount_refunded
    _check_refundable(store, charge, left if amount is None else amount, left)
    refund = Refund(
        id=new_id("re_3"),
        charge=charge.id,
        payment_intent=charge.payment_intent,
        amount=left if amount is None else amount,
        currency=charge.currency,
        created=store.now(),
        metadata=metadata,
        reason=reason,
        method=charge.method,
        status=status,
    )
    store.refunds[refund.id] = refund
    before = charge.amount_refunded
    _recount(store, charge)
    store.emit("refund.created", refund)
    store.emit("charge.refunded", charge, {"amount_refunded": before})
    return refund


def set_refund_status(store: Store, refund: Refund, status: RefundStatus, failure_reason: str | None = None) -> None:
    """Change a refund's status, and emit the events. A failed or canceled refund no longer counts as refunded.

    Raises:
        ApiError: the refund cannot take that status.
    """
    if status == refund.status or not refund.holds_money:
        raise ApiError(f"Refund {refund.id} is {refund.status} and cannot become {status}.", param="status")
    previous: JsonObject = {"status": refund.status}
    refund.status = status
    if status == "failed":
        refund.failure_reason = failure_reason or "expired_or_canceled_card"
    _recount(store, store.charges[refund.charge])
    _emit_updated(store, refund, previous)
    if status == "failed":
        store.emit("refund.failed", refund)


def check_status(status: str) -> RefundStatus:
    """Return the status if refunds have it. Raises ApiError otherwise."""
    if status not in get_args(RefundStatus):
        raise ApiError(f"Invalid status: must be one of {', '.join(get_args(RefundStatus))}", param="status")
    return cast("RefundStatus", status)


def find_charge(store: Store, charge_id: str | None, payment_intent_id: str | None) -> Charge:
    """Find a charge by its own id or its payment intent's. Raises ApiError if there is no successful one."""
    if charge_id is not None:
        return get(store.charges, "charge", charge_id, "charge", status=400)
    if payment_intent_id is None:
        raise missing("payment_intent")
    intent = get(store.payment_intents, "payment_intent", payment_intent_id, "payment_intent", status=400)
    if intent.latest_charge is None or intent.status != "succeeded":
        message = f"This PaymentIntent ({intent.id}) does not have a successful charge to refund."
        raise ApiError(message, code="payment_intent_unexpected_state", param="payment_intent")
    return store.charges[intent.latest_charge]


def merge_metadata(metadata: dict[str, str], changes: object) -> None:
    """Apply a metadata parameter: `""` removes all keys, an empty value removes its key."""
    if not isinstance(changes, dict):
        metadata.clear()
        return
    metadata.update(changes)
    for key in [key for key, value in metadata.items() if value == ""]:
        del metadata[key]


def _check_refundable(store: Store, charge: Charge, amount: int, left: int) -> None:
    if charge.status != "succeeded":
        raise ApiError(f"Charge {charge.id} is {charge.status} and cannot be refunded.", param="charge")
    if any(dispute.charge == charge.id and dispute.takes_money for dispute in store.disputes.values()):
        message = f"Charge {charge.id} has been charged back; cannot issue a refund."
        raise ApiError(message, code="charge_disputed")
    if left == 0:
        raise ApiError(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise ApiError("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise ApiError(message, param="amount")


def _recount(store: Store, charge: Charge) -> None:
    counted = (refund for refund in store.refunds.values() if refund.charge == charge.id and refund.holds_money)
    charge.amount_refunded = sum(refund.amount for refund in counted)


def _emit_updated(store: Store, refund: Refund, previous: JsonObject | None = None) -> None:
    # Stripe sends both the old and the new event type.
    store.emit("refund.updated", refund, previous)
    store.emit("charge.refund.updated", refund, previous)


def _refund(call: Call) -> Refund:
    return get(call.store.refunds, "refund", call.object_id, "refund")
