"""What webhooks did not bring is found, once, and one event that cannot be handled does not hold up the others."""

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
    """A harness with a journal, an hour after the usual purchase was opened."""

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
def office() -> ReconcileHarness:
    office = ReconcileHarness()
    office.stock()
    return office


def test_a_lost_payment_is_credited_once(office: ReconcileHarness) -> None:
    office.list(session_event("paid"))
    assert office.reconcile() == {"credited": 1}
    assert office.reconcile() == {"repeated": 1}
    assert office.balance() == 70


def test_a_webhook_may_still_be_on_its_way(office: ReconcileHarness) -> None:
    office.list(a_stripe_event(created_at=office.clock.now() - GRACE + timedelta(seconds=1)))
    assert office.reconcile() == {}
    office.clock.advance(timedelta(seconds=1))
    assert office.reconcile() == {"credited": 1}


@pytest.mark.parametrize(("back", "seen"), [(FIRST_LOOKBACK + OVERLAP, True), (FIRST_LOOKBACK + OVERLAP * 2, False)])
def test_the_first_run_looks_back_as_far_as_webhooks_are_sent_again(
    office: ReconcileHarness, back: timedelta, *, seen: bool
) -> None:
    office.list(a_stripe_event(created_at=office.clock.now() - back))
    assert bool(office.reconcile()) is seen


def test_a_watermark_older_than_what_the_provider_keeps_is_no_use(office: ReconcileHarness) -> None:
    office.journal.move_watermark("reconcile", START - LOOKBACK * 2)
    office.list(a_stripe_event(created_at=office.clock.now() - LOOKBACK - OVERLAP * 2))
    assert office.reconcile() == {}


@pytest.mark.parametrize("fault", [TryAgain("busy"), RuntimeError("nobody foresaw it")])
def test_what_cannot_be_handled_holds_up_nothing_but_the_watermark(office: ReconcileHarness, fault: Exception) -> None:
    before = office.clock.now() - timedelta(days=1)
    office.journal.move_watermark("reconcile", before)
    office.list(session_event("unpaid"), session_event("paid"))
    office.recorder.fail_before["move_purchase"] = fault
    outcome = "try_again" if isinstance(fault, TryAgain) else "unforeseen"
    assert office.reconcile() == {outcome: 1, "credited": 1}
    assert office.journal.read_watermark("reconcile") == before
    assert office.reconcile() == {"unchanged": 1, "repeated": 1}
    assert office.journal.read_watermark("reconcile") == office.clock.now() - GRACE


def test_a_run_that_is_cut_short_has_not_worked_for_nothing(office: ReconcileHarness) -> None:
    class Killed(BaseException):
        pass

    stranger = replace(session_of(a_purchase()), ref=None)
    listed = [a_stripe_event(session=stranger, created_at=START + timedelta(seconds=number)) for number in range(150)]
    office.list(*listed, replace(session_event("paid"), created_at=START + timedelta(seconds=150)))
    office.recorder.fail_before["post_purchase"] = Killed()  # type: ignore[assignment]  # the function's time is up
    with pytest.raises(Killed):
        office.reconcile()
    assert office.journal.read_watermark("reconcile") == START + timedelta(seconds=99)


def test_the_watermark_never_goes_back(office: ReconcileHarness) -> None:
    since = office.clock.now() - timedelta(minutes=1)
    office.journal.move_watermark("reconcile", since)
    office.list(*[session_event("paid")] * 200)
    office.reconcile()
    assert office.journal.read_watermark("reconcile") == since
