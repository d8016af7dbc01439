"""Payment intents, charges, refunds and disputes: state and JSON."""

from dataclasses import dataclass, field
from typing import Literal

from .errors import JsonObject

Method = Literal["card", "paypal", "bank_debit"]
PaymentIntentStatus = Literal["requires_payment_method", "requires_confirmation", "processing", "succeeded", "canceled"]
ChargeStatus = Literal["pending", "succeeded", "failed"]
RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]

_PAYMENT_INTENT_NULLS = (
    "application application_fee_amount canceled_at cancellation_reason customer_account next_action on_behalf_of "
    "processing receipt_email review source statement_descriptor statement_descriptor_suffix transfer_data "
    "transfer_group"
)
_CHARGE_NULLS = (
    "application application_fee application_fee_amount failure_balance_transaction on_behalf_of "
    "receipt_email receipt_number receipt_url review shipping source source_transfer "
    "statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
)
_REFUND_NULLS = "receipt_number source_transfer_reversal transfer_reversal"


@dataclass
class PaymentIntent:
    """The intent to collect one payment. It can have several charges, of which all but the last were declined."""

    id: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    status: PaymentIntentStatus = "requires_payment_method"
    latest_charge: str | None = None
    payment_method: str | None = None
    last_payment_error: JsonObject | None = None
    canceled_at: int | None = None
    # Not set for the payment of a checkout session in `payment` mode.
    customer: str | None = None
    description: str | None = None
    shipping: JsonObject | None = None

    def to_json(self) -> JsonObject:
        return {
            **dict.fromkeys(_PAYMENT_INTENT_NULLS.split()),
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": self.amount if self.status == "succeeded" else 0,
            "automatic_payment_methods": None,
            "canceled_at": self.canceled_at,
            "cancellation_reason": "automatic" if self.status == "canceled" else None,
            "capture_method": "automatic_async",
            "client_secret": f"{self.id}_secret_sandbox",
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": False,
            "metadata": dict(self.metadata),
            "payment_method": self.payment_method,
            "payment_method_options": {},
            "payment_method_types": ["card", "paypal", debit_type(self.currency)],
            "setup_future_usage": "off_session" if self.customer else None,
            "shipping": self.shipping,
            "status": self.status,
        }


@dataclass
class Charge:
    """A payment, or a declined attempt at one."""

    id: str
    payment_intent: str
    payment_method: str
    method: Method
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    status: ChargeStatus
    failure_code: str | None = None
    amount_refunded: int = 0
    disputed: bool = False
    email: str | None = None
    customer: str | None = None
    description: str | None = None

    def to_json(self) -> JsonObject:
        """Render the charge; `refunds` only appears when expanded."""
        return {
            **dict.fromkeys(_CHARGE_NULLS.split()),
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount if self.status == "succeeded" else 0,
            "amount_refunded": self.amount_refunded,
            "balance_transaction": f"txn_{self.id[3:]}" if self.status == "succeeded" else None,
            "billing_details": dict.fromkeys(["address", "name", "phone", "tax_id"]) | {"email": self.email},
            "calculated_statement_descriptor": "SANDBOX",
            "captured": self.status == "succeeded",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "disputed": self.disputed,
            "failure_code": self.failure_code,
            "failure_message": "Your card was declined." if self.failure_code else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(self.metadata),
            "outcome": self._outcome(),
            "paid": self.status == "succeeded",
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "payment_method_details": method_details(self.method, self.currency),
            "radar_options": {},
            "refunded": self.amount_refunded == self.amount,
            "status": self.status,
        }

    def _outcome(self) -> JsonObject:
        declined = self.status == "failed"
        return {
            "network_status": "declined_by_network" if declined else "approved_by_network",
            "reason": self.failure_code,
            "risk_level": "normal",
            "seller_message": "The payment failed." if declined else "Payment complete.",
            "type": "issuer_declined" if declined else "authorized",
        }


