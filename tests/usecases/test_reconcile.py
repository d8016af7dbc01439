"""Reconcile handles missed events once, and what fails delays nothing else."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from chalicelib.adapters.threads import ThreadPool
from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.purchases import Status
from chalicelib.domain.work import park_item
from chalicelib.errors import TryAgain
from chalicelib.usecases.reconcile import CHUNK, LOOKBACK, PART, RUN_TIME
from tests.domain.builders import a_refund
from tests.fakes import START, session_of, uuid7_at
from tests.usecases.checkout_harness import a_hint, a_stripe_event, moved, session_event
from tests.usecases.reconcile_harness import ReconcileHarness

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def harness() -> ReconcileHarness:
    return ReconcileHarness()


def test_reconcile_credits_a_lost_payment_once(harness: ReconcileHarness) -> None:
    harness.paid()
    harness.list_events(session_event("paid"))
    assert harness.reconcile() == {"credited": 1}
    assert harness.reconcile() == {}
    assert harness.reconcile(after=3 * HOUR) == {}
    assert harness.balance() == 70


def test_reconcile_handles_missed_events_in_order(harness: ReconcileHarness) -> None:
    harness.paid()
    harness.move_money(refunds=[a_refund(37)])
    harness.list_events(session_event("unpaid"), session_event("succeeded"), a_hint(), a_hint(kind="charge.refunded"))
    assert harness.reconcile() == {"processing": 1, "credited": 1, "clawed_back": 1}
    assert harness.balance() == 35


def test_reconcile_of_delivered_events_changes_nothing(harness: ReconcileHarness) -> None:
    harness.paid()
    for event in (session_event("paid"), a_hint()):
        harness.deliver(event)
        harness.list_events(event)
    assert harness.reconcile() == {"repeated": 1, "unchanged": 1}
    assert (harness.balance(), harness.reasons()) == (70, [])


# --- one look -------------------------------------------------------------------------------------------------------


def test_reconcile_looks_once_at_a_payment_with_many_events(harness: ReconcileHarness) -> None:
    harness.paid(**moved(Status.POSTED))
    kinds = ["charge.refunded", "refund.created", "refund.updated", "charge.refund.updated"]
    harness.list_events(*[a_hint(kind=kind) for kind in kinds], since=START)
    calls = harness.calls_during(harness.reconcile)
    assert (calls.count("read_money"), calls.count("find_purchase_ref")) == (1, 1)


@pytest.mark.parametrize(("after", "looks"), [(2 * MINUTE, 0), (6 * MINUTE, 1)])
def test_reconcile_looks_again_only_for_events_after_the_look(
    harness: ReconcileHarness, after: timedelta, looks: int
) -> None:
    """The first look, an hour after START, sees what happens until then. A minute is left for the clocks."""
    harness.paid(**moved(Status.POSTED))
    harness.list_events(a_hint(), since=START)
    harness.reconcile()
    looked_at = harness.clock.now()
    harness.list_events(a_hint(), since=looked_at - 4 * MINUTE + after)
    assert sum(harness.reconcile(after=15 * MINUTE).values()) == looks


def test_reconcile_looks_apart_at_money_and_fraud_warnings_of_a_payment(harness: ReconcileHarness) -> None:
    harness.paid(**moved(Status.POSTED))
    harness.list_events(a_hint(), a_hint(kind="radar.early_fraud_warning.created"))
    assert harness.reconcile() == {"unchanged": 1, "in_review": 1}


def test_reconcile_of_a_credited_payment_writes_nothing(harness: ReconcileHarness) -> None:
    harness.paid(**moved(Status.POSTED))
    harness.list_events(session_event("paid"))
    calls = harness.calls_during(harness.reconcile)
    assert "find_entry" in calls
    assert not {"post_purchase", "read_session", "file_review"} & set(calls)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({"payment_intent": "pi_other"}, "in_review"), ({"payment_status": "unpaid"}, "unchanged"), ({}, "repeated")],
)
def test_reconcile_of_another_payment_of_a_credited_purchase_is_no_repeat(
    harness: ReconcileHarness, changes: dict[str, str], outcome: str
) -> None:
    purchase = harness.paid(**moved(Status.POSTED))
    harness.list_events(a_stripe_event(session=session_of(purchase, **changes)))
    assert harness.reconcile() == {outcome: 1}


def test_reconcile_side_by_side_ends_in_the_same_balances(harness: ReconcileHarness) -> None:
    harness.worker.threads = ThreadPool(4)
    purchases = [harness.paid(purchase_id=uuid7_at(START, number)) for number in range(30)]
    harness.list_events(*[session_event("paid", purchase) for purchase in purchases])
    assert harness.reconcile() == {"credited": 30}
    assert harness.balance() == 30 * 70


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "word"), [(TryAgain("busy"), "try_again"), (RuntimeError("unexpected"), "unforeseen")]
)
def test_reconcile_sets_a_failing_event_aside_and_tries_it_again(
    harness: ReconcileHarness, fault: Exception, word: str
) -> None:
    first, second = harness.paid(), harness.paid(purchase_id=uuid7_at(START, 2))
    (failing, _) = harness.list_events(session_event("paid", first), session_event("paid", second))
    harness.recorder.fail_before["post_purchase"] = fault
    assert harness.reconcile() == {word: 1, "credited": 1}
    assert harness.worker.parked == [failing]
    assert harness.worker.walks is not None
    assert harness.worker.walks.events == harness.clock.now() - 5 * MINUTE
    assert harness.reconcile(after=14 * MINUTE) == {}
    assert harness.reconcile(after=MINUTE) == {"credited": 1}
    assert (harness.worker.parked, harness.balance()) == ([], 140)


def test_reconcile_pauses_grow_for_an_event_that_keeps_failing(harness: ReconcileHarness) -> None:
    harness.list_events(a_hint())
    tried: list[datetime] = []
    for _ in range(12 * 4):
        harness.recorder.fail_before["find_purchase_ref"] = RuntimeError("a poison event")
        if harness.reconcile():
            tried.append(harness.clock.now())
        harness.clock.advance(15 * MINUTE)
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses == [15 * MINUTE, HOUR, 6 * HOUR]


def test_reconcile_counts_what_it_set_aside(harness: ReconcileHarness) -> None:
    harness.list_events(a_hint(), session_event("paid"))
    harness.recorder.fail_before["find_purchase_ref"] = TryAgain()
    harness.reconcile()
    assert harness.worker.done is not None
    assert (harness.worker.done.parked, harness.worker.done.behind) == (1, 5 * MINUTE)


def test_reconcile_forgets_an_event_that_is_gone_after_thirty_days(
    harness: ReconcileHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.list_events(a_hint())
    harness.recorder.fail_before["find_purchase_ref"] = TryAgain()
    harness.reconcile()
    harness.provider.listed.clear()
    assert harness.reconcile(after=LOOKBACK - SECOND) == {"try_again": 1}
    assert harness.worker.parked == ["evt_0"]
    assert harness.reconcile(after=6 * HOUR) == {}
    assert harness.worker.done is not None
    assert (harness.worker.done.gone, harness.worker.parked) == (1, [])
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == ["parked_event_gone"]


def test_reconcile_keeps_an_event_whose_reading_fails(harness: ReconcileHarness) -> None:
    harness.list_events(a_hint())
    harness.recorder.fail_before["find_purchase_ref"] = TryAgain()
    harness.reconcile()
    harness.recorder.fail_before["find_event"] = TryAgain()
    harness.list_events(session_event("expired"), since=START + HOUR)
    assert harness.reconcile(after=HOUR) == {"try_again": 1, "unchanged": 1}
    assert harness.worker.parked == ["evt_0"]


def test_reconcile_tries_what_is_set_aside_until_its_time_is_up(harness: ReconcileHarness) -> None:
    """Then it is due in the next run."""
    harness.list_events(*[a_hint(f"pi_{number}") for number in range(CHUNK + 1)])
    for number in range(CHUNK + 1):
        harness.worker.positions.park(PART, park_item(f"evt_{number}", "try_again", START))
    harness.recorder.before["find_event"] = lambda: harness.clock.advance(RUN_TIME)
    assert harness.reconcile() == {"stranger": CHUNK}
    assert len(harness.worker.parked) == 1
    assert harness.worker.walks is None


def test_reconcile_credits_although_the_look_is_not_noted(
    harness: ReconcileHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.paid()
    harness.list_events(session_event("paid"))
    harness.recorder.fail_before["note_look"] = TryAgain()
    assert harness.reconcile() == {"credited": 1}
    assert (harness.worker.parked, caplog.records[0].message) == ([], "look_not_noted")


def test_reconcile_failed_listing_raises_and_keeps_the_position(harness: ReconcileHarness) -> None:
    harness.reconcile()
    before = harness.worker.walks
    harness.recorder.fail_before["list_events"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.reconcile(after=HOUR)
    assert harness.worker.walks == before


def test_reconcile_cut_short_keeps_what_it_did(harness: ReconcileHarness, caplog: pytest.LogCaptureFixture) -> None:
    harness.paid()
    harness.list_events(session_event("paid"))
    harness.recorder.fail_after["last_looks"] = TryAgain()
    with pytest.raises(TryAgain):
        harness.reconcile()
    harness.recorder.fail_before["move"] = TryAgain()
    assert harness.reconcile() == {"credited": 1}
    assert "reconcile_cut_short" in [line.message for line in caplog.records]


def test_reconcile_leaves_the_work_to_the_run_that_has_it(harness: ReconcileHarness) -> None:
    harness.paid()
    harness.list_events(session_event("paid"))
    now = harness.clock.now()
    harness.worker.positions.take(PART, "another", now, now + MINUTE)
    assert harness.reconcile() == {}
    assert harness.worker.done is not None
    assert harness.worker.done.behind is None
    assert harness.reconcile(after=2 * MINUTE) == {"credited": 1}


def test_reconcile_that_lost_its_part_ends_without_an_error(harness: ReconcileHarness) -> None:
    harness.paid()
    harness.list_events(session_event("paid"))
    harness.recorder.before["move"] = lambda: harness.worker.positions.leases.clear()
    assert harness.reconcile() == {"credited": 1}
    assert harness.worker.walks is None


# --- the log --------------------------------------------------------------------------------------------------------


def test_reconcile_logs_only_recovered_events(harness: ReconcileHarness, caplog: pytest.LogCaptureFixture) -> None:
    harness.paid()
    harness.list_events(session_event("paid"), session_event("paid"))
    harness.reconcile()
    (line,) = caplog.records
    assert (line.message, vars(line)["stripe_event_id"], vars(line)["outcome"]) == (
        "event_recovered",
        "evt_0",
        "credited",
    )


@pytest.mark.parametrize("word", ["repeated", "unchanged", "reviewed", "late_failure", "stranger", "unpaid"])
def test_outcome_without_a_change_is_no_recovery(word: str) -> None:
    assert not Outcome(word).is_recovery
