"""API handlers for disputes, and the status changes that the control API makes.

The status and the card network's case decide where the money is: an inquiry (`warning_*`), a won dispute and one that
was blocked withhold nothing, every other one withholds the disputed amount. A change between the two withdraws or
reinstates the funds once.

Facts and their sources:
- `balance_transactions` show funds withdrawn and reinstated; `amount` of each excludes its `fee`, and is negative for a
  withdrawal: docs.stripe.com/api/disputes/object, and the event in stripe-ruby-mock's
  `webhook_fixtures/charge.dispute.funds_withdrawn.json`, recorded at Stripe.
- The disputed amount can differ from the charge's: docs.stripe.com/api/disputes/object, `amount`. Above the charge:
  support.stripe.com/questions/amount-of-customer-dispute-is-greater-than-original-charge.
- Converted payments are withdrawn and reinstated at the rate of the day: docs.stripe.com/currencies/disputes-refunds.
  `exchange_rate` times the amount before the conversion is the amount after it:
  docs.stripe.com/api/balance_transactions/object.
- A dispute is `prevented` by `block` or by `resolution`:
  docs.stripe.com/changelog/basil/2025-08-27/add-preventions-to-dispute.
  Assumed: a block moves no money; a resolution has returned the money to the payer, without a dispute fee.
- Not known: a resolution shows as a balance transaction of the dispute, or as a refund beside it. Both can be made.
- Assumed: the currency of a dispute can differ from the charge's; part of a withdrawal can be reinstated.
"""

from dataclasses import dataclass
from typing import cast

from stripe.params import DisputeCloseParams, DisputeListParams, DisputeRetrieveParams, DisputeUpdateParams

from .call import Call
from .errors import ApiError, JsonObject
from .listing import expand, is_within, page
from .objects import Charge, Dispute
from .refunds import merge_metadata, open_refund
from .store import Store, get, new_id

_STATUSES = """needs_response under_review won lost prevented appeal_needs_response appeal_under_review
    warning_needs_response warning_under_review warning_closed"""
STATUSES = frozenset(_STATUSES.split())
CASE_TYPES = frozenset(["chargeback", "inquiry", "compliance", "block", "resolution"])
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


@dataclass(frozen=True)
class Claim:
    """The dispute that a payer's bank opens.

    Args:
        amount: in minor units of `currency`; None disputes the whole charge.
        reason: Stripe's reason, not validated.
        status: the first status, such as `needs_response`.
        case_type: the card network's case.
        currency: of the dispute; None for the charge's.
        settled_in: the currency of the balance transactions; None for the dispute's.
        rate: the rate of the conversion to that currency.
        is_refund: a resolution shows as a refund, not as a balance transaction of the dispute.
    """

    amount: int | None = None
    reason: str = "fraudulent"
    status: str = "needs_response"
    case_type: str = "chargeback"
    currency: str | None = None
    settled_in: str | None = None
    rate: float | None = None
    is_refund: bool = False


def open_dispute(store: Store, charge: Charge, claim: Claim) -> Dispute:
    """Open a dispute over a charge. Raises ApiError if the claim or the charge does not allow it."""
    _check_status(claim.status)
    disputed = charge.amount if claim.amount is None else claim.amount
    if charge.status != "succeeded" or disputed < 1:
        raise ApiError("A dispute takes a successful charge and an amount.", param="amount")
    if claim.case_type not in CASE_TYPES:
        raise ApiError(f"Invalid case_type: must be one of {', '.join(sorted(CASE_TYPES))}", param="case_type")
    currency = claim.currency or charge.currency
    dispute = Dispute(
        id=new_id("du_1"),
        charge=charge.id,
        payment_intent=charge.payment_intent,
        amount=disputed,
        currency=currency,
        created=store.now(),
        reason=claim.reason,
        status=claim.status,
        method=charge.method,
        case_type=claim.case_type,
        settled_in=claim.settled_in or currency,
        rate=claim.rate,
        is_refund=claim.is_refund,
    )
    if claim.is_refund:
        open_refund(store, charge, disputed, None, {}, "succeeded")
    store.disputes[dispute.id] = dispute
    charge.disputed = True
    _book_and_emit(store, dispute, "charge.dispute.created", None)
    return dispute


def warn_of_fraud(store: Store, charge: Charge, fraud_type: str) -> JsonObject:
    """Emit the issuer's early fraud warning about a charge. Source: docs.stripe.com/api/radar/early_fraud_warnings."""
    warning: JsonObject = {
        "id": new_id("issfr_1"),
        "object": "radar.early_fraud_warning",
        "actionable": not charge.disputed and charge.amount_refunded < charge.amount,
        "charge": charge.id,
        "created": store.now(),
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge.payment_intent,
    }
    store.emit("radar.early_fraud_warning.created", warning)
    return warning


def set_dispute_status(
    store: Store, dispute: Dispute, status: str, *, rate: float | None = None, reinstated: int | None = None
) -> None:
    """Change a dispute's status, and emit the events that Stripe sends for it.

    Args:
        store: the sandbox's state.
        dispute: the dispute.
        status: the new status.
        rate: the new rate of the conversion, if it changed.
        reinstated: the part of the disputed amount that is reinstated; None for all of it.

    Raises:
        ApiError: the status is unknown, or the dispute has it already.
    """
    _check_status(status)
    if status == dispute.status:
        raise ApiError(f"Dispute {dispute.id} is {status} already.", param="status")
    previous: JsonObject = {"status": dispute.status}
    dispute.status, dispute.rate = status, rate or dispute.rate
    event_type = f"charge.dispute.{'closed' if status in CLOSED else 'updated'}"
    _book_and_emit(store, dispute, event_type, previous, reinstated)


def _book_and_emit(
    store: Store, dispute: Dispute, event_type: str, previous: JsonObject | None, reinstated: int | None = None
) -> None:
    """Book the movement of money that the status implies, then emit. The first event includes the booking."""
    moved = ""
    if dispute.takes_money and not dispute.is_withdrawn:
        moved = "funds_withdrawn"
        _book(store, dispute, -dispute.amount, 0 if dispute.status == "prevented" else FEE_MINOR)
    elif dispute.is_withdrawn and not dispute.takes_money:
        moved = "funds_reinstated"
        _book(store, dispute, dispute.amount if reinstated is None else reinstated, 0)
    store.emit(event_type, dispute, previous)
    if moved:
        store.emit(f"charge.dispute.{moved}", dispute)


def _book(store: Store, dispute: Dispute, disputed: int, fee: int) -> None:
    detail = {"amount": fee, "application": None, "currency": dispute.settled_in, "description": "Dispute fee"}
    amount = round(disputed * (dispute.rate or 1))
    transaction: JsonObject = {
        "id": new_id("txn_1"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": store.now(),
        "balance_type": "payments",
        "created": store.now(),
        "currency": dispute.settled_in,
        "description": f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute.charge}",
        "exchange_rate": dispute.rate,
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
