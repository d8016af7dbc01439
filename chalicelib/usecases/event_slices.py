"""Slices of the provider's list of events, and the objects that events are about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

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
_SECOND: Final = timedelta(seconds=1)
"""Stripe's times are whole seconds."""


def list_slice(since: datetime, until: datetime, gateway: PaymentGateway) -> tuple[Sequence[StripeEvent], datetime]:
    """List the events of the first part of [since, until) that fits on a page, oldest first, and the part's end.

    The list begins with the newest event, so that only a part without a second page can be walked oldest first. A
    second has no parts: its pages are read together.
    """
    page = gateway.list_events(since, until, TYPES)
    while page.after and until - since > _SECOND:
        until = since + (until - since) // _SECOND // 2 * _SECOND
        page = gateway.list_events(since, until, TYPES)
    events = list(page.events)
    while page.after:
        page = gateway.list_events(since, until, TYPES, page.after)
        events += page.events
    return events[::-1], until


def object_of(event: StripeEvent) -> str:
    """Name what a look for the event reads. An event that is acted on as it is has a name of its own."""
    if event.membership is not None:
        return f"subscription/{event.membership.subscription_id}"
    if event.invoice_id is not None:
        return f"invoice/{event.invoice_id}"
    if event.payment_intent is not None:
        return f"{'warning' if event.type in FRAUD_WARNINGS else 'payment'}/{event.payment_intent}"
    return f"event/{event.stripe_event_id}"
