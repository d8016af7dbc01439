"""Slices of the list of events that reconcile walks, its positions, and the first release's position."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.domain.ids import iso
from chalicelib.domain.payments import EventPage, StripeEvent
from chalicelib.usecases.event_slices import TYPES, Walks, list_slice, object_of
from chalicelib.usecases.reconcile import GRACE, LOOKBACK
from chalicelib.usecases.stripe_events import (
    FRAUD_WARNINGS,
    INVOICE_EVENTS,
    MONEY_EVENTS,
    SESSION_EVENTS,
    SUBSCRIPTION_EVENTS,
)
from tests.domain.builders import KEY, a_membership
from tests.fake_memberships import hint_of
from tests.fakes import START, FakeGateway
from tests.usecases.checkout_harness import a_hint, a_stripe_event, session_event
from tests.usecases.reconcile_harness import ReconcileHarness

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = START + HOUR


class RecordingGateway(FakeGateway):
    """A gateway that records the slices and pages that are listed."""

    def __init__(self) -> None:
        super().__init__()
        self.slices: list[tuple[datetime, datetime]] = []
        self.types: list[Collection[str]] = []

    def list_events(
        self, since: datetime, until: datetime, types: Collection[str], after: str | None = None
    ) -> EventPage:
        self.slices.append((since, until))
        self.types.append(types)
        return super().list_events(since, until, types, after)


class WalkingHarness(ReconcileHarness):
    """A harness with a recording gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.provider: RecordingGateway = RecordingGateway()
        self.gateway = self.recorder.over(self.provider)

    def slices_of_a_run(self, after: timedelta = timedelta(0)) -> list[tuple[datetime, datetime]]:
        self.provider.slices.clear()
        self.reconcile(after)
        return self.provider.slices


@pytest.fixture
def harness() -> WalkingHarness:
    return WalkingHarness()


def test_reconcile_requests_every_handled_event_type_within_stripes_limit(harness: WalkingHarness) -> None:
    harness.reconcile()
    (types,) = harness.provider.types
    assert set(types) == MONEY_EVENTS | set(SESSION_EVENTS) | INVOICE_EVENTS | SUBSCRIPTION_EVENTS | FRAUD_WARNINGS
    assert len(types) <= 20


def test_reconcile_first_run_reaches_back_thirty_days(harness: WalkingHarness) -> None:
    assert harness.slices_of_a_run() == [(NOW - LOOKBACK, NOW - GRACE)]


@pytest.mark.parametrize("slept", [15 * MINUTE, DAY, 29 * DAY])
def test_reconcile_next_run_begins_where_the_last_one_ended(harness: WalkingHarness, slept: timedelta) -> None:
    harness.reconcile()
    assert harness.slices_of_a_run(slept)[0] == (NOW - GRACE, NOW - GRACE + slept)
    assert harness.worker.walks is not None
    assert harness.worker.walks.events == NOW - GRACE + slept


def test_reconcile_position_before_the_providers_retention_begins_at_it(harness: WalkingHarness) -> None:
    harness.reconcile()
    assert harness.slices_of_a_run(400 * DAY) == [(NOW + 370 * DAY, NOW + 400 * DAY - GRACE)]


def test_reconcile_continues_from_the_first_releases_position_an_hour_before_it(harness: WalkingHarness) -> None:
    harness.worker.journal.watermarks["reconcile"] = NOW - 3 * HOUR
    assert harness.slices_of_a_run() == [(NOW - 3 * HOUR, NOW - GRACE), (NOW - 4 * HOUR, NOW - 2 * HOUR)]


def test_reconcile_leaves_recent_events_to_their_webhooks(harness: WalkingHarness) -> None:
    harness.paid()
    harness.list_events(a_stripe_event(created_at=NOW - GRACE))
    assert harness.reconcile() == {}
    assert harness.reconcile(after=SECOND) == {"credited": 1}


@pytest.mark.parametrize(("late", "is_seen"), [(HOUR, True), (HOUR + SECOND, False)])
def test_reconcile_sees_an_event_listed_up_to_an_hour_late(
    harness: WalkingHarness, late: timedelta, is_seen: bool
) -> None:
    harness.paid()
    harness.reconcile()
    harness.list_events(a_stripe_event(created_at=NOW - late))
    assert harness.reconcile(after=3 * HOUR) == ({"credited": 1} if is_seen else {})


