"""Checkout sessions and their line items: state and JSON."""

from dataclasses import dataclass, field
from typing import Literal

from .errors import JsonObject
from .objects import debit_type
from .product import Price
from .recurring import Recurrence

Mode = Literal["payment", "subscription"]
SessionStatus = Literal["open", "complete", "expired"]
PaymentStatus = Literal["unpaid", "paid", "no_payment_required"]

_SESSION_NULLS = (
    "after_expiration allow_promotion_codes billing_address_collection client_secret collected_information consent "
    "consent_collection currency_conversion customer_account invoice_creation origin_context payment_link "
    "payment_method_configuration_details permissions recovered_from saved_payment_method_options setup_intent "
    "shipping_address_collection shipping_cost wallet_options"
)
_CUSTOM_TEXTS = "after_submit shipping_address submit terms_of_service_acceptance"


@dataclass(frozen=True)
class LineItem:
    """A quantity of one price; amounts in minor units."""

    id: str
    price_id: str
    product_id: str
    name: str
    unit_amount: int
    quantity: int
    currency: str
    created: int
    tax_behavior: str
    recurrence: Recurrence | None = None
    price: Price | None = None
    """The price that the item names; without one its price is made for the session, and inactive from the start.

    https://docs.stripe.com/products-prices/how-products-and-prices-work#inline-pricing
    """

    @property
    def amount(self) -> int:
        """The total of the line, in minor units."""
        return self.unit_amount * self.quantity

    def to_json(self) -> JsonObject:
        return {
            "id": self.id,
            "object": "item",
            "adjustable_quantity": None,
            "amount_discount": 0,
            "amount_subtotal": self.amount,
            "amount_tax": 0,
            "amount_total": self.amount,
            "currency": self.currency,
            "description": self.name,
            "metadata": {},
            "price": self.price_json(),
            "quantity": self.quantity,
        }

    def price_json(self) -> JsonObject:
        return self.price.to_json() if self.price else self._inline_price()

    def _inline_price(self) -> JsonObject:
        return {
            **dict.fromkeys(["custom_unit_amount", "lookup_key", "nickname", "tiers_mode"]),
            "id": self.price_id,
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": self.created,
            "currency": self.currency,
            "livemode": False,
            "metadata": {},
            "product": self.product_id,
            "recurring": self.recurrence.to_json() if self.recurrence else None,
            "tax_behavior": self.tax_behavior,
            "transform_quantity": None,
            "type": "recurring" if self.recurrence else "one_time",
            "unit_amount": self.unit_amount,
            "unit_amount_decimal": str(self.unit_amount),
        }


@dataclass
class Session:
    """A checkout session, open until it is complete or expired."""

    id: str
    url: str
    created: int
    expires_at: int
    currency: str
    line_items: tuple[LineItem, ...]
    success_url: str
    cancel_url: str | None
    client_reference_id: str | None
    customer_email: str | None
    locale: str | None
    submit_type: str | None
    metadata: dict[str, str]
    payment_metadata: dict[str, str]
    payment_shipping: JsonObject | None = None
    mode: Mode = "payment"
    automatic_tax: bool = False
    adaptive_pricing: bool = False
    status: SessionStatus = "open"
    payment_status: PaymentStatus = "unpaid"
    # A subscription session has one too, but does not show it: it belongs to the invoice.
    payment_intent: str | None = None
    customer: str | None = None
    subscription: str | None = None
    invoice: str | None = None
    subscription_description: str | None = None
    subscription_metadata: dict[str, str] = field(default_factory=dict)

    @property
    def amount_total(self) -> int:
        """The total price, in minor units."""
        return sum(item.amount for item in self.line_items)

    def to_json(self) -> JsonObject:
        """Render the session; `line_items` only appears when expanded."""
        off: JsonObject = {"enabled": False}
        return {
            **dict.fromkeys(_SESSION_NULLS.split()),
            **self._billing(),
            "id": self.id,
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": self.adaptive_pricing},
            "amount_subtotal": self.amount_total,
            "amount_total": self.amount_total,
            "automatic_tax": {"enabled": self.automatic_tax, "liability": None, "provider": None, "status": None},
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "created": self.created,
            "currency": self.currency,
            "custom_fields": [],
            "custom_text": dict.fromkeys(_CUSTOM_TEXTS.split()),
            "customer_details": self._customer_details(),
            "customer_email": self.customer_email,
            "discounts": [],
            "expires_at": self.expires_at,
            "livemode": False,
            "locale": self.locale,
            "metadata": dict(self.metadata),
            "payment_method_options": {},
            "payment_status": self.payment_status,
            "phone_number_collection": off,
            "shipping_options": [],
            "status": self.status,
            "submit_type": self.submit_type,
            "success_url": self.success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": self.url if self.status == "open" else None,
        }

    def _billing(self) -> JsonObject:
        """Render the fields that depend on the mode."""
        is_once = self.mode == "payment"
        return {
            "customer": self.customer,
            "customer_creation": "if_required" if is_once else "always",
            "invoice": self.invoice,
            "mode": self.mode,
            "payment_intent": self.payment_intent if is_once else None,
            "payment_method_collection": "if_required" if is_once else "always",
            "payment_method_types": ["card", "paypal", debit_type(self.currency)],
            "subscription": self.subscription,
        }

    def _customer_details(self) -> JsonObject | None:
        if self.customer_email is None and self.status != "complete":
            return None
        email = self.customer_email or "payer@example.com"
        details = dict.fromkeys(["address", "business_name", "individual_name", "name", "phone"])
        return {**details, "email": email, "tax_exempt": "none", "tax_ids": []}
