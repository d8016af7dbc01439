"""Slices of the provider's list of events, positions in it, and the objects that events are about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from chalicelib.domain.ids import iso
from chalicelib.domain.payments import StripeEvent
from chalicelib.ports.billing import PaymentGateway
from chalicelib.usecases.stripe_events import (
    FRAUD_WARNINGS,
    INVOICE_EVENTS,
    MONEY_EVENTS,
    SESSION_EVENTS,
    SUBSCRIPTION_EVENTS,
)

TYPES: Final = MONEY_EVENTS | FRAUD_WARNINGS | SESSION_EVENTS.keys() | INVOICE_EVENTS | SUBSCRIPTION_EVENTS
"""Types of the events that are handled."""
LATE: Final = timedelta(hours=1)
"""Time after which Stripe's list is complete. It shows some events later than the events around them."""
_SECOND: Final = timedelta(seconds=1)
"""Stripe's times are whole seconds."""
_NEVER: Final = "-"


class Walks(Struct, frozen=True, kw_only=True):
    """Positions: all events before `events` are handled, and those before `late` also if they were listed late.

    `events_stuck` and `late_stuck` are the times since when nothing answers there. `text` is the stored form; its last
    two words may be absent.
    """

    events: datetime
    late: datetime
    events_stuck: datetime | None = None
    late_stuck: datetime | None = None

    @property
    def text(self) -> str:
        times = [self.events, self.late, self.events_stuck, self.late_stuck]
        return " ".join(iso(at) if at else _NEVER for at in times)

    def behind(self, now: datetime) -> timedelta:
        """Return the age of the oldest event that may be left. A second walk is behind after two hours."""
        return now - min(self.events, self.late + 2 * LATE)

    @classmethod
    def of(cls, text: str) -> "Walks":
        events, late, *stuck = text.split()
        stuck = stuck or [_NEVER, _NEVER]
        events_stuck, late_stuck = [None if at == _NEVER else datetime.fromisoformat(at) for at in stuck]
        return cls(
            events=datetime.fromisoformat(events),
            late=datetime.fromisoformat(late),
            events_stuck=events_stuck,
            late_stuck=late_stuck,
        )


class EventSlice(Struct, frozen=True, kw_only=True):
    """The events before `until`, oldest first, and the ids of those that could not be decoded."""

    events: Sequence[StripeEvent]
    unreadable: Sequence[str]
    until: datetime


def list_slice(since: datetime, until: datetime, gateway: PaymentGateway) -> EventSlice:
    """List the events of the first part of [since, until) that fits on a page.

    The list begins with the newest event, so that only a part without a second page can be walked oldest first. A
    second has no parts: its pages are read together.
    """
    page = gateway.list_events(since, until, TYPES)
    while page.after and until - since > _SECOND:
        until = since + (until - since) // _SECOND // 2 * _SECOND
        page = gateway.list_events(since, until, TYPES)
    events, unreadable = list(page.events), list(page.unreadable)
    while page.after:
        page = gateway.list_events(since, until, TYPES, page.after)
        events += page.events
        unreadable += page.unreadable
    return EventSlice(events=events[::-1], unreadable=unreadable, until=until)


def object_of(event: StripeEvent) -> str:
    """Name what a look for the event reads. An event that is acted on as it is has a name of its own."""
    if event.membership is not None:
        return f"subscription/{event.membership.subscription_id}"
    if event.invoice_id is not None:
        return f"invoice/{event.invoice_id}"
    if event.payment_intent is not None:
        return f"{'warning' if event.type in FRAUD_WARNINGS else 'payment'}/{event.payment_intent}"
    return f"event/{event.stripe_event_id}"
