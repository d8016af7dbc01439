"""Subscriptions and invoices, as the sandbox's control API returns them."""

import msgspec


class Subscription(msgspec.Struct):
    id: str
    customer: str
    status: str
    cancel_at: int | None
    cancel_at_period_end: bool
    metadata: dict[str, str]

    @property
    def is_ending(self) -> bool:
        """True if an end is scheduled. The portal sets the date alone, the API's flag sets both."""
        return self.cancel_at is not None


class Invoice(msgspec.Struct):
    """The invoice of one period. Amounts in minor units, `created` in Unix seconds."""

    id: str
    status: str
    billing_reason: str
    amount_due: int
    amount_paid: int
    currency: str
    created: int
    payment_intent: str


class Billed(msgspec.Struct):
    """A subscription with its invoices, oldest first."""

    subscription: Subscription
    invoices: list[Invoice]

    @property
    def paid(self) -> list[Invoice]:
        """The paid invoices, oldest first."""
        return [invoice for invoice in self.invoices if invoice.status == "paid"]
