"""A reader of a late purchase asks the payment provider."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outcomes import Outcome
from chalicelib.domain.purchases import Status
from chalicelib.errors import TryAgain
from chalicelib.usecases.stripe_events import ask_about
from tests.domain.builders import KEY, a_purchase
from tests.fakes import session_of
from tests.usecases.checkout_harness import CheckoutHarness, moved

LATE = timedelta(seconds=21)
PAGE = "https://live.example/stream"


def late_harness(**present: Any) -> CheckoutHarness:
    """A checkout that was opened 21 seconds ago, and its session at the provider."""
    harness = CheckoutHarness()
    harness.open(return_url=PAGE)
    harness.provider.present[f"cs_test_{KEY}"] = session_of(a_purchase(), **present)
    harness.clock.advance(LATE)
    harness.recorder.calls.clear()
    return harness


def ask(harness: CheckoutHarness) -> Outcome | None:
    return ask_about(harness.purchase(), harness.stripe_event_services())


def test_ask_about_a_late_purchase_that_is_paid_credits_it() -> None:
    harness = late_harness()
    assert ask(harness) is Outcome.CREDITED
    assert harness.balance() == 70
    assert harness.provider.asked_about == [(KEY, PAGE)]
    assert harness.recorder.calls == ["claim_asking", "present_session", "post_purchase"]


@pytest.mark.parametrize(
    ("present", "outcome", "status"),
    [
        ({"status": "open", "payment_status": "unpaid", "payment_intent": None}, None, Status.PENDING),
        ({"status": "expired", "payment_status": "unpaid", "payment_intent": None}, Outcome.EXPIRED, Status.EXPIRED),
        ({"payment_status": "unpaid"}, Outcome.PROCESSING, Status.PROCESSING),
        ({"total_minor": 37}, Outcome.IN_REVIEW, Status.PENDING),
        ({"ref": None}, None, Status.PENDING),
    ],
    ids=str,
)
def test_ask_about_does_as_the_webhook_would(present: dict[str, Any], outcome: Outcome | None, status: Status) -> None:
    harness = late_harness(**present)
    assert (ask(harness), harness.purchase().status) == (outcome, status)


@pytest.mark.parametrize("age", [timedelta(seconds=20), timedelta(hours=4)])
def test_ask_about_a_purchase_too_young_or_too_old_makes_no_call(age: timedelta) -> None:
    harness = late_harness()
    harness.clock.advance(age - LATE)
    assert ask(harness) is None
    assert harness.recorder.calls == []


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_ask_about_a_purchase_that_is_not_pending_makes_no_call(status: Status) -> None:
    harness = late_harness()
    assert ask_about(a_purchase(**moved(status)), harness.stripe_event_services()) is None
    assert harness.recorder.calls == []


def test_ask_about_by_many_readers_asks_once_in_ten_seconds() -> None:
    harness = late_harness(status="open", payment_status="unpaid")
    seen = harness.purchase()
    for _ in range(3):
        assert ask_about(seen, harness.stripe_event_services()) is None
    assert len(harness.provider.asked_about) == 1
    harness.clock.advance(timedelta(seconds=10))
    ask(harness)
    assert len(harness.provider.asked_about) == 2


def test_ask_about_a_purchase_without_its_open_checkout_asks_nobody() -> None:
    harness = late_harness()
    harness.books.open_checkouts.clear()
    assert ask(harness) is None
    assert harness.provider.asked_about == []


@pytest.mark.parametrize("step", ["claim_asking", "present_session", "post_purchase"])
def test_ask_about_with_a_passing_fault_learns_nothing(step: str) -> None:
    harness = late_harness()
    harness.recorder.fail_before[step] = TryAgain()
    assert (ask(harness), harness.purchase().status) == (None, Status.PENDING)
