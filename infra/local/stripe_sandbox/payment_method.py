"""Payment methods of the type card, and the outcome of paying by them."""

from dataclasses import dataclass, field
from typing import Literal

from .errors import JsonObject

Outcome = Literal["paid", "declined", "disputed", "inquired"]

TEST_CARDS: dict[str, Outcome] = {
    "visa": "paid",
    "visa_debit": "paid",
    "mastercard": "paid",
    "chargeDeclined": "declined",
    "visa_chargeDeclined": "declined",
    "createDispute": "disputed",
    "createDisputeInquiry": "inquired",
}
"""Outcomes of Stripe's test cards, as `pm_card_<name>` or `tok_<name>`. https://docs.stripe.com/testing"""


@dataclass
class PaymentMethod:
    """A card. The test cards `pm_card_...` exist in every account; those created from a token have ids of their own."""

    id: str
    created: int
    outcome: Outcome
    billing_details: JsonObject = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def email(self) -> str | None:
        email = self.billing_details.get("email")
        return email if isinstance(email, str) else None

    def to_json(self) -> JsonObject:
        details = dict.fromkeys(["address", "email", "name", "phone", "tax_id"])
        nulls = "checks fingerprint generated_from networks regulated_status three_d_secure_usage wallet"
        card = {
            **dict.fromkeys(nulls.split()),
            "brand": "visa",
            "country": "US",
            "display_brand": "visa",
            "exp_month": 12,
            "exp_year": 2034,
            "funding": "credit",
            "last4": "4242",
        }
        return {
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": details | self.billing_details,
            "card": card,
            "created": self.created,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": dict(self.metadata),
            "type": "card",
        }
