"""Memberships on what is really deployed: months of them, whose news is doubled, shuffled, late or lost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import msgspec
import pytest

from infra.local.audit import audit
from infra.local.billed import Billed
from infra.local.client import Fan, Problem, UnexpectedError, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber
from tests.e2e.operations import Cloud

pytestmark = pytest.mark.cloud

A_MONTH_SECONDS = 31 * 24 * 60 * 60
RECONCILE_GIVES_WEBHOOKS_SECONDS = 600
ALLOWANCE, PRICE = 500, 499


class Joined(msgspec.Struct, frozen=True):
    """A membership that was asked for."""

    id: str
    status: str
    coins: int
    url: str | None


@pytest.fixture
def membership(fan: Fan, stripe: StripeSide) -> Iterator[Joined]:
    """Asked for, and not subscribed to; the provider's clock is put right in the end."""
    yield fan.post("/memberships", {"plan_id": "coin_club", "currency": "usd"}).read(201, Joined)
    stripe.set_knobs(duplicates=0, reorder_seconds=0, deliver=True, renewals="paid")
    stripe.set_clock(0)


def subscribe(stripe: StripeSide, membership: Joined) -> Billed:
    assert membership.url is not None
    assert stripe.pay_at(membership.url).status == 303
    return stripe.subscription_of(membership.id)


def shown(fan: Fan) -> dict[str, Any]:
    """The fan's membership as the API shows it."""
    answer = fan.get("/membership").read(200, dict[str, Any])
    return cast("dict[str, Any]", answer["membership"])


def stands(fan: Fan) -> tuple[str, bool]:
    found = shown(fan)
    return found["status"], found["renews"]


Arrival = Callable[[StripeSide], AbstractContextManager[None]]


@contextmanager
def as_it_happens(stripe: StripeSide) -> Iterator[None]:
    yield
    stripe.wait_for_webhooks()


@contextmanager
def doubled_and_shuffled(stripe: StripeSide) -> Iterator[None]:
    stripe.set_knobs(duplicates=1, reorder_seconds=2, seed=11)
    yield
    stripe.wait_for_webhooks()


@contextmanager
def in_reverse(stripe: StripeSide) -> Iterator[None]:
    """All is over before the first news arrives, and that is of the end."""
    stripe.set_knobs(deliver=False)
    yield
    stripe.set_knobs(deliver=True)
    for event_type in TOLD_LAST_FIRST:
        for event in reversed(stripe.events_of_type(event_type)):
            stripe.redeliver(event)
        stripe.wait_for_webhooks()


TOLD_LAST_FIRST = (
    "customer.subscription.deleted",
    "refund.created",
    "invoice.payment_failed",
    "invoice.paid",
    "customer.subscription.updated",
    "customer.subscription.created",
    "checkout.session.completed",
)


@pytest.mark.parametrize("arrival", [as_it_happens, doubled_and_shuffled, in_reverse])
def test_the_coins_are_exactly_paid_invoices_times_the_allowance(
    stack: StackFacts,
    overlay: Subscriber,
    stripe: StripeSide,
    fan: Fan,
    membership: Joined,
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
    assert stands(fan) == ("ended", False)
    entries = fan.entries()
    assert sorted(entry.kind for entry in entries) == ["clawback", "membership_end", *["purchase"] * 4]
    wait_until("everything was announced", lambda: told_of(overlay, fan) >= LIFE)
    assert told_of(overlay, fan) == LIFE
    assert audit(stack).violations == ()


LIFE = {
    "coinpurse.membership.started.v1": 1,
    "coinpurse.membership.renewed.v1": 3,
    "coinpurse.membership.ended.v1": 1,
    "coinpurse.coins.clawed_back.v1": 1,
}.items()


def told_of(overlay: Subscriber, fan: Fan) -> Any:
    """How often each thing was told of a fan's wallet."""
    found: dict[str, int] = {}
    for message in overlay.receive().values():
        if message["subject"] == f"wallet/{fan.user_id}":
            kind = str(message["type"])
            found[kind] = found.get(kind, 0) + 1
    return found.items()


def test_a_month_passes_and_the_membership_is_renewed(stripe: StripeSide, fan: Fan, membership: Joined) -> None:
    subscribe(stripe, membership)
    stripe.wait_for_webhooks()
    assert stands(fan) == ("active", True)
    first = shown(fan)["paid_until"]

    stripe.advance_clock(A_MONTH_SECONDS)
    stripe.wait_for_webhooks()

    assert fan.wallet().coins == 2 * ALLOWANCE
    assert shown(fan)["paid_until"] > first
    refused = fan.post("/memberships", {"plan_id": "coin_club"}).read(422, Problem)
    assert refused.code == "already_member"


def test_a_membership_that_is_canceled_at_the_portal_ends_with_its_month(
    stripe: StripeSide, fan: Fan, membership: Joined
) -> None:
    subscribe(stripe, membership)
    stripe.wait_for_webhooks()

    url = fan.post("/membership/portal-sessions", {}).read(200, dict[str, str])["url"]
    assert stripe.choose_at_portal(url).status == 303
    stripe.wait_for_webhooks()
    assert stands(fan) == ("active", False)
    assert shown(fan)["active"]

    stripe.advance_clock(A_MONTH_SECONDS)
    stripe.wait_for_webhooks()
    assert stands(fan) == ("ended", False)
    assert not shown(fan)["active"]
    assert fan.wallet().coins == ALLOWANCE
    stripe.set_clock(0)  # it opens no sessions that have expired a month ago
    assert fan.post("/memberships", {"plan_id": "coin_club"}).status == 201


def test_what_no_webhook_told_reconcile_finds(
    stripe: StripeSide, cloud_of: Cloud, fan: Fan, membership: Joined
) -> None:
    stripe.set_knobs(deliver=False)
    stripe.set_clock(-RECONCILE_GIVES_WEBHOOKS_SECONDS)
    subscription_id = subscribe(stripe, membership).subscription.id
    stripe.renew(subscription_id)
    stripe.cancel_subscription(subscription_id)
    stripe.set_clock(0)
    stripe.set_knobs(deliver=True)
    assert fan.wallet().coins == 0

    cloud_of.wake("Reconcile")
    again = cloud_of.wake("Reconcile")

    assert fan.wallet().coins == 2 * ALLOWANCE
    assert stands(fan) == ("ended", False)
    assert again.keys().isdisjoint({"credited", "membership_active", "membership_ended", "try_again", "unforeseen"})


def test_who_never_joined_has_nothing_to_cancel(fan: Fan) -> None:
    assert fan.get("/membership").read(200, dict[str, Any]) == {"membership": None}
    with pytest.raises(UnexpectedError, match="404"):
        fan.post("/membership/portal-sessions", {}).read(200, dict[str, str])
