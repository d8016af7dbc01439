"""Requests that Stripe rejects for good: error, log and report, against the sandbox."""

import json
import logging

import pytest
import stripe
from msgspec.structs import replace

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.payments import CustomerGone
from chalicelib.errors import PaymentUnavailable
from tests.adapters.samples import a_membership, new_id
from tests.adapters.stripe_lab import Json, Lab, todays_purchase

REJECTIONS = [
    ({}, {"amount_minor": 49}, "amount_too_small"),
    ({}, {"amount_minor": 100_000_000}, "amount_too_large"),
    ({"unpayable_currencies": ["usd"]}, {}, None),
    ({"denied_paths": ["/v1/checkout"]}, {}, None),
]


@pytest.fixture(autouse=True)
def _no_rejections(lab: Lab) -> None:
    lab.rejections.clear()


@pytest.mark.parametrize(("knobs", "changes", "code"), REJECTIONS)
def test_open_session_rejected_for_good_is_unavailable_and_reported(
    lab: Lab, caplog: pytest.LogCaptureFixture, knobs: Json, changes: Json, code: str | None
) -> None:
    now = SystemClock().now()
    lab.control("PUT", "/knobs", **knobs)
    purchase = todays_purchase(**changes)
    membership = replace(a_membership(**changes), membership_id=new_id(now), created_at=now)
    with caplog.at_level(logging.ERROR):
        with pytest.raises(PaymentUnavailable):
            lab.gateway.open_session(purchase)
        with pytest.raises(PaymentUnavailable):
            lab.members.open_session(membership)
    assert lab.sandbox.store.sessions == {}
    assert len(lab.rejections) == 2
    logged = [vars(record) for record in caplog.records if record.message == "stripe_rejected"]
    assert [(each["what"], each["stripe_code"]) for each in logged] == [("checkout", code), ("membership", code)]
    assert all(each["stripe_request"].startswith("req_") for each in logged)
    assert "sk_test_lab" not in json.dumps(logged, default=str)
    sent = [each for each in lab.control("GET", "/requests")["requests"] if each["method"] == "POST"]
    assert len(sent) == 2, "a 4xx is asked once, and under one key"


def test_open_session_with_a_bad_return_page_is_unavailable_and_not_reported(lab: Lab) -> None:
    with pytest.raises(PaymentUnavailable):
        lab.gateway.open_session(todays_purchase(), "ftp://live.example/")
    assert lab.rejections == []


def test_open_session_for_a_deleted_customer_says_so_and_is_not_reported(lab: Lab) -> None:
    now = SystemClock().now()
    membership = replace(a_membership(), membership_id=new_id(now), created_at=now)
    with pytest.raises(CustomerGone):
        lab.members.open_session(membership, None, "cus_gone")
    assert lab.rejections == []


def test_open_portal_without_a_configuration_is_unavailable_and_reported(lab: Lab) -> None:
    customer = lab.unrelated_client().v1.customers.create()
    lab.control("PUT", "/knobs", portal_configured=False)
    with pytest.raises(PaymentUnavailable):
        lab.members.open_portal(customer.id)
    assert len(lab.rejections) == 1


def test_open_session_with_an_unknown_api_key_is_unavailable_and_logs_no_part_of_it(
    lab: Lab, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.gateway, "_api_key", lambda: "sk_live_secret")
    with pytest.raises(PaymentUnavailable) as raised:
        lab.gateway.open_session(todays_purchase())
    assert isinstance(raised.value.__cause__, stripe.AuthenticationError)
    [logged] = [vars(record) for record in caplog.records if record.message == "stripe_rejected"]
    assert (logged["stripe_status"], logged["reason"]) == (401, None)
