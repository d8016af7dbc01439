"""Reconciliation: list Stripe's events and handle those whose webhooks were lost."""

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.ports.journal import Journal
from chalicelib.usecases.stripe_events import (
    FRAUD_WARNINGS,
    INVOICE_EVENTS,
    MONEY_EVENTS,
    SESSION_EVENTS,
    SUBSCRIPTION_EVENTS,
    StripeEventServices,
    dispatch_event,
)

log = logging.getLogger(__name__)

OVERLAP: Final = timedelta(hours=1)
"""Overlap of consecutive runs: Stripe lists events by whole seconds, and some late."""
GRACE: Final = timedelta(minutes=5)
"""Younger events are skipped: their webhooks may still arrive."""
LOOKBACK: Final = timedelta(days=30)
"""Stripe's retention of events."""
FIRST_LOOKBACK: Final = timedelta(days=3)
"""Lookback of the first run: Stripe retries webhooks for as long."""

_TYPES: Final = MONEY_EVENTS | FRAUD_WARNINGS | SESSION_EVENTS.keys() | INVOICE_EVENTS | SUBSCRIPTION_EVENTS
_WATERMARK: Final = "reconcile"
_STRIDE: Final = 100


def reconcile(services: StripeEventServices, *, journal: Journal) -> Counter[Outcome]:
    """Handle every event since the last run, oldest first. Idempotent.

    Returns:
        The number of events by outcome. Later runs retry those counted as try_again and unforeseen.

    Raises:
        TryAgain: the events could not be listed.
    """
    now = services.clock.now()
    until = now - GRACE
    since = max(journal.read_watermark(_WATERMARK) or now - FIRST_LOOKBACK, now - LOOKBACK)
    outcomes: Counter[Outcome] = Counter()
    events = services.gateway.list_events(since - OVERLAP, _TYPES)
    for number, event in enumerate((event for event in events if event.created_at <= until), start=1):
        outcome = _handle(event, services)
        outcomes[outcome] += 1
        if outcome.is_recovery:
            log.warning("event_recovered", extra={"stripe_event_id": event.stripe_event_id, "outcome": outcome.value})
        # A run after a long outage may time out: the next one continues from here.
        if number % _STRIDE == 0 and event.created_at > since:
            _move_watermark(event.created_at, outcomes, journal)
    _move_watermark(max(since, until), outcomes, journal)
    return outcomes


def _move_watermark(to: datetime, outcomes: Counter[Outcome], journal: Journal) -> None:
    """Move the watermark unless an event must be retried by the next run."""
    if not outcomes[Outcome.TRY_AGAIN] and not outcomes[Outcome.UNFORESEEN]:
        journal.move_watermark(_WATERMARK, to)


def _handle(event: StripeEvent, services: StripeEventServices) -> Outcome:
    try:
        return dispatch_event(event, services)
    except TryAgain:
        return Outcome.TRY_AGAIN
    except Exception:  # any failure concerns this event only
        # One failing event must not delay the others.
        log.exception("event_unhandled", extra={"stripe_event_id": event.stripe_event_id})
        return Outcome.UNFORESEEN
