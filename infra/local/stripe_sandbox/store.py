"""Everything the sandbox remembers: objects by kind, the clock, and the one lock around both."""

import secrets
import string
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TypeVar

from .customer import Customer
from .errors import JsonObject, no_such
from .events import Event
from .invoice import Invoice, InvoicePayment
from .objects import Charge, Dispute, PaymentIntent, Refund
from .portal import PortalSession
from .session import Session
from .subscription import Subscription

StripeThing = (
    Session | PaymentIntent | Charge | Refund | Dispute | Event | Customer | Subscription | Invoice | InvoicePayment
)
ThingT = TypeVar(
    "ThingT", Session, PaymentIntent, Charge, Refund, Dispute, Event, Customer, Subscription, Invoice, InvoicePayment
)
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
    customers: dict[str, Customer] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    invoice_payments: dict[str, InvoicePayment] = field(default_factory=dict)
    portal_sessions: dict[str, PortalSession] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    clock_offset_seconds: int = 0
    moment: int | None = None
    cause: Cause = Cause()
    # Called under the lock with each new event: the webhook sender subscribes here.
    on_event: Callable[[Event], None] = lambda _event: None

    def now(self) -> int:
        """Unix seconds on the sandbox's clock, which tests may move."""
        # The lock, because another thread may be catching up with a moment that has passed.
        with self.lock:
            return int(time.time()) + self.clock_offset_seconds if self.moment is None else self.moment

    @contextmanager
    def at(self, moment: int) -> Iterator[None]:
        """Let it be that moment while the block lasts: what is done late is dated when it was due."""
        with self.lock:
            self.moment = moment
            try:
                yield
            finally:
                self.moment = None

    def clear(self) -> None:
        """Forget every object and put the clock right."""
        for kind in (getattr(self, one.name) for one in fields(self)):
            if isinstance(kind, dict):
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

    def emit_change(self, event_type: str, thing: "Subscription", before: JsonObject) -> None:
        """Record that a thing changed, with what its changed fields were before; nothing when none did."""
        after = thing.to_json()
        previous = {name: value for name, value in before.items() if after[name] != value}
        if previous:
            self.emit(event_type, thing, previous)

    def add_event(self, event: Event) -> None:
        """Record an event made elsewhere, and hand it to the webhook sender."""
        self.events[event.id] = event
        self.on_event(event)

    def find(self, object_id: str) -> StripeThing | None:
        """Look an id up among all kinds."""
        kinds: tuple[Mapping[str, StripeThing], ...] = (
            self.sessions, self.payment_intents, self.charges, self.refunds, self.disputes,
            self.customers, self.subscriptions, self.invoices, self.invoice_payments,
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
