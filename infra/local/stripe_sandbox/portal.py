"""Billing portal sessions: state and JSON."""

from dataclasses import dataclass

from .errors import JsonObject


@dataclass(frozen=True)
class PortalSession:
    """A session of the billing portal. Its `url` is a credential: it allows canceling the customer's subscriptions."""

    id: str
    customer: str
    url: str
    return_url: str | None
    locale: str | None
    created: int

    def to_json(self) -> JsonObject:
        return {
            **dict.fromkeys(["customer_account", "flow", "on_behalf_of"]),
            "id": self.id,
            "object": "billing_portal.session",
            "configuration": "bpc_1Sandbox",
            "created": self.created,
            "customer": self.customer,
            "livemode": False,
            "locale": self.locale,
            "return_url": self.return_url,
            "url": self.url,
        }
