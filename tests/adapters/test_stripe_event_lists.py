"""Stripe's events about refunds, charges and disputes, as listed by the API and as sent to the webhook."""

import json
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from stripe import WebhookSignature

from chalicelib.domain.payments import StripeEvent
from chalicelib.usecases.stripe_events import MONEY_EVENTS, SESSION_EVENTS
from tests.adapters.stripe_lab import SECRET, Json, Lab, todays_purchase

ALL_EVENTS = MONEY_EVENTS | SESSION_EVENTS.keys()
SECOND = timedelta(seconds=1)
BEFORE_ALL = datetime(2020, 1, 1, tzinfo=UTC)
AFTER_ALL = datetime(2100, 1, 1, tzinfo=UTC)


def refund_and_dispute(lab: Lab) -> str:
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


def listed(lab: Lab, types: Collection[str], since: datetime = BEFORE_ALL) -> list[StripeEvent]:
    """Read all pages. Returns the events oldest first."""
    page = lab.gateway.list_events(since, AFTER_ALL, types)
    events = list(page.events)
    while page.after:
        page = lab.gateway.list_events(since, AFTER_ALL, types, page.after)
        events += page.events
    return events[::-1]


def ids(events: object) -> list[str]:
    assert isinstance(events, list)
    return [event.stripe_event_id for event in events]


def test_read_event_about_money_names_its_payment(lab: Lab) -> None:
    payment_intent = refund_and_dispute(lab)

    events = [as_webhook(lab, event) for event in lab.events() if event["type"] in MONEY_EVENTS]

    assert {event.type for event in events} == MONEY_EVENTS
    assert {event.payment_intent for event in events} == {payment_intent}
    assert {event.session for event in events} == {None}


def test_has_event_is_false_for_an_event_of_another_account(lab: Lab) -> None:
    (event_id,) = emit(lab)
    assert [lab.gateway.has_event(each) for each in (event_id, "evt_of_another")] == [True, False]


def test_list_events_equals_events_of_webhook(lab: Lab) -> None:
    refund_and_dispute(lab)
    sent = [as_webhook(lab, event) for event in lab.events() if event["type"] in ALL_EVENTS]

    assert listed(lab, ALL_EVENTS) == sent
    assert {event.type for event in sent} > MONEY_EVENTS


def test_list_events_session_has_purchase_reference(lab: Lab) -> None:
    purchase = todays_purchase()
    payment_intent = lab.pay(purchase)

    (event,) = listed(lab, SESSION_EVENTS)

    assert event.session is not None
    assert event.session.ref is not None
    assert (event.session.ref.purchase_id, event.session.payment_intent) == (purchase.purchase_id, payment_intent)
    assert (event.livemode, event.account, event.payment_intent) == (False, None, None)


@pytest.mark.parametrize("types", [{"refund.created"}, {"refund.failed", "charge.refunded"}, MONEY_EVENTS])
def test_list_events_returns_requested_types_only(lab: Lab, types: set[str]) -> None:
    refund_and_dispute(lab)
    emit(lab, type="customer.created")

    assert {event.type for event in listed(lab, types)} == types


def test_list_events_accepts_all_types_in_use(lab: Lab) -> None:
    assert len(ALL_EVENTS) <= 20, "Stripe takes no more"
    assert listed(lab, ALL_EVENTS) == []


def test_list_events_is_oldest_first_over_all_pages(lab: Lab) -> None:
    events = emit(lab, 230)

    assert ids(listed(lab, MONEY_EVENTS)) == events


@pytest.mark.parametrize(
    ("since", "until", "expected"), [(-1, 9, "abc"), (0, 9, "abc"), (1, 9, "bc"), (3, 9, ""), (0, 2, "ab"), (1, 2, "b")]
)
def test_list_events_are_those_from_since_and_before_until(lab: Lab, since: int, until: int, expected: str) -> None:
    at = 1_795_000_000
    for place, name in enumerate("abc"):
        emit(lab, id=f"evt_{name}", created=at + place)
    begin = datetime.fromtimestamp(at, UTC)

    page = lab.gateway.list_events(begin + since * SECOND, begin + until * SECOND, MONEY_EVENTS)

    assert ([event.stripe_event_id for event in page.events], page.after) == (
        [f"evt_{name}" for name in reversed(expected)],
        None,
    )


def test_list_events_page_has_a_hundred_and_the_last_ones_cursor(lab: Lab) -> None:
    events = emit(lab, 101)

    page = lab.gateway.list_events(BEFORE_ALL, AFTER_ALL, MONEY_EVENTS)

    assert ([event.stripe_event_id for event in page.events], page.after) == (events[:0:-1], events[1])


def test_find_event_is_the_listed_one_or_none(lab: Lab) -> None:
    (event_id,) = emit(lab)

    assert [lab.gateway.find_event(event_id)] == listed(lab, MONEY_EVENTS)
    assert lab.gateway.find_event("evt_gone") is None


@pytest.mark.parametrize("payment_intent", [None, "pi_2"])
def test_list_events_accepts_missing_payment_intent(lab: Lab, payment_intent: str | None) -> None:
    emit(lab, object={"id": "re_1", "payment_intent": payment_intent})
    emit(lab, object={"id": "re_1"})

    events = listed(lab, MONEY_EVENTS)

    assert [event.payment_intent for event in events] == [payment_intent, None]


def test_list_events_logs_unreadable_event_and_returns_its_id(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    (before,) = emit(lab)
    emit(lab, id="evt_odd", object={"payment_intent": {"id": "pi_1"}})
    (after,) = emit(lab)

    page = lab.gateway.list_events(BEFORE_ALL, AFTER_ALL, MONEY_EVENTS)

    assert ([event.stripe_event_id for event in page.events], page.unreadable) == ([after, before], ["evt_odd"])
    (events,) = [record for record in caplog.records if record.name == "chalicelib.adapters.stripe.gateway"]
    assert vars(events)["stripe_event_id"] == "evt_odd"


def test_list_events_keeps_account_and_mode(lab: Lab) -> None:
    emit(lab, account="acct_1", livemode=True)

    (event,) = listed(lab, MONEY_EVENTS)

    assert (event.account, event.livemode) == ("acct_1", True)
