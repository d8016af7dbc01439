"""Invoices, their lines and their payments: state and JSON."""

from dataclasses import dataclass, field
from typing import Literal

from .errors import JsonObject
from .subscription import SubscriptionItem

InvoiceStatus = Literal["draft", "open", "paid", "uncollectible", "void"]
BillingReason = Literal["subscription_create", "subscription_cycle"]

_INVOICE_NULLS = (
    "account_tax_ids application automatically_finalizes_at custom_fields customer_account customer_address "
    "customer_name customer_phone customer_shipping default_payment_method default_source description due_date footer "
    "from_invoice hosted_invoice_url invoice_pdf last_finalization_error latest_revision on_behalf_of receipt_number "
    "rendering shipping_cost shipping_details statement_descriptor test_clock"
)
_NO_AMOUNTS = "amount_overpaid amount_shipping post_payment_credit_notes_amount pre_payment_credit_notes_amount"
_SUBTOTALS = "subtotal subtotal_excluding_tax"
_TOTALS = "total total_excluding_tax"
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
    """The invoice of one period. `subscription_metadata` is a copy from when the invoice was created.

    `amount` is the price of the period (0 in a trial) with `proration`. `discount` is taken off it, and `applied` is
    paid by the customer's balance. `unattached` are payments that Stripe does not show yet.
    """

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
    payments: str = "one"
    proration: int = 0
    discount: int = 0
    starting_balance: int = 0
    applied: int = 0
    unattached: "list[InvoicePayment]" = field(default_factory=list)

    @property
    def total(self) -> int:
        """The amount charged, in minor units."""
        return self.amount - self.discount

    @property
    def amount_due(self) -> int:
        """The amount that is left to pay after the customer's balance; nothing of a negative total."""
        return max(self.total - self.applied, 0)

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
            "ending_balance": None if self.status == "draft" else self.starting_balance + self.applied,
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
        paid = self.amount_due if self.status == "paid" else 0
        return {
            **dict.fromkeys(_SUBTOTALS.split(), self.amount),
            **dict.fromkeys(_TOTALS.split(), self.total),
            "amount_due": self.amount_due,
            "amount_paid": paid,
            "amount_remaining": self.amount_due - paid,
            "starting_balance": self.starting_balance,
        }

    def _transitions(self) -> JsonObject:
        never = dict.fromkeys(["marked_uncollectible_at", "voided_at"])
        return never | {"finalized_at": self.finalized_at, "paid_at": self.paid_at}

    def _parent(self) -> JsonObject:
        details = {"metadata": dict(self.subscription_metadata), "subscription": self.subscription}
        return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}

    def _lines(self) -> JsonObject:
        lines = [self._line(line) for line in self.lines]
        if self.proration:
            lines.append(self._proration(self.lines[0]))
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

    def _proration(self, line: InvoiceLine) -> JsonObject:
        """Render the charge for an earlier change of price.

        https://docs.stripe.com/billing/subscriptions/prorations
        """
        return self._line(line) | {
            "id": f"{line.id}p",
            "amount": self.proration,
            "description": "Remaining time",
            "parent": self._line_parent(line, is_proration=True),
            "period": {"start": self.period_start, "end": self.period_end},
            "subtotal": self.proration,
        }

    def _line_parent(self, line: InvoiceLine, *, is_proration: bool = False) -> JsonObject:
        details = {
            "invoice_item": None,
            "proration": is_proration,
            "proration_details": {"credited_items": None},
            "subscription": self.subscription,
            "subscription_item": line.item.id,
        }
        kind = "subscription_item_details"
        return {"invoice_item_details": None, kind: details, "type": kind}


@dataclass
class InvoicePayment:
    """The link from an invoice to its payment intent, which does not reference the invoice, or to a payment record."""

    id: str
    invoice: str
    payment_intent: str | None
    amount: int
    currency: str
    created: int
    paid_at: int | None = None
    canceled_at: int | None = None
    payment_record: str | None = None
    is_default: bool = True

    @property
    def status(self) -> str:
        """`open` until it is paid or canceled."""
        if self.canceled_at is not None:
            return "canceled"
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
            "is_default": self.is_default,
            "livemode": False,
            "payment": self._payment(),
            "status": self.status,
            "status_transitions": {"canceled_at": self.canceled_at, "paid_at": self.paid_at},
        }

    def _payment(self) -> JsonObject:
        if self.payment_record is not None:
            return {"payment_record": self.payment_record, "type": "payment_record"}
        return {"payment_intent": self.payment_intent, "type": "payment_intent"}
