"""Terms of subscription billing: what the merchant has set up, and how invoices are paid."""

from dataclasses import asdict, dataclass
from typing import Final

from .errors import ApiError, JsonObject

PAYMENTS: Final = ("one", "two", "record", "late")


@dataclass
class Terms:
    """Terms of new invoices, set through the control API. The defaults bill the price in one payment.

    `coupon_percent` is taken off each new invoice. `trial_days` is the trial of new subscriptions. `proration` is added
    to the next renewal, in minor units. `payments` is how invoices are paid: by one payment intent, by two, by a
    payment record (outside Stripe), or by one that is attached later.
    """

    coupon_percent: int = 0
    trial_days: int = 0
    proration: int = 0
    payments: str = "one"

    def to_json(self) -> JsonObject:
        return asdict(self)

    def update(self, changes: JsonObject) -> None:
        """Set the named terms, all or none. Raises ApiError for an unknown name or a value that does not fit."""
        after = self.to_json()
        for name, value in changes.items():
            if name not in after:
                raise ApiError(f"Unknown term: {name}", param=name)
            if type(value) is not type(after[name]) or (name == "payments" and value not in PAYMENTS):
                raise ApiError(f"{name} takes a whole number, payments one of {', '.join(PAYMENTS)}", param=name)
            after[name] = value
        wanted = Terms(**after)  # type: ignore[arg-type]  # the types were compared
        if not 0 <= wanted.coupon_percent <= 100 or wanted.trial_days < 0:
            raise ApiError("coupon_percent is 0 to 100, trial_days 0 or more", param="coupon_percent")
        for name, value in after.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Restore the defaults."""
        self.update(Terms().to_json())
