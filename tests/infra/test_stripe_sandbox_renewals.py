"""Renewals on a clock that tests move: paid, failed and retried, until the subscription ends."""

import json
from datetime import UTC, datetime
from typing import cast

import pytest
import stripe

from infra.local.stripe_sandbox.recurring import Interval, Recurrence
from tests.infra.stripe_sandbox_shop import Json, Shop

DAY = 86400
MONTH = 31 * DAY
RENEWED_EVENTS = [
    "customer.subscription.updated",
    "invoice.created",
    "invoice.finalized",
    "payment_intent.created",
    "payment_intent.succeeded",
    "charge.succeeded",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
]
FAILED_EVENTS = [
    *RENEWED_EVENTS[:4],
    "charge.failed",
    "payment_intent.payment_failed",
    "invoice.payment_failed",
    "customer.subscription.updated",
]


def _advance(shop: Shop, seconds: int) -> None:
    shop.control("POST", "/clock", {"advance_seconds": seconds})


def _pass_period(shop: Shop, subscription: stripe.Subscription) -> None:
    """Advance the clock to one second after the current period."""
    now = int(str(shop.control("POST", "/clock")["now"]))
    _advance(shop, _end_of_period(_now(shop, subscription)) - now + 1)


def _invoices(shop: Shop, subscription: stripe.Subscription) -> list[stripe.Invoice]:
    """List the subscription's invoices, oldest first."""
    listed = shop.client.v1.invoices.list({"subscription": subscription.id, "limit": 100})
    return list(reversed(listed.data))


def _event_types(shop: Shop) -> list[str]:
    """Return the event types since the subscription was created."""
    return shop.emitted_types()[11:]


def _end_of_period(subscription: stripe.Subscription) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def _now(shop: Shop, subscription: stripe.Subscription) -> stripe.Subscription:
    return shop.client.v1.subscriptions.retrieve(subscription.id)


@pytest.mark.parametrize(
    ("anchor", "interval", "count", "starts"),
    [
        ("2027-01-31T10:30:05", "month", 1, "2027-02-28 2027-03-31 2027-04-30 2027-05-31"),
        ("2027-12-30T10:30:05", "month", 1, "2028-01-30 2028-02-29 2028-03-30 2028-04-30"),
        ("2027-11-15T10:30:05", "month", 3, "2028-02-15 2028-05-15 2028-08-15"),
        ("2028-02-29T10:30:05", "year", 1, "2029-02-28 2030-02-28 2031-02-28 2032-02-29"),
        ("2027-12-30T10:30:05", "week", 2, "2028-01-13 2028-01-27"),
        ("2027-02-27T10:30:05", "day", 1, "2027-02-28 2027-03-01"),
    ],
)
def test_periods_keep_the_day_of_the_anchor(anchor: str, interval: Interval, count: int, starts: str) -> None:
    begun = int(datetime.fromisoformat(anchor).replace(tzinfo=UTC).timestamp())
    recurrence = Recurrence(interval, count)
    found = [datetime.fromtimestamp(recurrence.start_of(n, begun), UTC) for n in range(1, len(starts.split()) + 1)]
    assert [f"{start:%Y-%m-%d}" for start in found] == starts.split()
    assert {f"{start:%H:%M:%S}" for start in found} == {"10:30:05"}
    assert recurrence.start_of(0, begun) == begun


def test_clock_renews_due_subscriptions(shop: Shop) -> None:
    subscription = shop.subscribe()
    first_end = _end_of_period(subscription)
    _advance(shop, 27 * DAY)
    assert _event_types(shop) == []
    _advance(shop, MONTH - 27 * DAY + 1)
    assert _event_types(shop) == RENEWED_EVENTS
    renewed = _now(shop, subscription)
    first, second = _invoices(shop, subscription)
    assert (first.billing_reason, second.billing_reason) == ("subscription_create", "subscription_cycle")
    assert (second.status, second.amount_paid, second.attempt_count) == ("paid", 499, 1)
    assert (renewed.status, renewed.latest_invoice) == ("active", second.id)
    (line,) = second.lines.data
    assert (line.period.start, line.period.end) == (first_end, _end_of_period(renewed))
    assert (second.period_start, second.period_end) == (first.lines.data[0].period.start, first_end)
    assert second.created == first_end, "dated when it was due, however far the clock jumped"
    (event,) = shop.client.v1.events.list({"type": "customer.subscription.updated"}).data
    assert event.data.previous_attributes is not None
    assert sorted(event.data.previous_attributes.to_dict()) == ["items", "latest_invoice"]
    assert sorted(shop.settled_types()[11:]) == sorted(RENEWED_EVENTS)


