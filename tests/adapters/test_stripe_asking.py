"""The present session of a purchase, found by its keys, against the sandbox."""

from datetime import timedelta

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.stripe.gateway import HASTE_SECONDS, HASTY_TIMEOUTS_SECONDS
from chalicelib.errors import TryAgain
from infra.local.client import post_form
from tests.adapters.samples import a_purchase, new_id
from tests.adapters.stripe_lab import Lab, todays_purchase

PAGE = "https://live.example/stream"


@pytest.mark.parametrize("kept_errors", [0, 1, 2])
def test_present_session_of_a_paid_purchase_is_complete(lab: Lab, kept_errors: int) -> None:
    plan = {"times": kept_errors, "path": "/v1/checkout", "method": "POST", "after_work": True}
    lab.control("PUT", "/knobs", fail_next=plan)
    purchase = todays_purchase()
    opened = lab.gateway.open_session(purchase, PAGE)
    assert opened.status == "open"
    assert post_form(str(opened.url), {"outcome": "card"}).status == 303

    present = lab.gateway.present_session(purchase, PAGE)

    assert present is not None
    assert (present.session_id, present.status, present.payment_status) == (opened.session_id, "complete", "paid")
    assert len(lab.sandbox.store.sessions) == 1 + kept_errors


def test_present_session_with_another_page_finds_none_and_makes_none(lab: Lab) -> None:
    purchase = todays_purchase()
    lab.gateway.open_session(purchase, PAGE)
    assert lab.gateway.present_session(purchase) is None
    assert len(lab.sandbox.store.sessions) == 1


def test_present_session_that_was_never_made_is_none_when_it_is_too_late(lab: Lab) -> None:
    at = SystemClock().now() - timedelta(minutes=100)
    assert lab.gateway.present_session(a_purchase(purchase_id=new_id(at), created_at=at)) is None
    assert (lab.sandbox.store.sessions, lab.rejections) == ({}, [])


def test_present_session_of_a_slow_provider_raises_try_again(lab: Lab) -> None:
    lab.control("PUT", "/knobs", slow_seconds=1.2)
    with pytest.raises(TryAgain):
        lab.gateway.present_session(todays_purchase())


def test_present_session_takes_three_seconds_at_most() -> None:
    assert HASTE_SECONDS + sum(HASTY_TIMEOUTS_SECONDS) <= 3
