"""The customer object."""

from dataclasses import dataclass, field

from .errors import JsonObject

_CUSTOMER_NULLS = "address default_source discount shipping test_clock"


@dataclass
class Customer:
    """A customer, created by the API or with their first subscription. `invoices` is the number of invoices so far.

    The currency is that of the first invoice. https://docs.stripe.com/api/customers/object
    """

    id: str
    email: str | None
    currency: str | None
    created: int
    name: str | None = None
    description: str | None = None
    phone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    invoices: int = 0
    # Negative: a credit for the next invoice. https://docs.stripe.com/billing/customer/balance
    balance: int = 0

    @property
    def invoice_prefix(self) -> str:
        return self.id[-8:].upper()

    def to_json(self) -> JsonObject:
        settings = dict.fromkeys(["custom_fields", "default_payment_method", "footer", "rendering_options"])
        return {
            **dict.fromkeys(_CUSTOMER_NULLS.split()),
            "id": self.id,
            "object": "customer",
            "balance": self.balance,
            "created": self.created,
            "currency": self.currency,
            "delinquent": False,
            "description": self.description,
            "email": self.email,
            "invoice_prefix": self.invoice_prefix,
            "invoice_settings": settings,
            "livemode": False,
            "metadata": dict(self.metadata),
            "name": self.name,
            "next_invoice_sequence": self.invoices + 1,
            "phone": self.phone,
            "preferred_locales": [],
            "tax_exempt": "none",
        }
