"""Invoices, their lines and their payments: state and JSON."""

from dataclasses import dataclass
from typing import Literal

from .errors import JsonObject
from .subscription import SubscriptionItem

InvoiceStatus = Literal["draft", "open", "paid"]
BillingReason = Literal["subscription_create", "subscription_cycle"]

_INVOICE_NULLS = (
    "account_tax_ids application automatically_finalizes_at custom_fields customer_account customer_address "
    "customer_name customer_phone customer_shipping default_payment_method default_source description due_date footer "
    "from_invoice hosted_invoice_url invoice_pdf last_finalization_error latest_revision on_behalf_of receipt_number "
    "rendering shipping_cost shipping_details statement_descriptor test_clock"
)
_NO_AMOUNTS = (
    "amount_overpaid amount_shipping post_payment_credit_notes_amount pre_payment_credit_notes_amount starting_balance"
)
_WHOLE_AMOUNTS = "amount_due subtotal subtotal_excluding_tax total total_excluding_tax"
_NONE_OF = "customer_tax_ids default_tax_rates discounts total_discount_amounts total_pretax_credit_amounts total_taxes"


@dataclass(frozen=True)
class InvoiceLine:
    """One subscription item for one period."""

    id: str
    item: SubscriptionItem
    period_start: int
    period_end: int


@dataclass
class Invoice:
    """The invoice of one period. `subscription_metadata` is a copy from when the invoice was created."""

    id: str
    customer: str
    customer_email: str | None
    subscription: str
    subscription_metadata: dict[str, str]
    billing_reason: BillingReason
    lines: tuple[InvoiceLine, ...]
    amount: int
    currency: str
    created: int
    # The previous period: an invoice covers the past, its lines cover the coming period.
    period_start: int
    period_end: int
    status: InvoiceStatus = "draft"
    number: str | None = None
    attempt_count: int = 0
    attempted: bool = False
    next_payment_attempt: int | None = None
    finalized_at: int | None = None
    paid_at: int | None = None

    def to_json(self) -> JsonObject:
        """Render the invoice; `payments` only appears when expanded."""
        return {
            **dict.fromkeys(_INVOICE_NULLS.split()),
            **dict.fromkeys(_NO_AMOUNTS.split(), 0),
            **{name: [] for name in _NONE_OF.split()},
            **self._amounts(),
            "id": self.id,
            "object": "invoice",
            "account_country": "US",
            "account_name": "Sandbox",
            "attempt_count": self.attempt_count,
            "attempted": self.attempted,
            "auto_advance": self.status == "draft" or self.next_payment_attempt is not None,
            "automatic_tax": {"enabled": False} | dict.fromkeys(["disabled_reason", "liability", "provider", "status"]),
            "billing_reason": self.billing_reason,
            "collection_method": "charge_automatically",
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "customer_email": self.customer_email,
            "customer_tax_exempt": "none",
            "effective_at": self.finalized_at,
            "ending_balance": None if self.status == "draft" else 0,
            "issuer": {"type": "self"},
            "lines": self._lines(),
            "livemode": False,
            "metadata": {},
            "next_payment_attempt": self.next_payment_attempt,
            "number": self.number,
            "parent": self._parent(),
            "payment_settings": dict.fromkeys(["default_mandate", "payment_method_options", "payment_method_types"]),
            "period_end": self.period_end,
            "period_start": self.period_start,
            "status": self.status,
            "status_transitions": self._transitions(),
            "webhooks_delivered_at": self.finalized_at,
        }

    def _amounts(self) -> JsonObject:
        paid = self.amount if self.status == "paid" else 0
        whole: JsonObject = dict.fromkeys(_WHOLE_AMOUNTS.split(), self.amount)
        return whole | {"amount_paid": paid, "amount_remaining": self.amount - paid}

    def _transitions(self) -> JsonObject:
        never = dict.fromkeys(["marked_uncollectible_at", "voided_at"])
        return never | {"finalized_at": self.finalized_at, "paid_at": self.paid_at}

    def _parent(self) -> JsonObject:
        details = {"metadata": dict(self.subscription_metadata), "subscription": self.subscription}
        return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}

    def _lines(self) -> JsonObject:
        lines = [self._line(line) for line in self.lines]
        return {"object": "list", "data": lines, "has_more": False, "url": f"/v1/invoices/{self.id}/lines"}

    def _line(self, line: InvoiceLine) -> JsonObject:
        price = line.item.line
        return {
            "id": line.id,
            "object": "line_item",
            "amount": price.amount,
            "currency": price.currency,
            "description": f"{price.quantity} x {price.name}",
            "discount_amounts": [],
            "discountable": True,
            "discounts": [],
            "invoice": self.id,
            "livemode": False,
            "metadata": dict(self.subscription_metadata),
            "parent": self._line_parent(line),
            "period": {"end": line.period_end, "start": line.period_start},
            "pretax_credit_amounts": [],
            "pricing": {
                "price_details": {"price": price.price_id, "product": price.product_id},
                "type": "price_details",
                "unit_amount_decimal": str(price.unit_amount),
            },
            "quantity": price.quantity,
            "subtotal": price.amount,
            "taxes": [],
        }

    def _line_parent(self, line: InvoiceLine) -> JsonObject:
        details = {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": self.subscription,
            "subscription_item": line.item.id,
        }
        kind = "subscription_item_details"
        return {"invoice_item_details": None, kind: details, "type": kind}


@dataclass
class InvoicePayment:
    """The link from an invoice to its payment intent, which does not reference the invoice."""

    id: str
    invoice: str
    payment_intent: str
    amount: int
    currency: str
    created: int
    paid_at: int | None = None

    @property
    def status(self) -> str:
        """`open` until the payment intent succeeds, then `paid`."""
        return "open" if self.paid_at is None else "paid"

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "object": "invoice_payment",
            "amount_paid": self.amount if self.paid_at is not None else None,
            "amount_requested": self.amount,
            "created": self.created,
            "currency": self.currency,
            "invoice": self.invoice,
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": self.payment_intent, "type": "payment_intent"},
            "status": self.status,
            "status_transitions": {"canceled_at": None, "paid_at": self.paid_at},
        }
