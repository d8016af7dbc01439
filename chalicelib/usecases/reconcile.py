"""Reconciliation: walk Stripe's list of events and handle those whose webhooks were lost."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.journal import batches
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import StripeEvent
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.work import ParkedItem, Part
from chalicelib.errors import TryAgain
from chalicelib.ports.journal import Journal
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.looks import Looks
from chalicelib.ports.threads import Threads
from chalicelib.usecases.event_slices import LATE, EventSlice, Walks, list_slice, object_of
from chalicelib.usecases.stripe_events import SESSION_EVENTS, StripeEventServices, dispatch_event
from chalicelib.usecases.work import Turn, WorkServices, work_on

log = logging.getLogger(__name__)

GRACE: Final = timedelta(minutes=5)
"""Younger events are left to their webhooks."""
LOOKBACK: Final = timedelta(days=30)
"""Stripe's retention of events, and the lookback of the first run."""
RUN_TIME: Final = timedelta(minutes=11)
"""Time in which a run begins new looks. Its function times out three minutes later: slow looks take two of them."""
CLOCK_SKEW: Final = timedelta(minutes=1)
"""Difference between Stripe's clock and this system's that a look allows for."""
CHUNK: Final = 20
"""Looks between two reads of the clock: at 20 requests a second, about 4 seconds."""
AWAY: Final = 50
"""Looks without an answer, one after another, that mean that the provider or the table is away."""
PATIENCE: Final = timedelta(hours=6)
"""Time at a position where nothing answers. Its events are set aside then, as they may fail by themselves."""

PART: Final = Part(worker="reconcile", name="events")

_FIRST_RELEASE: Final = "reconcile"
"""The position that the first release stored."""
_FEW: Final = 25
"""Events of a slice after which the next one is made wider. A slice has one page, of at most 100."""
_FAILED: Final = frozenset({Outcome.TRY_AGAIN, Outcome.UNFORESEEN})


class ReconcileServices(StripeEventServices, WorkServices, Protocol):
    """Services that reconciliation needs."""

    @property
    def journal(self) -> Journal: ...

    @property
    def looks(self) -> Looks: ...

    @property
    def threads(self) -> Threads: ...


class Reconciled(Struct, frozen=True, kw_only=True):
    """The looks of a run by outcome, and the events that it set aside.

    `behind` is the age of the oldest event that it may have left; None if another run is at work. `gone` counts the
    events set aside that it gave up, after 30 days.
    """

    outcomes: Mapping[Outcome, int]
    parked: int
    behind: timedelta | None
    gone: int


def reconcile(services: ReconcileServices) -> Reconciled:
    """Handle the events since the last run, oldest first, one look for each payment, subscription or invoice.

    Idempotent. The list is walked in slices of time; the position moves after each of them, and the run ends at its
    deadline. An event that fails is set aside by its id. A second walk, over each whole hour once the list is complete
    there, finds the events that were listed late. An object with a look since its last event gets no other one.

    Raises:
        TryAgain: the provider or the table is away, and nothing was done.
    """
    outcomes: Counter[Outcome] = Counter()
    runs: list[_Run] = []

    def step(turn: Turn) -> None:
        runs.append(_Run(turn, services, outcomes))
        try:
            runs[0].work()
        except TryAgain:
            if outcomes.keys() <= _FAILED:
                raise
            log.warning("reconcile_cut_short", exc_info=True)

    turn = work_on(PART, step, services, deadline=services.clock.now() + RUN_TIME)
    behind = runs[0].walks.behind(services.clock.now()) if runs else None
    gone = runs[0].gone if runs else 0
    return Reconciled(outcomes=outcomes, parked=turn.parked if turn else 0, behind=behind, gone=gone)


