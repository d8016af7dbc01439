"""Reconcile while the provider, or many of its objects, do not answer."""

from datetime import datetime, timedelta

import pytest

from chalicelib.domain.payments import EventPage
from chalicelib.domain.work import park_item
from chalicelib.errors import TryAgain
from chalicelib.usecases.event_slices import Walks
from chalicelib.usecases.reconcile import AWAY, CHUNK, PART, PATIENCE
from tests.fakes import START
from tests.usecases.checkout_harness import a_hint, session_event
from tests.usecases.reconcile_harness import ReconcileHarness

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def harness() -> ReconcileHarness:
    return ReconcileHarness()


def raise_try_again(*_: object) -> None:
    raise TryAgain


def stuck(harness: ReconcileHarness) -> tuple[datetime | None, datetime | None]:
    """Return since when the first and the second walk have been stuck."""
    walks = harness.worker.walks
    assert walks is not None
    return walks.events_stuck, walks.late_stuck


def test_reconcile_while_the_provider_is_away_sets_nothing_aside(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(AWAY + 10)])
    monkeypatch.setattr(harness.provider, "find_purchase_ref", raise_try_again)
    with pytest.raises(TryAgain):
        harness.reconcile()
    assert harness.worker.parked == []
    assert harness.worker.walks is not None
    assert harness.worker.walks.events < harness.provider.listed[0].created_at


def test_reconcile_that_is_days_behind_sets_nothing_aside_while_reads_fail(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, only recent events were left: a first run set everything aside that is older than six hours."""
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(2 * AWAY)], since=START - 20 * DAY)
    monkeypatch.setattr(harness.provider, "find_purchase_ref", raise_try_again)
    for _ in range(5):
        with pytest.raises(TryAgain):
            harness.reconcile(after=HOUR)
    monkeypatch.undo()
    assert harness.worker.parked == []
    assert harness.reconcile() == {"stranger": 2 * AWAY}


def test_reconcile_whose_parked_parked_events_all_fail_walks_on(harness: ReconcileHarness) -> None:
    for number in range(2 * AWAY):
        harness.worker.positions.park(PART, park_item(f"evt_gone_{number}", "try_again", START))
    harness.paid()
    harness.list_events(session_event("paid"))
    assert harness.reconcile() == {"try_again": 3 * CHUNK, "credited": 1}


def test_reconcile_retries_all_due_events_in_one_run(harness: ReconcileHarness) -> None:
    """Before, a run retried a hundred."""
    events = harness.list_events(*[a_hint(f"pi_{number}") for number in range(250)], since=START)
    for event_id in events:
        harness.worker.positions.park(PART, park_item(event_id, "try_again", START))
    assert harness.reconcile() == {"stranger": 250}
    assert harness.worker.parked == []


def test_reconcile_sets_each_failing_object_aside_once(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their second walk is no outage, although each of them would fail again."""
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(3 * AWAY)], since=START)
    poison = {f"pi_{number}" for number in range(0, 3 * AWAY, 2)}
    read = harness.provider.find_purchase_ref
    monkeypatch.setattr(
        harness.provider, "find_purchase_ref", lambda name: raise_try_again() if name in poison else read(name)
    )
    harness.worker.journal.watermarks["reconcile"] = START
    assert harness.reconcile() == {"stranger": len(poison), "try_again": len(poison)}
    harness.worker.positions.parked.clear()
    assert harness.reconcile(after=3 * HOUR) == {}
    assert harness.worker.walks is not None
    assert harness.worker.walks.late == START + 2 * HOUR


def test_reconcile_cut_short_has_set_aside_what_failed_between_answers(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events after the last answer are not set aside: the provider is away."""
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(AWAY + 2 * CHUNK)], since=START)
    read = harness.provider.find_purchase_ref
    monkeypatch.setattr(
        harness.provider, "find_purchase_ref", lambda name: read(name) if name == "pi_3" else raise_try_again()
    )
    assert harness.reconcile() == {"stranger": 1, "try_again": 3 * CHUNK - 1}
    assert harness.worker.parked == ["evt_0", "evt_1", "evt_2"]
    assert harness.worker.walks is not None
    assert harness.worker.walks.events <= START


def test_reconcile_passes_adjacent_failing_objects_after_hours_at_their_position(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, they stopped its position for good, as if the provider were away."""
    events = harness.list_events(*[a_hint(f"pi_{number}") for number in range(2 * AWAY)], since=START)
    monkeypatch.setattr(harness.provider, "find_purchase_ref", raise_try_again)
    harness.worker.journal.watermarks["reconcile"] = START
    for _ in range(6):
        with pytest.raises(TryAgain):
            harness.reconcile(after=HOUR)
    assert (harness.worker.parked, stuck(harness)) == ([], (START + 2 * HOUR, None))
    harness.paid()
    harness.list_events(session_event("paid"), since=START + PATIENCE)
    assert harness.reconcile(after=HOUR) == {"try_again": len(events), "credited": 1}
    assert (harness.worker.parked, stuck(harness)) == (events, (None, None))


def test_reconcile_is_as_patient_at_its_next_position(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an outage, a page of events is set aside each six hours."""
    events = harness.list_events(*[a_hint(f"pi_{number}") for number in range(200)], since=START)
    monkeypatch.setattr(harness.provider, "find_purchase_ref", raise_try_again)
    harness.worker.journal.watermarks["reconcile"] = START
    with pytest.raises(TryAgain):
        harness.reconcile()
    with pytest.raises(TryAgain):
        harness.reconcile(after=PATIENCE)
    assert 0 < len(harness.worker.parked) <= 100
    assert harness.worker.parked == events[: len(harness.worker.parked)]
    assert stuck(harness) == (harness.clock.now(), None)


def test_reconcile_passes_adjacent_failing_objects_of_its_second_walk(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first walk moves on meanwhile."""
    now = harness.clock.now()
    harness.worker.positions.places[PART.worker, PART.name] = Walks(events=now, late=now - 6 * HOUR).text
    events = harness.list_events(*[a_hint(f"pi_{number}") for number in range(AWAY)], since=now - 6 * HOUR)
    monkeypatch.setattr(harness.provider, "find_purchase_ref", raise_try_again)
    for _ in range(6):
        with pytest.raises(TryAgain):
            harness.reconcile(after=HOUR)
    assert (harness.worker.parked, stuck(harness)) == ([], (None, now + HOUR))
    assert harness.reconcile(after=HOUR) == {"try_again": AWAY}
    assert (harness.worker.parked, stuck(harness)) == (events, (None, None))


def test_reconcile_is_behind_while_its_second_walk_is(harness: ReconcileHarness) -> None:
    now = harness.clock.now()
    harness.worker.positions.places[PART.worker, PART.name] = Walks(events=now, late=now - 6 * HOUR).text
    harness.recorder.fail_before["list_events"] = TryAgain()
    harness.worker.positions.park(PART, park_item("evt_0", "try_again", START))
    harness.list_events(session_event("expired"))
    harness.reconcile()
    assert harness.worker.done is not None
    assert harness.worker.done.behind == 4 * HOUR


def test_reconcile_sets_an_unreadable_event_aside_once(
    harness: ReconcileHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.provider, "list_events", lambda *_: EventPage(events=[], unreadable=["evt_new"]))
    assert harness.reconcile() == {}
    parked = harness.worker.positions.parked[PART.worker, PART.name]
    assert {name: item.reason for name, item in parked.items()} == {"evt_new": "unreadable"}
    parked.clear()
    assert harness.reconcile(after=3 * HOUR) == {}
    assert harness.worker.parked == []
