"""Time range of each run of reconcile, and its log."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.usecases.reconcile import GRACE, reconcile
from chalicelib.usecases.stripe_events import (
    FRAUD_WARNINGS,
    INVOICE_EVENTS,
    MONEY_EVENTS,
    SESSION_EVENTS,
    SUBSCRIPTION_EVENTS,
)
from tests.domain.builders import a_refund
from tests.fake_operators import FakeJournal
from tests.fakes import START, FakeGateway, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness, a_hint, a_stripe_event, session_event

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = START + HOUR


class RecordingGateway(FakeGateway):
    """A gateway that records the arguments of its listings."""

    def __init__(self) -> None:
        super().__init__()
        self.since: list[datetime] = []
        self.types: list[Collection[str]] = []

    def list_events(self, since: datetime, types: Collection[str]) -> Sequence[StripeEvent]:
        self.since.append(since)
        self.types.append(types)
        return super().list_events(since, types)


class ReconcileHarness(CheckoutHarness):
    """Add a journal and listed events without webhooks, an hour after the default purchase was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal(self.books)
        self.provider: RecordingGateway = RecordingGateway()
        self.gateway = self.recorder.over(self.provider)
        self.clock.advance(HOUR)

    def list_events(self, *events: StripeEvent) -> None:
        self.provider.listed += events

    def reconcile(self, after: timedelta = timedelta(0)) -> dict[str, int]:
        self.clock.advance(after)
        return {
            outcome.value: events
            for outcome, events in reconcile(self.stripe_event_services(), journal=self.journal).items()
        }

    @property
    def watermark(self) -> datetime | None:
        return self.journal.watermarks.get("reconcile")


@pytest.fixture
def harness() -> ReconcileHarness:
    return ReconcileHarness()


def test_reconcile_handles_missed_events_in_order(harness: ReconcileHarness) -> None:
    harness.paid()
    harness.move_money(refunds=[a_refund(37)])
    harness.list_events(session_event("unpaid"), session_event("succeeded"), a_hint(), a_hint(kind="charge.refunded"))
    assert harness.reconcile() == {"processing": 1, "credited": 1, "clawed_back": 1, "unchanged": 1}
    assert harness.balance() == 35


def test_reconcile_of_delivered_events_changes_nothing(harness: ReconcileHarness) -> None:
    harness.paid()
    for event in (session_event("paid"), a_hint()):
        harness.deliver(event)
        harness.list_events(event)
    assert harness.reconcile() == {"repeated": 1, "unchanged": 1}
    assert (harness.balance(), harness.reasons()) == (70, [])


def test_reconcile_requests_every_handled_event_type_within_stripes_limit(harness: ReconcileHarness) -> None:
    harness.reconcile()
    (types,) = harness.provider.types
    assert set(types) == MONEY_EVENTS | set(SESSION_EVENTS) | INVOICE_EVENTS | SUBSCRIPTION_EVENTS | FRAUD_WARNINGS
    assert len(types) <= 20


def test_reconcile_first_run_reaches_back_three_days(harness: ReconcileHarness) -> None:
    harness.reconcile()
    assert harness.provider.since == [NOW - 3 * DAY - HOUR]


@pytest.mark.parametrize(
    ("slept", "reached"),
    [
        (timedelta(minutes=15), timedelta(minutes=20)),
        (DAY, DAY + GRACE),
        (30 * DAY - GRACE, 30 * DAY),
        (31 * DAY, 30 * DAY),
        (400 * DAY, 30 * DAY),
    ],
)
def test_reconcile_run_overlaps_the_last_by_an_hour_within_thirty_days(
    harness: ReconcileHarness, slept: timedelta, reached: timedelta
) -> None:
    harness.reconcile()
    harness.reconcile(after=slept)
    assert harness.provider.since[1] == harness.clock.now() - reached - HOUR
    assert harness.watermark == harness.clock.now() - GRACE


@pytest.mark.parametrize(("late", "is_seen"), [(HOUR, True), (HOUR + SECOND, False)])
def test_reconcile_sees_an_event_listed_up_to_an_hour_late(
    harness: ReconcileHarness, late: timedelta, is_seen: bool
) -> None:
    harness.paid()
    harness.reconcile()
    harness.list_events(a_stripe_event(created_at=NOW - GRACE - late))
    assert harness.reconcile(after=HOUR) == ({"credited": 1} if is_seen else {})


def test_reconcile_next_run_covers_an_event_that_failed(harness: ReconcileHarness) -> None:
    first, second = harness.paid(), harness.paid(purchase_id=uuid7_at(START, 2))
    harness.reconcile()
    harness.list_events(session_event("paid", first), session_event("paid", second))
    harness.recorder.fail_before["post_purchase"] = TryAgain()
    assert harness.reconcile(after=HOUR) == {"try_again": 1, "credited": 1}
    assert (harness.watermark, harness.balance()) == (NOW - GRACE, 70)


def test_reconcile_failed_listing_keeps_the_watermark(harness: ReconcileHarness) -> None:
    harness.reconcile()
    harness.recorder.fail_before["list_events"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.reconcile(after=DAY)
    assert harness.watermark == NOW - GRACE


def test_reconcile_logs_only_recovered_events(harness: ReconcileHarness, caplog: pytest.LogCaptureFixture) -> None:
    harness.paid()
    harness.list_events(a_stripe_event(stripe_event_id="evt_lost"), a_stripe_event(stripe_event_id="evt_known"))
    harness.reconcile()
    (line,) = caplog.records
    assert (line.message, vars(line)["stripe_event_id"], vars(line)["outcome"]) == (
        "event_recovered",
        "evt_lost",
        "credited",
    )


@pytest.mark.parametrize("word", ["repeated", "unchanged", "reviewed", "late_failure", "stranger", "unpaid"])
def test_outcome_without_a_change_is_no_recovery(word: str) -> None:
    assert not Outcome(word).is_recovery
