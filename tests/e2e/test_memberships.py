"""Memberships on the deployed stack, with webhooks that are repeated, reordered or late."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from infra.local.audit import audit
from infra.local.client import Fan, Problem, UnexpectedError, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber
from tests.e2e.memberships import (
    ALLOWANCE,
    PRICE,
    OpenedMembership,
    open_membership,
    read_membership,
    state_of,
    subscribe,
)

pytestmark = pytest.mark.cloud

A_MONTH_SECONDS = 31 * 24 * 60 * 60


@pytest.fixture
def membership(fan: Fan, stripe: StripeSide) -> Iterator[OpenedMembership]:
    """A membership without a subscription. Resets the sandbox's clock and knobs afterwards."""
    yield open_membership(fan)
    stripe.set_knobs(duplicates=0, reorder_seconds=0, deliver=True, renewals="paid")
    stripe.set_clock(0)


Arrival = Callable[[StripeSide], AbstractContextManager[None]]


@contextmanager
def as_sent(stripe: StripeSide) -> Iterator[None]:
    yield
    stripe.wait_for_webhooks()


@contextmanager
def repeated_and_reordered(stripe: StripeSide) -> Iterator[None]:
    stripe.set_knobs(duplicates=1, reorder_seconds=1, seed=11)
    yield
    stripe.wait_for_webhooks()


@contextmanager
def in_reverse(stripe: StripeSide) -> Iterator[None]:
    """Deliver the events after the last act, the latest first."""
    earlier = {event.id for event in stripe.events()}
    stripe.set_knobs(deliver=False)
    yield
    stripe.set_knobs(deliver=True)
    events = [event for event in reversed(stripe.events()) if event.id not in earlier]
    for event_type in REVERSED_EVENT_TYPES:
        for event in events:
            if event.type == event_type:
                stripe.redeliver(event)
        stripe.wait_for_webhooks()


REVERSED_EVENT_TYPES = (
    "customer.subscription.deleted",
    "refund.created",
    "invoice.payment_failed",
    "invoice.paid",
    "customer.subscription.updated",
    "customer.subscription.created",
    "checkout.session.completed",
)


@pytest.mark.parametrize("arrival", [as_sent, repeated_and_reordered, in_reverse])
def test_membership_credits_each_paid_invoice_once(
    stack: StackFacts,
    overlay: Subscriber,
    stripe: StripeSide,
    fan: Fan,
    membership: OpenedMembership,
    arrival: Arrival,
) -> None:
    with arrival(stripe):
        subscription_id = subscribe(stripe, membership).subscription.id
        stripe.renew(subscription_id)
        stripe.fail_renewals()
        failed = stripe.renew(subscription_id).invoices[-1]
        assert failed.status == "open"
        stripe.pay_renewals()
        stripe.pay_invoice(failed.id)
        billed = stripe.renew(subscription_id)
        stripe.refund_invoice(billed.paid[1], PRICE)
        stripe.cancel_subscription(subscription_id)

    assert len(billed.paid) == 4
    assert fan.wallet() == Wallet(coins=(len(billed.paid) - 1) * ALLOWANCE, owed=0)
    assert state_of(fan) == ("ended", False)
    entries = fan.entries()
    assert sorted(entry.kind for entry in entries) == ["clawback", "membership_end", *["purchase"] * 4]
    wait_until("everything was published", lambda: published_counts(overlay, fan) >= EXPECTED_EVENTS)
    assert published_counts(overlay, fan) == EXPECTED_EVENTS
    assert audit(stack).violations == ()


EXPECTED_EVENTS = {
    "coinpurse.membership.started.v1": 1,
    "coinpurse.membership.renewed.v1": 3,
    "coinpurse.membership.ended.v1": 1,
    "coinpurse.coins.clawed_back.v1": 1,
}.items()


def published_counts(overlay: Subscriber, fan: Fan) -> Any:
    """Count the published events about the fan's wallet, by type."""
    found: dict[str, int] = {}
    for message in overlay.receive().values():
        if message["subject"] == f"wallet/{fan.user_id}":
            kind = str(message["type"])
            found[kind] = found.get(kind, 0) + 1
    return found.items()


def test_membership_renews_after_a_month(stripe: StripeSide, fan: Fan, membership: OpenedMembership) -> None:
    subscribe(stripe, membership)
    stripe.wait_for_webhooks()
    assert state_of(fan) == ("active", True)
    first = read_membership(fan)["paid_until"]

    stripe.advance_clock(A_MONTH_SECONDS)
    stripe.wait_for_webhooks()

    assert fan.wallet().coins == 2 * ALLOWANCE
    assert read_membership(fan)["paid_until"] > first
    refused = fan.post("/memberships", {"plan_id": "coin_club"}).read(422, Problem)
    assert refused.code == "already_member"


def test_membership_canceled_at_portal_ends_with_its_period(
    stripe: StripeSide, fan: Fan, membership: OpenedMembership
) -> None:
    subscribe(stripe, membership)
    stripe.wait_for_webhooks()

    url = fan.post("/membership/portal-sessions", {}).read(200, dict[str, str])["url"]
    assert stripe.choose_at_portal(url).status == 303
    stripe.wait_for_webhooks()
    assert state_of(fan) == ("active", False)
    assert read_membership(fan)["active"]

    stripe.advance_clock(A_MONTH_SECONDS)
    stripe.wait_for_webhooks()
    assert state_of(fan) == ("ended", False)
    assert not read_membership(fan)["active"]
    assert fan.wallet().coins == ALLOWANCE
    stripe.set_clock(0)  # Stripe opens no session whose expiry is in the past
    assert fan.post("/memberships", {"plan_id": "coin_club"}).status == 201


def test_portal_session_without_membership_is_not_found(fan: Fan) -> None:
    assert fan.get("/membership").read(200, dict[str, Any]) == {"membership": None}
    with pytest.raises(UnexpectedError, match="404"):
        fan.post("/membership/portal-sessions", {}).read(200, dict[str, str])
