"""Webhook delivery: signatures, retries, and the knobs for duplicates, drops and delays."""

import json
from typing import cast

import pytest
import stripe

from tests.infra.stripe_sandbox_shop import SECRET, Json, Receiver, Shop, eventually

COMPLETED = "checkout.session.completed"


def test_webhook_is_signed_and_has_stripes_fields(shop: Shop) -> None:
    session, _ = shop.buy()
    shop.settled_types()
    webhook = next(one for one in shop.receiver.received if one.event.type == COMPLETED)
    assert webhook.headers["Content-Type"] == "application/json; charset=utf-8"
    assert webhook.headers["User-Agent"].startswith("Stripe/1.0")
    event = webhook.event
    assert (event.livemode, event.api_version, event.pending_webhooks) == (False, stripe.api_version, 1)
    assert event.data.object["id"] == session.id
    assert shop.client.v1.events.retrieve(event.id).pending_webhooks == 0
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(webhook.body, webhook.headers["Stripe-Signature"], "whsec_other")


def test_event_names_its_request(shop: Shop) -> None:
    _, intent_id = shop.buy()
    options = cast("stripe.RequestOptions", {"idempotency_key": "refund-1"})
    refund = shop.client.v1.refunds.create({"payment_intent": intent_id}, options)
    event = shop.client.v1.events.list({"type": "refund.created"}).data[0]
    assert event.request is not None
    assert refund.last_response is not None
    assert (event.request.id, event.request.idempotency_key) == (refund.last_response.request_id, "refund-1")
    paid = shop.client.v1.events.list({"type": COMPLETED}).data[0]
    assert paid.request is not None
    assert paid.request.id is None


def test_two_secrets_give_two_signatures(shop: Shop) -> None:
    shop.control("PUT", "/webhook", {"secrets": ["whsec_next", SECRET]})
    shop.set_knobs(enabled_events=[COMPLETED])
    shop.buy()
    assert shop.settled_types() == [COMPLETED]
    webhook = shop.receiver.received[0]
    for secret in ("whsec_next", SECRET):
        assert stripe.WebhookSignature.verify_header(webhook.body, webhook.headers["Stripe-Signature"], secret, 300)


def test_delivery_retries_until_2xx_with_new_signature_and_same_body(shop: Shop) -> None:
    shop.set_knobs(enabled_events=[COMPLETED], retry_seconds=0.05)
    shop.receiver.plan = [500, 302, 400]
    shop.buy()
    assert shop.settled_types() == [COMPLETED] * 4
    assert len({webhook.body for webhook in shop.receiver.received}) == 1
    assert _deliveries(shop) == [("delivered", [500, 302, 400, 200])]


def test_delivery_stops_after_last_retry(shop: Shop) -> None:
    shop.set_knobs(enabled_events=[COMPLETED], retry_seconds=0.01, max_attempts=3)
    shop.receiver.plan = [500] * 3
    shop.buy()
    assert shop.settled_types() == [COMPLETED] * 3
    assert _deliveries(shop) == [("failed", [500, 500, 500])]
    pending = shop.client.v1.events.list({"delivery_success": False}).data
    assert [event.type for event in pending] == [COMPLETED]


def test_receiver_time_out_is_a_failure(shop: Shop) -> None:
    shop.set_knobs(enabled_events=[COMPLETED], retry_seconds=0.05, post_timeout_seconds=0.2)
    shop.receiver.answer_after_seconds = 0.5
    shop.buy()
    eventually(lambda: len(shop.receiver.received) == 1)
    shop.receiver.answer_after_seconds = 0.0
    shop.settled_types()
    assert _deliveries(shop) == [("delivered", [None, 200])]


def test_unreachable_endpoint_is_a_failure_until_it_moves(shop: Shop) -> None:
    shop.set_knobs(enabled_events=[COMPLETED], retry_seconds=0.05)
    good_url = str(shop.control("PUT", "/webhook")["url"])
    shop.control("PUT", "/webhook", {"url": "http://127.0.0.1:1/"})
    shop.buy()
    eventually(lambda: len(_deliveries(shop)[0][1]) >= 2)
    shop.control("PUT", "/webhook", {"url": good_url})
    assert shop.settled_types() == [COMPLETED]