def test_clock_jump_renews_every_passed_period(shop: Shop) -> None:
    subscription = shop.subscribe()
    _advance(shop, 3 * MONTH)
    invoices = _invoices(shop, subscription)
    assert [invoice.status for invoice in invoices] == ["paid"] * 4
    ends = [invoice.lines.data[0].period.end for invoice in invoices]
    assert [invoice.lines.data[0].period.start for invoice in invoices[1:]] == ends[:-1]
    assert ends[-1] == _end_of_period(_now(shop, subscription))
    intents = shop.client.v1.payment_intents.list({"customer": str(subscription.customer)}).data
    assert len(intents) == len({intent.id for intent in intents}) == 4
    customer = shop.client.v1.customers.retrieve(str(subscription.customer))
    assert [invoice.number for invoice in invoices] == [f"{customer.invoice_prefix}-000{n}" for n in (1, 2, 3, 4)]


def test_failed_renewal_is_paid_later(shop: Shop) -> None:
    subscription = shop.subscribe()
    _pass_period(shop, subscription)
    shop.set_knobs(renewals="failed")
    _pass_period(shop, subscription)
    assert _event_types(shop)[len(RENEWED_EVENTS) :] == FAILED_EVENTS
    late = _now(shop, subscription)
    unpaid = shop.client.v1.invoices.retrieve(str(late.latest_invoice))
    assert (late.status, unpaid.status, unpaid.amount_paid, unpaid.amount_remaining) == ("past_due", "open", 0, 499)
    assert unpaid.next_payment_attempt == unpaid.created + 3 * DAY
    assert _end_of_period(late) == unpaid.lines.data[0].period.end, "the period goes on before it is paid for"
    paid = shop.control("POST", f"/invoices/{unpaid.id}/pay")
    assert (paid["status"], _now(shop, subscription).status) == ("paid", "active")
    assert _event_types(shop)[-6:] == [*RENEWED_EVENTS[4:], "customer.subscription.updated"]
    shop.set_knobs(renewals="paid")
    _pass_period(shop, subscription)
    assert [invoice.status for invoice in _invoices(shop, subscription)] == ["paid"] * 4
    assert shop.http("POST", f"/_sandbox/invoices/{unpaid.id}/pay", "{}")[0] == 400, "an invoice is paid once"


