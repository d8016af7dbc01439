"""Purchases in the recorded scenario."""

from typing import Any

from tests.recorded.harness import Harness


def checkout(harness: Harness, fan: str, bundle: str = "coins_350", currency: str = "usd") -> dict[str, Any]:
    """Open a checkout."""
    fields = {"bundle_id": bundle, "currency": currency, "channel": "web"}
    opened: dict[str, Any] = harness.post("/v1/checkout-sessions", fields, fan)
    return opened


def session_id(opened: dict[str, Any]) -> str:
    """Return the id of the provider's session."""
    return str(opened["url"]).rpartition("/")[2]


def bought(harness: Harness, fan: str, bundle: str = "coins_350", currency: str = "usd") -> str:
    """Buy a bundle by card; returns the payment's id."""
    opened = checkout(harness, fan, bundle, currency)
    harness.pay(opened["url"])
    return str(completed(harness, opened)["data"]["object"]["payment_intent"])


def completed(harness: Harness, opened: dict[str, Any]) -> Any:
    """Find Stripe's event that says that the checkout is completed."""
    found = [each for each in harness.stripe_events() if each["type"] == "checkout.session.completed"]
    return next(each for each in found if each["data"]["object"]["client_reference_id"] == opened["id"])


def paid_again(harness: Harness, opened: dict[str, Any], name: str) -> Any:
    """Build the event of a second payment. Its session is not found when it is read again, because there is none."""
    gone = {"status": 404, "code": "resource_missing", "method": "GET", "path": "/v1/checkout/sessions/"}
    harness.control("PUT", "/knobs", {"fail_next": gone})
    event = completed(harness, opened)
    event["id"], event["data"]["object"]["payment_intent"] = f"evt_again{name}", f"pi_again{name}"
    return event