def _walks(turn: Turn, services: ReconcileServices) -> Walks:
    oldest = _whole(services.clock.now() - LOOKBACK)
    if turn.at is not None:
        walks: Walks = Walks.of(turn.at)
    elif former := services.journal.read_watermark(_FIRST_RELEASE):
        walks = Walks(events=_whole(former), late=_whole(former - LATE))
    else:
        walks = Walks(events=oldest, late=oldest)
    return replace(walks, events=max(walks.events, oldest), late=max(walks.late, oldest))


class _Run:
    """One run. `walks` are its positions, `gone` the number of events that it gave up."""

    def __init__(self, turn: Turn, services: ReconcileServices, outcomes: Counter[Outcome]) -> None:
        self._turn = turn
        self._services = services
        self._outcomes = outcomes
        self._unanswered = 0
        self._is_second_walk = False
        self.gone = 0
        self.walks = _walks(turn, services)

    def work(self) -> None:
        self._try_parked()
        until = _whole(self._services.clock.now() - GRACE)
        for reached, complete in self._walk(self.walks.events, until):
            walks: Walks = self.walks
            # What was complete when it was listed needs no second walk.
            late = max(walks.late, complete) if walks.late == walks.events else walks.late
            self._move(replace(walks, events=reached, late=late, events_stuck=None))
        self._is_second_walk = True
        hour = (until - LATE).replace(minute=0, second=0)
        for reached, _ in self._walk(self.walks.late, min(hour, self.walks.events)):
            walks = self.walks
            self._move(replace(walks, late=reached, late_stuck=None))

    def _move(self, to: Walks) -> None:
        self._turn.move(to.text)
        self.walks = to

    def _walk(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Handle the events of [since, until). Yields how far after each slice, and how far the list was complete."""
        width = until - since
        while since < until and not self._turn.is_over():
            now = self._services.clock.now()
            found = list_slice(since, min(since + width, until), self._services.gateway)
            width = (found.until - since) * (2 if len(found.events) < _FEW else 1)
            since = self._handle(found) or found.until
            yield since, min(since, _whole(now - LATE))
            if since < found.until:
                return

    def _handle(self, found: EventSlice) -> datetime | None:
        """Handle the events, with one look for each object. At the deadline, returns the first time that is left."""
        groups: dict[str, list[StripeEvent]] = {}
        for event in found.events:
            groups.setdefault(object_of(event), []).append(event)
        unreadable = {f"event/{event_id}": event_id for event_id in found.unreadable}
        known = self._services.looks.last_looks([*groups, *unreadable])
        for object_id in unreadable.keys() - known.keys():
            self._set_aside(unreadable[object_id], object_id, "unreadable")
        fresh = [
            group
            for object_id, group in groups.items()
            if object_id not in known or known[object_id] <= group[-1].created_at + CLOCK_SKEW
        ]
        failed: list[tuple[StripeEvent, Outcome]] = []
        left = None
        for chunk in batches(fresh, CHUNK):
            if self._turn.is_over():
                left = chunk[0][0].created_at
                break
            failed += self._look([group[-1] for group in chunk])
            # What failed since the last answer waits: it is tried again, not set aside, if the provider is away.
            answered = max(len(failed) - self._unanswered, 0)
            self._park(failed[:answered])
            del failed[:answered]
        self._park(failed)
        return left

    def _look(self, events: Sequence[StripeEvent]) -> list[tuple[StripeEvent, Outcome]]:
        """Handle the events side by side. Returns those that failed.

        Raises:
            TryAgain: the provider or the table is away.
        """
        looked = self._services.threads.map(lambda event: _look_at(event, self._services), events)
        failed = [(event, outcome) for event, outcome in zip(events, looked, strict=True) if self._count(outcome)]
        if self._unanswered >= AWAY and self._is_patient():
            raise TryAgain("The payment provider or the table is away.")
        return failed

    def _is_patient(self) -> bool:
        """Return True until the walk has been stuck at its position for hours. Stores since when it is."""
        now = self._services.clock.now()
        walks: Walks = self.walks
        since = walks.late_stuck if self._is_second_walk else walks.events_stuck
        if since is None:
            self._move(replace(walks, late_stuck=now) if self._is_second_walk else replace(walks, events_stuck=now))
        return since is None or now - since < PATIENCE

    def _park(self, failed: Sequence[tuple[StripeEvent, Outcome]]) -> None:
        for event, outcome in failed:
            self._set_aside(event.stripe_event_id, object_of(event), outcome.value)

    def _set_aside(self, event_id: str, object_id: str, reason: str) -> None:
        """Set an event aside. A retry reads its object's present state, so that no walk needs to."""
        self._turn.park(event_id, reason)
        _note_look(object_id, self._services.clock.now(), self._services)

    def _try_parked(self) -> None:
        """Retry the due events that were set aside, until most of them fail. The walk finds out for itself."""
        for chunk in self._due():
            if self._turn.is_over() or self._unanswered >= AWAY:
                break
            tried = self._services.threads.map(lambda item: _retry(item, self._services), chunk)
            for item, outcome in zip(chunk, tried, strict=True):
                if outcome is not None and self._count(outcome):
                    self._turn.park_again(item, outcome.value)
                else:
                    self.gone += outcome is None
                    self._turn.finish(item)
        self._unanswered = 0

    def _due(self) -> Iterator[Sequence[ParkedItem]]:
        while items := self._turn.due():
            yield from batches(items, CHUNK)

    def _count(self, outcome: Outcome) -> bool:
        """Count an outcome. Returns True for a failure."""
        self._outcomes[outcome] += 1
        self._unanswered = self._unanswered + 1 if outcome is Outcome.TRY_AGAIN else 0
        return outcome in _FAILED


def _retry(item: ParkedItem, services: ReconcileServices) -> Outcome | None:
    """Retry a parked event. None when it is gone, after 30 days: a key of another account does not find it, either."""
    try:
        event = services.gateway.find_event(item.item_id)
    except TryAgain:
        return Outcome.TRY_AGAIN
    if event is None:
        if services.clock.now() - item.parked_at < LOOKBACK:
            return Outcome.TRY_AGAIN
        log.error("parked_event_gone", extra={"stripe_event_id": item.item_id, "reason": item.reason})
        return None
    return _look_at(event, services)


def _look_at(event: StripeEvent, services: ReconcileServices) -> Outcome:
    """Handle one event. Its failure concerns this event only and does not delay the others."""
    began = services.clock.now()
    try:
        outcome = Outcome.REPEATED if _is_credited(event, services.ledger) else dispatch_event(event, services)
    except TryAgain:
        return Outcome.TRY_AGAIN
    except Exception:  # any failure concerns this event only
        log.exception("event_unhandled", extra={"stripe_event_id": event.stripe_event_id})
        return Outcome.UNFORESEEN
    _note_look(object_of(event), began, services)
    if outcome.is_recovery:
        log.warning("event_recovered", extra={"stripe_event_id": event.stripe_event_id, "outcome": outcome.value})
    return outcome


def _note_look(object_id: str, at: datetime, services: ReconcileServices) -> None:
    """Save the requests of another look. A failure costs no more than these."""
    try:
        services.looks.note_look(object_id, at)
    except Exception:  # any failure, since looks guard nothing
        log.warning("look_not_noted", extra={"object_id": object_id}, exc_info=True)


def _is_credited(event: StripeEvent, ledger: Ledger) -> bool:
    """Return True if the session's payment was credited. The read is cheaper than a transaction that is refused."""
    session = event.session if event.type in SESSION_EVENTS else None
    if session is None or session.ref is None or session.mode != "payment" or not session.is_paid:
        return False
    purchase = ledger.find_entry(session.ref.user_id, session.ref.purchase_id)
    return (
        isinstance(purchase, Purchase)
        and purchase.status is Status.POSTED
        and purchase.payment_intent == session.payment_intent
    )


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