def test_knob_duplicates_repeats_deliveries(shop: Shop) -> None:
    shop.set_knobs(enabled_events=[COMPLETED], duplicates=2)
    shop.buy()
    assert shop.settled_types() == [COMPLETED] * 3
    assert len({webhook.event.id for webhook in shop.receiver.received}) == 1


def test_knob_deliver_off_records_without_sending(shop: Shop) -> None:
    shop.set_knobs(deliver=False)
    shop.buy()
    assert shop.settled_types() == []
    shop.set_knobs(deliver=True)
    event = shop.client.v1.events.list({"type": COMPLETED}).data[0]
    shop.control("POST", f"/events/{event.id}/redeliver")
    assert shop.settled_types() == [COMPLETED]


def test_redeliver_keeps_or_replaces_the_event_id(shop: Shop) -> None:
    shop.set_knobs(enabled_events=[COMPLETED])
    session, _ = shop.buy()
    event = shop.client.v1.events.list({"type": COMPLETED}).data[0]
    shop.control("POST", f"/events/{event.id}/redeliver")
    shop.control("POST", f"/events/{event.id}/redeliver", {"fresh_id": True})
    assert shop.settled_types() == [COMPLETED] * 3
    events = [webhook.event for webhook in shop.receiver.received]
    assert sorted(one.id == event.id for one in events) == [False, True, True]
    assert {one.data.object["id"] for one in events} == {session.id}


def test_knob_drop_is_reproducible_by_seed(shop: Shop) -> None:
    def lost(seed: int) -> list[bool]:
        shop.control("POST", "/reset")
        shop.set_knobs(drop_percent=50, seed=seed)
        for _ in range(4):
            shop.buy()
        shop.settled_types()
        return [state == "dropped" for state, _ in _deliveries(shop)]

    first = lost(1)
    assert set(first) == {True, False}
    assert lost(1) == first
    assert lost(2) != first


def test_knob_drop_of_one_drops_everything(shop: Shop) -> None:
    shop.set_knobs(drop_percent=100)
    shop.buy()
    assert shop.settled_types() == []
    assert len(shop.client.v1.events.list().data) == 4


def test_knobs_delay_and_reorder_defer_deliveries(shop: Shop) -> None:
    shop.set_knobs(delay_seconds=0.2, reorder_seconds=0.3, seed=1)
    shop.buy()
    assert shop.control("POST", "/wait_idle", {"timeout_seconds": 0.05}) == {"idle": False, "pending": 4}
    assert shop.receiver.received == []
    assert sorted(shop.settled_types()) == sorted(shop.emitted_types())
    assert shop.receiver.types != shop.emitted_types()


def test_control_api_sends_event_of_any_type(shop: Shop) -> None:
    invoice: Json = {"id": "in_1", "object": "invoice"}
    body: Json = {"type": "invoice.paid", "object": invoice, "account": "acct_other", "api_version": "2020-08-27"}
    shop.control("POST", "/events", body | {"livemode": True})
    assert shop.settled_types() == ["invoice.paid"]
    sent = json.loads(shop.receiver.received[0].body)
    assert (sent["account"], sent["api_version"], sent["livemode"]) == ("acct_other", "2020-08-27", True)
    assert shop.http("POST", "/_sandbox/events", "{}")[0] == 400
    assert shop.http("POST", "/_sandbox/events", "[]")[0] == 400


def _deliveries(shop: Shop) -> list[tuple[str, list[int | None]]]:
    events = cast("list[dict[str, list[Json]]]", shop.control("GET", "/events")["events"])
    deliveries = [delivery for event in events for delivery in event["deliveries"]]
    return [
        (str(one["state"]), [cast("int | None", attempt["status"]) for attempt in cast("list[Json]", one["attempts"])])
        for one in deliveries
    ]


def test_receiver_answers_with_planned_statuses_in_order() -> None:
    receiver = Receiver(plan=[500])
    assert [receiver.take(b"", {}), receiver.take(b"", {})] == [500, 200]
