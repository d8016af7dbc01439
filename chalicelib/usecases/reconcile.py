"""Whatever webhooks were lost: ask the payment provider for its events, and handle them like those that arrived."""

import logging
from collections import Counter
from datetime import timedelta
from typing import Final

from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.ports import Journal
from chalicelib.usecases.handle_event import MONEY_EVENTS, SESSION_EVENTS, Intake, handle_event

log = logging.getLogger(__name__)

OVERLAP: Final = timedelta(hours=1)
"""Events are listed by whole seconds and may be listed late: each run begins before the last one ended."""
REACH: Final = timedelta(days=30)
"""The payment provider keeps its events so long."""
FIRST_REACH: Final = timedelta(days=3)
"""How far the very first run looks back: as long as the provider itself keeps sending."""
HEALED: Final = frozenset({"credited", "clawed_back", "restored", "processing", "failed", "expired"})
"""Outcomes that changed something, so that the webhook cannot have."""

_WATERMARK: Final = "reconcile"
_NOT_NOW: Final = "try_again"


def reconcile(*, intake: Intake, journal: Journal) -> Counter[str]:
    """Handle every event since the last run. Safe at any time, and as often as one likes.

    Returns:
        How many events ended how, in handle_event's words; try_again for those that must wait for the next run.

    Raises:
        TryAgain: the events could not be listed.
    """
    now = intake.clock.now()
    since = max(journal.read_watermark(_WATERMARK) or now - FIRST_REACH, now - REACH)
    outcomes: Counter[str] = Counter()
    types = MONEY_EVENTS | SESSION_EVENTS.keys()
    for event in intake.gateway.list_events(since - OVERLAP, types):
        outcome = _handle(event, intake)
        outcomes[outcome] += 1
        if outcome in HEALED:
            log.warning("healed", extra={"stripe_event_id": event.stripe_event_id, "outcome": outcome})
    # What could not be handled now must be in reach of the next run.
    if not outcomes[_NOT_NOW]:
        journal.move_watermark(_WATERMARK, now)
    return outcomes


def _handle(event: StripeEvent, intake: Intake) -> str:
    try:
        return handle_event(event, intake)
    except TryAgain:
        return _NOT_NOW