def test_reconcile_lists_each_whole_hour_once_more(harness: WalkingHarness) -> None:
    """Not at each run: Stripe has an allowance of read requests for each account."""
    for _ in range(12):
        harness.reconcile(after=15 * MINUTE)
    again = [(since, until) for since, until in harness.provider.slices if until < NOW + 10 * MINUTE and since > START]
    assert again == [(NOW - 45 * MINUTE, NOW)]
    assert len(harness.provider.slices) == 12 + 2


def test_reconcile_second_walk_never_passes_the_first(harness: WalkingHarness) -> None:
    for after in (MINUTE, 3 * HOUR, 20 * MINUTE, DAY):
        harness.reconcile(after)
        assert harness.worker.walks is not None
        assert harness.worker.walks.late <= harness.worker.walks.events


def test_walks_text_is_read_back() -> None:
    walks = Walks(events=NOW, late=START)
    for each in (walks, replace(walks, events_stuck=NOW), replace(walks, late_stuck=START)):
        assert Walks.of(each.text) == each
    assert Walks.of(f"{iso(NOW)} {iso(START)}") == walks


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (session_event("paid"), "event/evt_1"),
        (a_hint("pi_1"), "payment/pi_1"),
        (a_hint("pi_1", "radar.early_fraud_warning.created"), "warning/pi_1"),
        (a_stripe_event(invoice_id="in_1"), "invoice/in_1"),
        (a_stripe_event(membership=hint_of(a_membership())), f"subscription/sub_{KEY}"),
    ],
)
def test_object_of_is_what_a_look_reads(event: StripeEvent, name: str) -> None:
    assert object_of(event) == name


# --- slices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [0, 99, 100, 101, 450])
def test_list_slice_is_the_oldest_part_that_fits_on_a_page(harness: WalkingHarness, events: int) -> None:
    ids = harness.list_events(*[a_hint()] * events, since=START)
    found = list_slice(START, START + HOUR, harness.provider)
    listed = [event.stripe_event_id for event in found.events]
    assert listed == ids[: len(listed)]
    assert len(listed) <= 100
    assert events <= 100 or len(listed) > 25
    assert (found.until == START + HOUR) is (events <= 100)
    assert all(event.created_at < found.until for event in found.events)


def test_list_slice_of_a_crowded_second_is_the_second(harness: WalkingHarness) -> None:
    ids = harness.list_events(*[a_hint()] * 250)
    found = list_slice(START, START + HOUR, harness.provider)
    assert (len(found.events), found.until) == (250, START + SECOND)
    assert sorted(event.stripe_event_id for event in found.events) == sorted(ids)


def test_reconcile_of_many_events_lists_each_once_oldest_first(harness: WalkingHarness) -> None:
    """A list of constant density needs no more than a request for 25 events, and some to find the width."""
    for number in range(1_000):
        harness.list_events(session_event("expired"), since=NOW - 20 * DAY + number * 20 * MINUTE)
    assert harness.reconcile() == {"unchanged": 1_000}
    assert len(harness.provider.slices) < 1_000 / 25 + 10
    assert set(map(len, harness.provider.types)) == {len(TYPES)}


def test_reconcile_that_is_over_continues_at_the_first_event_left(
    harness: WalkingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look takes 20 seconds here, so that a run does 40 of them."""
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(100)], since=START)
    read = harness.provider.find_purchase_ref

    def slowly(payment_intent: str) -> object:
        harness.clock.advance(timedelta(seconds=20))
        return read(payment_intent)

    monkeypatch.setattr(harness.provider, "find_purchase_ref", slowly)
    done: list[int] = []
    reached: list[datetime] = []
    for _ in range(3):
        done.append(sum(harness.reconcile().values()))
        assert harness.worker.walks is not None
        reached.append(harness.worker.walks.events)
    assert done == [40, 40, 20]
    assert reached[:2] == [START + 40 * SECOND, START + 80 * SECOND]
