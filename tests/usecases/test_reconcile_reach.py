"""How far each run of reconcile reaches, and what it tells."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.payments import StripeEvent
from chalicelib.errors import TryAgain
from chalicelib.usecases.reconcile import GRACE, reconcile
from chalicelib.usecases.stripe_events import INVOICE_EVENTS, MONEY_EVENTS, SESSION_EVENTS, SUBSCRIPTION_EVENTS
from tests.fake_operators import FakeJournal
from tests.fakes import START, FakeGateway, uuid7_at
from tests.usecases.checkout_harness import CheckoutHarness, a_hint, a_stripe_event, moved_money, session_event

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = START + HOUR


class RecordingGateway(FakeGateway):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.since: list[datetime] = []
        self.types: list[Collection[str]] = []

    def list_events(self, since: datetime, types: Collection[str]) -> Sequence[StripeEvent]:
        self.since.append(since)
        self.types.append(types)
        return super().list_events(since, types)


class ReconcileHarness(CheckoutHarness):
    """No webhook arrives, and the provider remembers. It is an hour after the usual purchase."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FakeJournal(self.books)
        self.provider: RecordingGateway = RecordingGateway()
        self.gateway = self.recorder.over(self.provider)
        self.clock.advance(HOUR)

    def happens(self, *events: StripeEvent) -> None:
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
def night() -> ReconcileHarness:
    return ReconcileHarness()


def test_what_no_webhook_brought_is_handled_in_its_order(night: ReconcileHarness) -> None:
    night.paid()
    night.move_money(refunds=[moved_money(37)])
    night.happens(session_event("unpaid"), session_event("succeeded"), a_hint(), a_hint(kind="charge.refunded"))
    assert night.reconcile() == {"processing": 1, "credited": 1, "clawed_back": 1, "unchanged": 1}
    assert night.balance() == 35


def test_what_webhooks_brought_is_left_as_it_is(night: ReconcileHarness) -> None:
    night.paid()
    for event in (session_event("paid"), a_hint()):
        night.deliver(event)
        night.happens(event)
    assert night.reconcile() == {"repeated": 1, "unchanged": 1}
    assert (night.balance(), night.reasons()) == (70, [])


def test_all_that_we_understand_is_asked_for_and_no_more_types_than_the_provider_takes(night: ReconcileHarness) -> None:
    night.reconcile()
    (types,) = night.provider.types
    assert set(types) == MONEY_EVENTS | set(SESSION_EVENTS) | INVOICE_EVENTS | SUBSCRIPTION_EVENTS
    assert len(types) <= 20


def test_the_first_run_reaches_as_far_as_the_provider_keeps_sending(night: ReconcileHarness) -> None:
    night.reconcile()
    assert night.provider.since == [NOW - 3 * DAY - HOUR]


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
def test_each_run_begins_an_hour_before_the_end_of_the_last_one_but_no_more_than_thirty_days_ago(
    night: ReconcileHarness, slept: timedelta, reached: timedelta
) -> None:
    night.reconcile()
    night.reconcile(after=slept)
    assert night.provider.since[1] == night.clock.now() - reached - HOUR
    assert night.watermark == night.clock.now() - GRACE


@pytest.mark.parametrize(("late", "is_seen"), [(HOUR, True), (HOUR + SECOND, False)])
def test_an_event_that_is_listed_late_is_seen_for_an_hour(
    night: ReconcileHarness, late: timedelta, is_seen: bool
) -> None:
    night.paid()
    night.reconcile()
    night.happens(a_stripe_event(created_at=NOW - GRACE - late))
    assert night.reconcile(after=HOUR) == ({"credited": 1} if is_seen else {})


def test_one_that_must_wait_is_in_reach_of_the_next_run(night: ReconcileHarness) -> None:
    first, second = night.paid(), night.paid(purchase_id=uuid7_at(START, 2))
    night.reconcile()
    night.happens(session_event("paid", first), session_event("paid", second))
    night.recorder.fail_before["post_purchase"] = TryAgain()
    assert night.reconcile(after=HOUR) == {"try_again": 1, "credited": 1}
    assert (night.watermark, night.balance()) == (NOW - GRACE, 70)


def test_when_nothing_can_be_listed_the_next_run_begins_where_this_one_did(night: ReconcileHarness) -> None:
    night.reconcile()
    night.recorder.fail_before["list_events"] = TryAgain()
    with pytest.raises(TryAgain):
        night.reconcile(after=DAY)
    assert night.watermark == NOW - GRACE


def test_what_was_healed_is_logged_by_its_event_and_nothing_else_is(
    night: ReconcileHarness, caplog: pytest.LogCaptureFixture
) -> None:
    night.paid()
    night.happens(a_stripe_event(stripe_event_id="evt_lost"), a_stripe_event(stripe_event_id="evt_known"))
    night.reconcile()
    (line,) = caplog.records
    assert (line.message, vars(line)["stripe_event_id"], vars(line)["outcome"]) == (
        "event_recovered",
        "evt_lost",
        "credited",
    )


@pytest.mark.parametrize("word", ["repeated", "unchanged", "reviewed", "late_failure", "stranger", "unpaid"])
def test_what_changed_nothing_healed_nothing(word: str) -> None:
    assert not Outcome(word).is_recovery
