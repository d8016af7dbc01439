"""What the payment provider bills again and again, as the sandbox's control API shows it."""

import msgspec


class Subscription(msgspec.Struct):
    """What the provider bills again and again."""

    id: str
    customer: str
    status: str
    cancel_at: int | None
    cancel_at_period_end: bool
    metadata: dict[str, str]

    @property
    def is_ending(self) -> bool:
        """Whether its end is a settled thing: the portal sets the date, the API's flag both."""
        return self.cancel_at is not None


class Invoice(msgspec.Struct):
    """One period's bill of it. Amounts in minor units, `created` in Unix seconds."""

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
        """The invoices that money came for."""
        return [invoice for invoice in self.invoices if invoice.status == "paid"]
