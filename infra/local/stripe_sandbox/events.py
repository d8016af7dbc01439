"""Stripe events and their webhook deliveries."""

from dataclasses import dataclass, field
from typing import Literal

from .errors import JsonObject

DeliveryState = Literal["pending", "delivered", "failed", "dropped"]


@dataclass
class Attempt:
    """One POST to the webhook. `status` is the HTTP status, None if no response came in time."""

    at: float
    status: int | None


@dataclass
class Delivery:
    """The delivery of one copy of an event; the knob `duplicates` adds copies."""

    number: int
    event_id: str
    due_at: float
    state: DeliveryState = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Render for the control API. Times are Unix seconds by the machine's clock."""
        attempts = [{"at": attempt.at, "status": attempt.status} for attempt in self.attempts]
        return {"number": self.number, "state": self.state, "attempts": attempts}


@dataclass
class Event:
    """A snapshot of an object when it changed."""

    id: str
    type: str
    created: int
    data_object: JsonObject
    previous_attributes: JsonObject | None
    api_version: str | None
    request_id: str | None = None
    idempotency_key: str | None = None
    account: str | None = None
    livemode: bool = False
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def pending_webhooks(self) -> int:
        """0 once the endpoint has responded 2xx to a copy, else 1, as at Stripe with one endpoint."""
        delivered = any(delivery.state == "delivered" for delivery in self.deliveries)
        return 1 if self.deliveries and not delivered else 0

    def to_json(self) -> JsonObject:
        """Render the event, as the API and the webhook show it."""
        data: JsonObject = {"object": self.data_object}
        if self.previous_attributes is not None:
            data["previous_attributes"] = self.previous_attributes
        rendered: JsonObject = {
            "id": self.id,
            "object": "event",
            "api_version": self.api_version,
            "created": self.created,
            "data": data,
            "livemode": self.livemode,
            "pending_webhooks": self.pending_webhooks,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": self.type,
        }
        return rendered | ({"account": self.account} if self.account else {})
