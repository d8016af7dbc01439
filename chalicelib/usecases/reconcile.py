"""Whatever webhooks were lost: ask the payment provider for its events, and handle them like those that arrived."""

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.ports.journal import Journal
from chalicelib.usecases.stripe_events import (
    INVOICE_EVENTS,
    MONEY_EVENTS,
    SESSION_EVENTS,
    SUBSCRIPTION_EVENTS,
    StripeEventServices,
    dispatch_event,
)

log = logging.getLogger(__name__)

OVERLAP: Final = timedelta(hours=1)
"""Events are listed by whole seconds and may be listed late: each run begins before the last one ended."""
GRACE: Final = timedelta(minutes=5)
"""Webhooks are given so long: what is younger is not lost yet, and would only be healed for nothing."""
LOOKBACK: Final = timedelta(days=30)
"""The payment provider keeps its events so long."""
FIRST_LOOKBACK: Final = timedelta(days=3)
"""How far the very first run looks back: as long as the provider itself keeps sending."""
HEALED: Final = frozenset(
    {
        "credited",
        "clawed_back",
        "restored",
        "processing",
        "failed",
        "expired",
        "membership_active",
        "membership_past_due",
        "membership_ended",
    }
)
"""Outcomes that changed something, so that the webhook cannot have."""

_TYPES: Final = MONEY_EVENTS | SESSION_EVENTS.keys() | INVOICE_EVENTS | SUBSCRIPTION_EVENTS
_WATERMARK: Final = "reconcile"
_NOT_NOW: Final = "try_again"
_UNFORESEEN: Final = "unforeseen"
_STRIDE: Final = 100


def reconcile(*, intake: StripeEventServices, journal: Journal) -> Counter[str]:
    """Handle every event since the last run, oldest first. Safe at any time, and as often as one likes.

    Returns:
        How many events ended how, in handle_event's words; try_again and unforeseen for those that are not done, and
        that every run comes back to until they are.

    Raises:
        TryAgain: the events could not be listed.
    """
    now = intake.clock.now()
    until = now - GRACE
    since = max(journal.read_watermark(_WATERMARK) or now - FIRST_LOOKBACK, now - LOOKBACK)
    outcomes: Counter[str] = Counter()
    events = intake.gateway.list_events(since - OVERLAP, _TYPES)
    for number, event in enumerate((event for event in events if event.created_at <= until), start=1):
        outcome = _handle(event, intake)
        outcomes[outcome] += 1
        if outcome in HEALED:
            log.warning("healed", extra={"stripe_event_id": event.stripe_event_id, "outcome": outcome})
        # After a long outage one run may not live to see the end: what it has done, the next one need not do again.
        if number % _STRIDE == 0 and event.created_at > since:
            _move_watermark(event.created_at, outcomes, journal)
    _move_watermark(max(since, until), outcomes, journal)
    return outcomes


def _move_watermark(to: datetime, outcomes: Counter[str], journal: Journal) -> None:
    """What could not be handled now must be in reach of the next run."""
    if not outcomes[_NOT_NOW] and not outcomes[_UNFORESEEN]:
        journal.move_watermark(_WATERMARK, to)


def _handle(event: StripeEvent, intake: StripeEventServices) -> str:
    try:
        return dispatch_event(event, intake)
    except TryAgain:
        return _NOT_NOW
    except Exception:  # whatever it is, it is this streak's trouble
        # One event that nobody can handle must not hold up whatever else was lost.
        log.exception("event cannot be handled", extra={"stripe_event_id": event.stripe_event_id})
        return _UNFORESEEN