def test_failed_renewal_is_retried_by_the_clock(shop: Shop) -> None:
    shop.set_knobs(renewals="failed", dunning_seconds=DAY)
    subscription = shop.subscribe()
    shop.control("POST", f"/subscriptions/{subscription.id}/renew")
    _advance(shop, DAY)
    (invoice,) = shop.client.v1.invoices.list({"status": "open"}).data
    assert (invoice.attempt_count, _now(shop, subscription).status) == (2, "past_due")
    assert _event_types(shop) == [*FAILED_EVENTS, *FAILED_EVENTS[4:7]], "past due already: nothing changed"
    shop.set_knobs(renewals="paid")
    _advance(shop, DAY)
    assert (shop.client.v1.invoices.retrieve(invoice.id).status, _now(shop, subscription).status) == ("paid", "active")
    charges = shop.client.v1.charges.list({"customer": str(subscription.customer)}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed", "failed", "succeeded"]
    assert len({charge.payment_intent for charge in charges}) == 2, "each try is of the invoice's one intent"


def test_subscription_is_canceled_after_the_last_retry(shop: Shop) -> None:
    shop.set_knobs(renewals="failed", dunning_seconds=DAY, dunning_retries=2)
    subscription = shop.subscribe()
    shop.control("POST", f"/subscriptions/{subscription.id}/renew")
    _advance(shop, 10 * DAY)
    over = _now(shop, subscription)
    assert over.cancellation_details is not None
    assert (over.status, over.cancellation_details.reason) == ("canceled", "payment_failed")
    (invoice,) = shop.client.v1.invoices.list({"status": "open"}).data
    assert (invoice.attempt_count, invoice.next_payment_attempt, invoice.auto_advance) == (3, None, False)
    assert shop.emitted_types().count("invoice.payment_failed") == 3
    assert shop.emitted_types()[-1] == "customer.subscription.deleted"
    _advance(shop, 3 * MONTH)
    assert len(_invoices(shop, subscription)) == 2, "nobody bills what is over"
    shop.control("POST", f"/invoices/{invoice.id}/pay")
    assert _now(shop, subscription).status == "canceled", "paying late brings nothing back"


def test_cancel_at_period_end_ends_with_the_period(shop: Shop) -> None:
    subscription = shop.subscribe()
    updated = shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (updated.status, updated.cancel_at_period_end, updated.cancel_at) == (
        "active",
        True,
        _end_of_period(subscription),
    )
    assert updated.canceled_at is not None
    _advance(shop, MONTH)
    over = _now(shop, subscription)
    assert (over.status, over.ended_at, over.canceled_at) == ("canceled", updated.cancel_at, updated.canceled_at)
    assert _event_types(shop) == ["customer.subscription.updated", "customer.subscription.deleted"]
    assert len(_invoices(shop, subscription)) == 1


def test_cancel_at_period_end_can_be_withdrawn(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    kept = shop.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at_period_end, kept.cancel_at, kept.canceled_at) == (False, None, None)
    _advance(shop, MONTH)
    assert (_now(shop, subscription).status, len(_invoices(shop, subscription))) == ("active", 2)


def test_cancel_at_accepts_min_period_end(shop: Shop) -> None:
    subscription = shop.subscribe()
    update = shop.client.v1.subscriptions.update
    updated = update(subscription.id, {"cancel_at": "min_period_end"})
    assert (updated.cancel_at, updated.cancel_at_period_end) == (_end_of_period(subscription), False)
    kept = update(subscription.id, {"cancel_at": ""})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    with pytest.raises(stripe.InvalidRequestError, match="with a period only"):
        update(subscription.id, {"cancel_at": 1, "metadata": {"a": "b"}, "description": "x"})
    assert _now(shop, subscription) == kept, "a refused request changes nothing"
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        update(subscription.id, {"cancel_at": "max_period_end", "cancel_at_period_end": True})


def test_control_api_renews_one_subscription_at_once(shop: Shop) -> None:
    subscription, other = shop.subscribe(), shop.subscribe()
    shop.control("POST", f"/subscriptions/{subscription.id}/renew")
    answer = shop.control("POST", f"/subscriptions/{subscription.id}/renew")
    invoices = cast("list[Json]", answer["invoices"])
    assert [invoice["status"] for invoice in invoices] == ["paid"] * 3
    assert len({invoice["payment_intent"] for invoice in invoices}) == 3
    assert shop.control("GET", f"/subscriptions/{subscription.id}") == answer
    assert _end_of_period(_now(shop, subscription)) > _end_of_period(subscription) + 56 * DAY
    assert len(_invoices(shop, other)) == 1
    _advance(shop, MONTH)
    assert (len(_invoices(shop, subscription)), len(_invoices(shop, other))) == (3, 2)


def test_control_api_cancels_a_subscription(shop: Shop) -> None:
    subscription = shop.subscribe()
    answer = shop.control("POST", f"/subscriptions/{subscription.id}/cancel")
    assert cast("Json", answer["subscription"])["status"] == "canceled"
    for action in ("cancel", "renew"):
        assert shop.http("POST", f"/_sandbox/subscriptions/{subscription.id}/{action}", "{}")[0] == 400
        assert shop.http("POST", f"/_sandbox/subscriptions/sub_none/{action}", "{}")[0] == 404
    assert shop.http("PUT", "/_sandbox/knobs", json.dumps({"renewals": "maybe"}))[0] == 400


def test_payment_of_a_renewal_can_be_refunded(shop: Shop) -> None:
    subscription = shop.subscribe()
    answer = shop.control("POST", f"/subscriptions/{subscription.id}/renew")
    intent = str(cast("list[Json]", answer["invoices"])[1]["payment_intent"])
    shop.control("POST", "/refunds", {"payment_intent": intent})
    (charge,) = shop.client.v1.charges.list({"payment_intent": intent}).data
    assert (charge.refunded, charge.amount_refunded) == (True, 499)
    assert _now(shop, subscription).status == "active", "a refund ends nothing"
