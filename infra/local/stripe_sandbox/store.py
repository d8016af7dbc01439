"""The sandbox's state: objects by kind and the clock, under one lock."""

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
from .events import Event, WebhookEndpoint
from .invoice import Invoice, InvoicePayment
from .objects import Charge, Dispute, PaymentIntent, Refund
from .payment_method import PaymentMethod
from .portal import PortalSession
from .product import Price, Product
from .session import Session
from .subscription import Subscription
from .terms import Terms

StripeObject = (
    Session | PaymentIntent | PaymentMethod | Charge | Refund | Dispute | Event | Customer | Subscription | Invoice
    | InvoicePayment | Product | Price
)  # fmt: skip
ObjectT = TypeVar("ObjectT", bound=StripeObject | WebhookEndpoint)
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Cause:
    """The API request that caused an event; both None if a payer, a bank or the dashboard caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Store:
    """The sandbox's state. Callers hold `lock` around every read-then-write."""

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
    products: dict[str, Product] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    payment_methods: dict[str, PaymentMethod] = field(default_factory=dict)
    webhook_endpoints: dict[str, WebhookEndpoint] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    clock_offset_seconds: int = 0
    moment: int | None = None
    cause: Cause = Cause()
    # Called under the lock with each new event; the webhook sender sets it.
    on_event: Callable[[Event], None] = lambda _event: None

    def now(self) -> int:
        """Return the time of the sandbox's clock, in Unix seconds."""
        # Under the lock, because another thread may have set `moment` to run overdue work.
        with self.lock:
            return int(time.time()) + self.clock_offset_seconds if self.moment is None else self.moment

    @contextmanager
    def at(self, moment: int) -> Iterator[None]:
        """Set the clock to `moment` within the block, so that overdue work is dated when it was due."""
        with self.lock:
            self.moment = moment
            try:
                yield
            finally:
                self.moment = None

    def clear(self) -> None:
        """Remove every object and reset the clock."""
        for kind in (getattr(self, one.name) for one in fields(self)):
            if isinstance(kind, dict):
                kind.clear()
        self.terms.reset()
        self.clock_offset_seconds = 0

    def emit(self, event_type: str, subject: "StripeObject | JsonObject", previous: JsonObject | None = None) -> Event:
        """Record an event with a snapshot of the object, and pass it to the webhook sender."""
        snapshot = subject if isinstance(subject, dict) else subject.to_json()
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

    def emit_change(self, event_type: str, subject: "Subscription | Customer", before: JsonObject) -> None:
        """Emit an event with the previous values of the changed fields. Emits nothing if no field changed."""
        after = subject.to_json()
        previous = {name: value for name, value in before.items() if after[name] != value}
        if previous:
            self.emit(event_type, subject, previous)

    def add_event(self, event: Event) -> None:
        """Record an event, and pass it to the webhook sender."""
        self.events[event.id] = event
        self.on_event(event)

    def find(self, object_id: str) -> StripeObject | None:
        """Find an object of any kind by id."""
        kinds: tuple[Mapping[str, StripeObject], ...] = (
            self.sessions, self.payment_intents, self.charges, self.refunds, self.disputes,
            self.customers, self.subscriptions, self.invoices, self.invoice_payments,
            self.products, self.prices, self.payment_methods,
        )  # fmt: skip
        return next((kind[object_id] for kind in kinds if object_id in kind), None)


def new_id(prefix: str, length: int = 23) -> str:
    """Generate an id in Stripe's style, such as `pi_3...`."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def get(kind: dict[str, ObjectT], name: str, object_id: str, param: str = "id", *, status: int = 404) -> ObjectT:
    """Return an object by id.

    Raises:
        ApiError: `resource_missing`.
    """
    if object_id not in kind:
        raise no_such(name, object_id, param, status=status)
    return kind[object_id]
