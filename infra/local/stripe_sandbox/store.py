"""Everything the sandbox remembers: objects by kind, the clock, and the one lock around both."""

import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import JsonObject, no_such
from .events import Event
from .objects import Charge, Dispute, PaymentIntent, Refund
from .session import Session

StripeThing = Session | PaymentIntent | Charge | Refund | Dispute | Event
ThingT = TypeVar("ThingT", Session, PaymentIntent, Charge, Refund, Dispute, Event)
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Cause:
    """The API request an event is owed to; both None when a payer, a bank or the dashboard caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Store:
    """Hold `lock` around every read-then-write; `changed` is notified when deliveries move."""

    account_id: str
    api_version: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    sessions: dict[str, Session] = field(default_factory=dict)
    payment_intents: dict[str, PaymentIntent] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    clock_offset_seconds: int = 0
    cause: Cause = Cause()
    # Called under the lock with each new event: the webhook sender subscribes here.
    on_event: Callable[[Event], None] = lambda _event: None

    def now(self) -> int:
        """Unix seconds on the sandbox's clock, which tests may move."""
        return int(time.time()) + self.clock_offset_seconds

    def clear(self) -> None:
        """Forget every object and put the clock right."""
        for kind in (self.sessions, self.payment_intents, self.charges, self.refunds, self.disputes, self.events):
            kind.clear()
        self.clock_offset_seconds = 0

    def emit(self, event_type: str, thing: "StripeThing | JsonObject", previous: JsonObject | None = None) -> Event:
        """Record an event about the thing as it stands now, and hand it to the webhook sender."""
        snapshot = thing if isinstance(thing, dict) else thing.to_json()
        event = Event(
            id=new_id("evt_1"),
            type=event_type,
            created=self.now(),
            data_object=snapshot,
            previous_attributes=previous,
            api_version=self.api_version,
            request_id=self.cause.request_id,
            idempotency_key=self.cause.idempotency_key,
        )
        self.add_event(event)
        return event

    def add_event(self, event: Event) -> None:
        """Record an event made elsewhere, and hand it to the webhook sender."""
        self.events[event.id] = event
        self.on_event(event)

    def find(self, object_id: str) -> StripeThing | None:
        """Look an id up among all kinds."""
        kinds: tuple[Mapping[str, StripeThing], ...] = (
            self.sessions, self.payment_intents, self.charges, self.refunds, self.disputes,
        )  # fmt: skip
        return next((kind[object_id] for kind in kinds if object_id in kind), None)


def new_id(prefix: str, length: int = 23) -> str:
    """Make a fresh id in Stripe's style, such as `pi_3...`."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def get(kind: dict[str, ThingT], name: str, object_id: str, param: str = "id", *, status: int = 404) -> ThingT:
    """Fetch by id; raises Stripe's `resource_missing`."""
    if object_id not in kind:
        raise no_such(name, object_id, param, status=status)
    return kind[object_id]
