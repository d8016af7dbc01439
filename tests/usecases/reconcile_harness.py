"""Test harness of reconciliation: a provider's list of events, and the worker's own memory."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import StripeEvent
from chalicelib.ports.threads import Threads
from chalicelib.usecases.event_slices import Walks
from chalicelib.usecases.reconcile import PART, Reconciled, reconcile
from tests.fake_looks import FakeLooks, OneThread
from tests.fake_operators import FakeJournal
from tests.fake_services import FakeReconcileServices
from tests.fake_work import FakeWorkPositions
from tests.usecases.checkout_harness import CheckoutHarness


class Reconciler:
    """The worker over a harness's ports. `done` is what its last run returned."""

    def __init__(self, harness: CheckoutHarness, journal: FakeJournal | None = None) -> None:
        self.harness = harness
        self.journal = journal or FakeJournal(harness.books)
        self.positions = FakeWorkPositions()
        self.looks = FakeLooks()
        self.threads: Threads = OneThread()
        self.done: Reconciled | None = None

    def services(self) -> FakeReconcileServices:
        harness = self.harness
        return FakeReconcileServices(
            ledger=harness.ledger,
            gateway=harness.gateway,
            memberships=harness.memberships,
            subscriptions=harness.subscriptions,
            clock=harness.clock,
            catalogue=harness.catalogue,
            journal=self.journal,
            positions=harness.recorder.over(self.positions),
            looks=harness.recorder.over(self.looks),
            threads=self.threads,
        )

    def reconcile(self) -> dict[Outcome, int]:
        self.done = reconcile(self.services())
        return dict(self.done.outcomes)

    @property
    def walks(self) -> Walks | None:
        """The worker's positions as stored."""
        text = self.positions.places.get((PART.worker, PART.name))
        return Walks.of(text) if text else None

    @property
    def parked(self) -> list[str]:
        """The ids of the events that are set aside."""
        return list(self.positions.parked.get((PART.worker, PART.name), {}))


class ReconcileHarness(CheckoutHarness):
    """Add the worker and events without webhooks, an hour after the default purchase was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.clock.advance(timedelta(hours=1))
        self.worker = Reconciler(self)

    def list_events(self, *events: StripeEvent, since: datetime | None = None) -> list[str]:
        """List the events, each with an id of its own. With `since`, one a second from then. Returns their ids."""
        first = len(self.provider.listed)
        for number, event in enumerate(events):
            created_at = event.created_at if since is None else since + timedelta(seconds=number)
            event_id = f"evt_{first + number}"
            self.provider.listed.append(replace(event, stripe_event_id=event_id, created_at=created_at))
        return [event.stripe_event_id for event in self.provider.listed[first:]]

    def reconcile(self, after: timedelta = timedelta(0)) -> dict[str, int]:
        self.clock.advance(after)
        return {outcome.value: looks for outcome, looks in self.worker.reconcile().items()}

    def calls_during(self, act: Callable[[], object]) -> list[str]:
        """Return the calls of all ports during the act."""
        before = len(self.recorder.calls)
        act()
        return self.recorder.calls[before:]
