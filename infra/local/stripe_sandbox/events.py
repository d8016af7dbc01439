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
    """The delivery of one copy of an event to an endpoint; the knob `duplicates` adds copies.

    `endpoint_id` is empty for the endpoint that the sandbox was started with.
    """

    number: int
    event_id: str
    due_at: float
    endpoint_id: str = ""
    state: DeliveryState = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Render for the control API. Times are Unix seconds by the machine's clock."""
        attempts = [{"at": attempt.at, "status": attempt.status} for attempt in self.attempts]
        endpoint = {"endpoint": self.endpoint_id} if self.endpoint_id else {}
        return {"number": self.number, "state": self.state, "attempts": attempts, **endpoint}


@dataclass
class WebhookEndpoint:
    """An endpoint that the API registered. `enabled_events` are types of events, or `*`."""

    id: str
    url: str
    enabled_events: list[str]
    secret: str
    created: int
    api_version: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    is_enabled: bool = True

    def takes(self, event_type: str) -> bool:
        """Check if the endpoint is enabled and subscribed to this type."""
        return self.is_enabled and not {"*", event_type}.isdisjoint(self.enabled_events)

    def to_json(self) -> JsonObject:
        """Render the endpoint, without its secret."""
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": self.api_version,
            "application": None,
            "created": self.created,
            "description": self.description,
            "enabled_events": list(self.enabled_events),
            "livemode": False,
            "metadata": dict(self.metadata),
            "status": "enabled" if self.is_enabled else "disabled",
            "url": self.url,
        }


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
        """The number of endpoints that have not responded 2xx to a copy yet."""
        delivered = {each.endpoint_id for each in self.deliveries if each.state == "delivered"}
        return len({each.endpoint_id for each in self.deliveries} - delivered)

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
