"""Reconcile handles missed events once, and continues after one that fails."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.usecases.reconcile import FIRST_LOOKBACK, GRACE, LOOKBACK, OVERLAP, reconcile
from tests.domain.builders import a_purchase
from tests.fake_operators import FakeJournal
from tests.fakes import START, session_of
from tests.usecases.checkout_harness import CheckoutHarness, a_stripe_event, session_event


class ReconcileHarness(CheckoutHarness):
    """Add a journal, an hour after the default purchase was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal(self.books)
        self.clock.advance(timedelta(hours=1))

    def list(self, *events: StripeEvent) -> None:
        self.provider.listed += events

    def reconcile(self) -> dict[str, int]:
        return {
            outcome.value: events
            for outcome, events in reconcile(self.stripe_event_services(), journal=self.journal).items()
        }


@pytest.fixture
def harness() -> ReconcileHarness:
    harness = ReconcileHarness()
    harness.stock()
    return harness


def test_reconcile_credits_a_lost_payment_once(harness: ReconcileHarness) -> None:
    harness.list(session_event("paid"))
    assert harness.reconcile() == {"credited": 1}
    assert harness.reconcile() == {"repeated": 1}
    assert harness.balance() == 70


def test_reconcile_leaves_recent_events_to_their_webhooks(harness: ReconcileHarness) -> None:
    harness.list(a_stripe_event(created_at=harness.clock.now() - GRACE + timedelta(seconds=1)))
    assert harness.reconcile() == {}
    harness.clock.advance(timedelta(seconds=1))
    assert harness.reconcile() == {"credited": 1}


@pytest.mark.parametrize(("back", "seen"), [(FIRST_LOOKBACK + OVERLAP, True), (FIRST_LOOKBACK + OVERLAP * 2, False)])
def test_reconcile_first_run_covers_the_retries_of_webhooks(
    harness: ReconcileHarness, back: timedelta, *, seen: bool
) -> None:
    harness.list(a_stripe_event(created_at=harness.clock.now() - back))
    assert bool(harness.reconcile()) is seen


def test_reconcile_ignores_a_watermark_before_the_providers_retention(harness: ReconcileHarness) -> None:
    harness.journal.move_watermark("reconcile", START - LOOKBACK * 2)
    harness.list(a_stripe_event(created_at=harness.clock.now() - LOOKBACK - OVERLAP * 2))
    assert harness.reconcile() == {}


@pytest.mark.parametrize("fault", [TryAgain("busy"), RuntimeError("unexpected")])
def test_reconcile_failing_event_holds_only_the_watermark(harness: ReconcileHarness, fault: Exception) -> None:
    before = harness.clock.now() - timedelta(days=1)
    harness.journal.move_watermark("reconcile", before)
    harness.list(session_event("unpaid"), session_event("paid"))
    harness.recorder.fail_before["move_purchase"] = fault
    outcome = "try_again" if isinstance(fault, TryAgain) else "unforeseen"
    assert harness.reconcile() == {outcome: 1, "credited": 1}
    assert harness.journal.read_watermark("reconcile") == before
    assert harness.reconcile() == {"unchanged": 1, "repeated": 1}
    assert harness.journal.read_watermark("reconcile") == harness.clock.now() - GRACE


def test_reconcile_cut_short_keeps_its_progress(harness: ReconcileHarness) -> None:
    class Killed(BaseException):
        pass

    unrelated = replace(session_of(a_purchase()), ref=None)
    listed = [a_stripe_event(session=unrelated, created_at=START + timedelta(seconds=number)) for number in range(150)]
    harness.list(*listed, replace(session_event("paid"), created_at=START + timedelta(seconds=150)))
    harness.recorder.fail_before["post_purchase"] = Killed()  # type: ignore[assignment]  # the function's time is up
    with pytest.raises(Killed):
        harness.reconcile()
    assert harness.journal.read_watermark("reconcile") == START + timedelta(seconds=99)


def test_reconcile_watermark_never_moves_back(harness: ReconcileHarness) -> None:
    since = harness.clock.now() - timedelta(minutes=1)
    harness.journal.move_watermark("reconcile", since)
    harness.list(*[session_event("paid")] * 200)
    harness.reconcile()
    assert harness.journal.read_watermark("reconcile") == since
