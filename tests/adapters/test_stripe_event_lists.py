"""Stripe's events about refunds, charges and disputes, as listed by the API and as sent to the webhook."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from stripe import WebhookSignature

from chalicelib.domain.payments import StripeEvent
from chalicelib.usecases.stripe_events import MONEY_EVENTS, SESSION_EVENTS
from tests.adapters.stripe_lab import SECRET, Json, Lab, todays_purchase

EVERYTHING = MONEY_EVENTS | SESSION_EVENTS.keys()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def a_troubled_payment(lab: Lab) -> str:
    """Create a payment with at least one event of every type in MONEY_EVENTS."""
    payment_intent = lab.pay(todays_purchase())
    lab.control("POST", f"/refunds/{lab.refund(payment_intent, 100, 'pending')}", status="failed")
    dispute = lab.dispute(payment_intent, 529)
    for status in ("under_review", "won"):
        lab.control("POST", f"/disputes/{dispute}", status=status)
    return payment_intent


def as_webhook(lab: Lab, event: Json) -> StripeEvent:
    body, now = json.dumps(event), int(time.time())
    signature = WebhookSignature.generate_signature_header(body, SECRET, now)
    return lab.gateway.read_event(body.encode(), signature, datetime.fromtimestamp(now, UTC))


def emit(lab: Lab, number: int = 1, **members: object) -> list[str]:
    """Record `number` events with these members. Returns their ids, oldest first."""
    event: dict[str, object] = {"type": "refund.created", "object": {"id": "re_1", "payment_intent": "pi_1"}}
    return [lab.control("POST", "/events", **(event | members))["event"]["id"] for _ in range(number)]


def ids(events: object) -> list[str]:
    assert isinstance(events, list)
    return [event.stripe_event_id for event in events]


def test_each_event_about_money_names_its_payment(lab: Lab) -> None:
    payment_intent = a_troubled_payment(lab)

    told = [as_webhook(lab, event) for event in lab.events() if event["type"] in MONEY_EVENTS]

    assert {event.type for event in told} == MONEY_EVENTS
    assert {event.payment_intent for event in told} == {payment_intent}
    assert {event.session for event in told} == {None}


def test_what_is_listed_is_what_is_sent(lab: Lab) -> None:
    a_troubled_payment(lab)
    sent = [as_webhook(lab, event) for event in lab.events() if event["type"] in EVERYTHING]

    assert lab.gateway.list_events(LONG_AGO, EVERYTHING) == sent
    assert {event.type for event in sent} > MONEY_EVENTS


def test_a_session_is_listed_with_its_claim(lab: Lab) -> None:
    purchase = todays_purchase()
    payment_intent = lab.pay(purchase)

    (event,) = lab.gateway.list_events(LONG_AGO, SESSION_EVENTS)

    assert event.session is not None
    assert event.session.ref is not None
    assert (event.session.ref.purchase_id, event.session.payment_intent) == (purchase.purchase_id, payment_intent)
    assert (event.livemode, event.account, event.payment_intent) == (False, None, None)


@pytest.mark.parametrize("types", [{"refund.created"}, {"refund.failed", "charge.refunded"}, MONEY_EVENTS])
def test_only_the_types_asked_for_are_listed(lab: Lab, types: set[str]) -> None:
    a_troubled_payment(lab)
    emit(lab, type="customer.created")

    assert {event.type for event in lab.gateway.list_events(LONG_AGO, types)} == types


def test_as_many_types_as_we_ask_for_are_taken(lab: Lab) -> None:
    assert len(EVERYTHING) <= 20, "Stripe takes no more"
    assert lab.gateway.list_events(LONG_AGO, EVERYTHING) == []


def test_events_are_listed_oldest_first_and_beyond_the_first_page(lab: Lab) -> None:
    told = emit(lab, 230)

    assert ids(lab.gateway.list_events(LONG_AGO, MONEY_EVENTS)) == told


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1, "abc"), (0, "abc"), (0.999, "abc"), (1, "bc"), (2, "c"), (3, "")]
)
def test_events_since_then_are_listed_the_second_included(lab: Lab, seconds: float, expected: str) -> None:
    at = 1_795_000_000
    for place, name in enumerate("abc"):
        emit(lab, id=f"evt_{name}", created=at + place)
    since = datetime.fromtimestamp(at, UTC) + timedelta(seconds=seconds)

    assert ids(lab.gateway.list_events(since, MONEY_EVENTS)) == [f"evt_{name}" for name in expected]


@pytest.mark.parametrize("payment_intent", [None, "pi_2"])
def test_a_payment_may_have_no_intent(lab: Lab, payment_intent: str | None) -> None:
    emit(lab, object={"id": "re_1", "payment_intent": payment_intent})
    emit(lab, object={"id": "re_1"})

    listed = lab.gateway.list_events(LONG_AGO, MONEY_EVENTS)

    assert [event.payment_intent for event in listed] == [payment_intent, None]


def test_an_event_that_cannot_be_read_does_not_hold_up_the_others(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    (before,) = emit(lab)
    emit(lab, id="evt_odd", object={"payment_intent": {"id": "pi_1"}})
    (after,) = emit(lab)

    assert ids(lab.gateway.list_events(LONG_AGO, MONEY_EVENTS)) == [before, after]

    (told,) = [record for record in caplog.records if record.name == "chalicelib.adapters.stripe.gateway"]
    assert vars(told)["stripe_event_id"] == "evt_odd"


def test_events_of_others_are_listed_as_such(lab: Lab) -> None:
    emit(lab, account="acct_1", livemode=True)

    (event,) = lab.gateway.list_events(LONG_AGO, MONEY_EVENTS)

    assert (event.account, event.livemode) == ("acct_1", True)