@dataclass
class Refund:
    """A refund of all or part of a charge. A failed or canceled refund no longer counts as refunded."""

    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    reason: str | None
    method: Method
    status: RefundStatus
    failure_reason: str | None = None

    @property
    def holds_money(self) -> bool:
        """True while the amount counts as refunded."""
        return self.status not in ("failed", "canceled")

    def to_json(self) -> JsonObject:
        """Render the refund. As at Stripe, the reasons that do not apply are left out."""
        rendered: JsonObject = {
            **dict.fromkeys(_REFUND_NULLS.split()),
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": f"txn_{self.id[3:]}" if self.holds_money else None,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "metadata": dict(self.metadata),
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": self.status,
        }
        if self.method == "card":
            card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
            rendered["destination_details"] = {"card": card, "type": "card"}
        if self.status == "failed":
            rendered["failure_reason"] = self.failure_reason
        if self.status == "pending":
            rendered["pending_reason"] = "processing"
        return rendered


@dataclass
class Dispute:
    """A payer's bank reclaims a payment. The statuses `warning_*` are inquiries, which move no money.

    `case_type` is the card network's: chargeback, inquiry, compliance, block or resolution. `rate` converts the amount
    to `settled_in`, the currency that the account is settled in.
    """

    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    created: int
    reason: str
    status: str
    method: Method
    case_type: str
    settled_in: str
    rate: float | None = None
    is_refund: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, object] = field(default_factory=dict)
    submission_count: int = 0
    # One for each withdrawal (negative) and reinstatement (positive).
    balance_transactions: list[JsonObject] = field(default_factory=list)

    @property
    def is_inquiry(self) -> bool:
        """True for a `warning_*` status."""
        return self.status.startswith("warning_")

    @property
    def takes_money(self) -> bool:
        """True if balance transactions withhold the amount from the merchant."""
        if self.status == "prevented":
            return self.case_type == "resolution" and not self.is_refund
        return not self.is_inquiry and self.status != "won"

    @property
    def is_withdrawn(self) -> bool:
        """True if the last booking is a withdrawal; withdrawals and reinstatements alternate."""
        return len(self.balance_transactions) % 2 == 1

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions": list(self.balance_transactions),
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}, **self.evidence},
            "evidence_details": {
                "due_by": self.created + 7 * 86400,
                "enhanced_eligibility": {},
                "has_evidence": bool(self.evidence),
                "past_due": False,
                "submission_count": self.submission_count,
                "submission_method": "manual" if self.submission_count else "not_submitted",
            },
            "is_charge_refundable": not self.takes_money,
            "livemode": False,
            "metadata": dict(self.metadata),
            "payment_intent": self.payment_intent,
            "payment_method_details": self._method_details(),
            "reason": self.reason,
            "status": self.status,
        }

    def _method_details(self) -> JsonObject | None:
        if self.method == "bank_debit":
            return None
        if self.method == "paypal":
            return {"type": "paypal", "paypal": {"case_id": "PP-R-SANDBOX", "reason_code": None}}
        case_type = "inquiry" if self.is_inquiry else self.case_type
        card = {"brand": "visa", "case_type": case_type, "network": "visa", "network_reason_code": "83"}
        return {"type": "card", "card": card}


def debit_type(currency: str) -> str:
    """Return the payment method type of a bank debit in this currency."""
    return "sepa_debit" if currency == "eur" else "us_bank_account"


def method_details(method: Method, currency: str) -> JsonObject:
    """Render a charge's `payment_method_details`, with Stripe's test numbers."""
    if method == "paypal":
        return {"type": "paypal", "paypal": {"payer_email": "payer@example.com", "transaction_id": "SANDBOX"}}
    if method == "bank_debit":
        return {"type": debit_type(currency), debit_type(currency): {"last4": "3000", "fingerprint": "sandbox"}}
    card = {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242"}
    return {"type": "card", "card": card | {"network": "visa"}}
