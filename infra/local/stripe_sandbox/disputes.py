"""API handlers for disputes, and the status changes that the control API makes.

The status decides where the money is: an inquiry (`warning_*`), a won and a prevented dispute withhold nothing, every
other status withholds the disputed amount. A change between the two withdraws or reinstates the funds once.
"""

from typing import cast

from stripe.params import DisputeCloseParams, DisputeListParams, DisputeRetrieveParams, DisputeUpdateParams

from .call import Call
from .errors import ApiError, JsonObject
from .listing import expand, is_within, page
from .objects import Charge, Dispute
from .refunds import merge_metadata
from .store import Store, get, new_id

_STATUSES = """needs_response under_review won lost prevented appeal_needs_response appeal_under_review
    warning_needs_response warning_under_review warning_closed"""
STATUSES = frozenset(_STATUSES.split())
CLOSED = frozenset(["won", "lost", "warning_closed", "prevented"])
FEE_MINOR = 1500


def retrieve_dispute(call: Call) -> JsonObject:
    """Handle GET /v1/disputes/<id>."""
    params = call.decode(DisputeRetrieveParams)
    return expand(call.store, _dispute(call).to_json(), params.get("expand", []))


def list_disputes(call: Call) -> JsonObject:
    """Handle GET /v1/disputes, by payment_intent, charge or created."""
    params = call.decode(DisputeListParams)
    chosen = [
        dispute
        for dispute in reversed(call.store.disputes.values())
        if params.get("charge") in (None, dispute.charge)
        and params.get("payment_intent") in (None, dispute.payment_intent)
        and is_within(dispute, params.get("created"))
    ]
    return expand(call.store, page(chosen, params, call.path), params.get("expand", []))


def update_dispute(call: Call) -> JsonObject:
    """Handle POST /v1/disputes/<id>: update evidence and metadata. Evidence is submitted unless `submit` is false."""
    params = call.decode(DisputeUpdateParams)
    dispute = _dispute(call)
    if dispute.status in CLOSED:
        raise ApiError("This dispute is already closed.", code="dispute_closed")
    merge_metadata(dispute.metadata, params.get("metadata", {}))
    evidence = cast("dict[str, object]", params.get("evidence", {}))
    dispute.evidence.update(evidence)
    submitted = bool(evidence) and params.get("submit", True)
    dispute.submission_count += submitted
    if submitted and dispute.status.endswith("needs_response"):
        set_dispute_status(call.store, dispute, dispute.status.replace("needs_response", "under_review"))
    else:
        call.store.emit("charge.dispute.updated", dispute)
    return expand(call.store, dispute.to_json(), params.get("expand", []))


def close_dispute(call: Call) -> JsonObject:
    """Handle POST /v1/disputes/<id>/close: accept the loss."""
    params = call.decode(DisputeCloseParams)
    dispute = _dispute(call)
    if dispute.status in CLOSED:
        raise ApiError("This dispute is already closed.", code="dispute_closed")
    set_dispute_status(call.store, dispute, "lost")
    return expand(call.store, dispute.to_json(), params.get("expand", []))


def open_dispute(store: Store, charge: Charge, amount: int | None, reason: str, status: str) -> Dispute:
    """Open a dispute over a charge.

    Args:
        store: the sandbox's state.
        charge: the disputed charge.
        amount: in minor units; None disputes all of it.
        reason: Stripe's reason, not validated.
        status: the first status, such as `needs_response`.

    Raises:
        ApiError: the status, the charge or the amount does not allow it.
    """
    _check_status(status)
    disputed = charge.amount if amount is None else amount
    if charge.status != "succeeded" or not 1 <= disputed <= charge.amount:
        raise ApiError("A dispute takes a successful charge and at most its amount.", param="amount")
    dispute = Dispute(
        id=new_id("du_1"),
        charge=charge.id,
        payment_intent=charge.payment_intent,
        amount=disputed,
        currency=charge.currency,
        created=store.now(),
        reason=reason,
        status=status,
        method=charge.method,
    )
    store.disputes[dispute.id] = dispute
    charge.disputed = True
    _book_and_emit(store, dispute, "charge.dispute.created", None)
    return dispute


def set_dispute_status(store: Store, dispute: Dispute, status: str) -> None:
    """Change a dispute's status, and emit the events that Stripe sends for it.

    Raises:
        ApiError: the status is unknown, or the dispute has it already.
    """
    _check_status(status)
    if status == dispute.status:
        raise ApiError(f"Dispute {dispute.id} is {status} already.", param="status")
    previous: JsonObject = {"status": dispute.status}
    dispute.status = status
    _book_and_emit(store, dispute, f"charge.dispute.{'closed' if status in CLOSED else 'updated'}", previous)


def _book_and_emit(store: Store, dispute: Dispute, event_type: str, previous: JsonObject | None) -> None:
    """Book the movement of money that the status implies, then emit. The first event includes the booking."""
    moved = ""
    if dispute.takes_money and not dispute.is_withdrawn:
        moved = "funds_withdrawn"
        _book(store, dispute, -dispute.amount, FEE_MINOR)
    elif dispute.is_withdrawn and not dispute.takes_money:
        moved = "funds_reinstated"
        _book(store, dispute, dispute.amount, 0)
    store.emit(event_type, dispute, previous)
    if moved:
        store.emit(f"charge.dispute.{moved}", dispute)


def _book(store: Store, dispute: Dispute, amount: int, fee: int) -> None:
    detail = {"amount": fee, "application": None, "currency": dispute.currency, "description": "Dispute fee"}
    transaction: JsonObject = {
        "id": new_id("txn_1"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": store.now(),
        "balance_type": "payments",
        "created": store.now(),
        "currency": dispute.currency,
        "description": f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute.charge}",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [detail | {"type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": dispute.id,
        "status": "available",
        "type": "adjustment",
    }
    dispute.balance_transactions.append(transaction)


def _check_status(status: str) -> None:
    if status not in STATUSES:
        raise ApiError(f"Invalid status: must be one of {', '.join(sorted(STATUSES))}", param="status")


def _dispute(call: Call) -> Dispute:
    return get(call.store.disputes, "dispute", call.object_id, "dispute")
