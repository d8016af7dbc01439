"""Coins follow refunds and disputes on the deployed stack, with webhooks in any order or none."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from infra.local.audit import audit
from infra.local.client import Checkout, Fan, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from tests.e2e.operations import Cloud

pytestmark = pytest.mark.cloud

RECONCILE_MIN_AGE_SECONDS = 600

Arrival = Callable[[StripeSide, Cloud, Checkout], AbstractContextManager[None]]


@pytest.fixture
def checkout(fan: Fan) -> Checkout:
    """A checkout of the largest bundle, whose price does not divide its coins."""
    bundle = max(fan.bundles(), key=lambda each: each.coins)
    return fan.open_checkout(bundle.bundle_id).read(201, Checkout)


@contextmanager
def reversed_and_repeated(stripe: StripeSide, _cloud: Cloud, checkout: Checkout) -> Iterator[None]:
    with without_webhooks(stripe):
        yield
    for event in reversed(stripe.events_about(checkout)):
        for _ in range(2):
            stripe.redeliver(event)
            stripe.wait_for_webhooks()


@contextmanager
def reordered_at_once(stripe: StripeSide, _cloud: Cloud, checkout: Checkout) -> Iterator[None]:
    with without_webhooks(stripe):
        yield
    stripe.set_knobs(duplicates=2, reorder_seconds=1, seed=7)
    for event in stripe.events_about(checkout):
        stripe.redeliver(event)
    stripe.set_knobs(duplicates=0, reorder_seconds=0)
    stripe.wait_for_webhooks()


@contextmanager
def as_sent(stripe: StripeSide, _cloud: Cloud, _checkout: Checkout) -> Iterator[None]:
    stripe.set_knobs(duplicates=1)
    try:
        yield
    finally:
        stripe.set_knobs(duplicates=0)
    stripe.wait_for_webhooks()


@contextmanager
def by_reconcile_only(stripe: StripeSide, cloud: Cloud, _checkout: Checkout) -> Iterator[None]:
    """Act in the past, because reconcile leaves recent events to the webhooks."""
    with without_webhooks(stripe):
        stripe.set_clock(-RECONCILE_MIN_AGE_SECONDS)
        try:
            yield
        finally:
            stripe.set_clock(0)
        cloud.rewind_reconcile()
        first, second = cloud.invoke("Reconcile"), cloud.invoke("Reconcile")
    assert first["credited"] >= 1
    assert second.keys().isdisjoint({"credited", "clawed_back", "restored", "try_again", "unforeseen"})


@contextmanager
def without_webhooks(stripe: StripeSide) -> Iterator[None]:
    """Send no webhooks within the block."""
    stripe.set_knobs(deliver=False)
    try:
        yield
    finally:
        stripe.set_knobs(deliver=True)


def refunds_and_disputes(stripe: StripeSide, checkout: Checkout) -> int:
    """Three refunds, one of which fails later, a dispute won and one lost. Returns the amount kept."""
    stripe.pay(checkout)
    stripe.refund(checkout, 101)
    failing = stripe.refund(checkout, 53, "pending")
    stripe.refund(checkout, 7)
    stripe.set_refund_status(failing, "failed")
    for amount, end in ((211, "won"), (97, "lost")):
        dispute = stripe.dispute(checkout, amount)
        stripe.set_dispute_status(dispute, "under_review")
        stripe.set_dispute_status(dispute, end)
    return checkout.price.amount_minor - 101 - 7 - 97


def full_refund(stripe: StripeSide, checkout: Checkout) -> int:
    stripe.pay(checkout)
    stripe.refund(checkout, checkout.price.amount_minor)
    return 0


def dispute_won(stripe: StripeSide, checkout: Checkout) -> int:
    """A dispute over the whole price, won. Returns the amount kept."""
    stripe.pay(checkout)
    stripe.set_dispute_status(stripe.dispute(checkout, checkout.price.amount_minor), "won")
    return checkout.price.amount_minor


@pytest.mark.parametrize("arrival", [as_sent, reversed_and_repeated, reordered_at_once, by_reconcile_only])
@pytest.mark.parametrize("changes", [refunds_and_disputes, full_refund, dispute_won])
def test_wallet_keeps_share_of_price_after_refunds_and_disputes(
    stack: StackFacts,
    stripe: StripeSide,
    cloud: Cloud,
    fan: Fan,
    checkout: Checkout,
    changes: Callable[[StripeSide, Checkout], int],
    arrival: Arrival,
) -> None:
    with arrival(stripe, cloud, checkout):
        kept_minor = changes(stripe, checkout)

    expected = checkout.coins * kept_minor // checkout.price.amount_minor
    assert fan.wallet() == Wallet(coins=expected, owed=0)
    entries = fan.entries()
    assert sum(entry.coins for entry in entries) == expected
    assert [entry.kind for entry in entries].count("purchase") == 1
    wait_until("every entry was relayed", lambda: audit(stack).violations == ())


def test_refund_of_spent_coins_is_owed_until_next_purchase(
    stripe: StripeSide, fan: Fan, checkout: Checkout, creator_id: str
) -> None:
    stripe.pay(checkout)
    stripe.wait_for_webhooks()
    item = max((gift for gift in fan.gifts() if gift.coins <= checkout.coins), key=lambda gift: gift.coins)
    assert fan.send_gift(creator_id, item.item_id).status == 201

    stripe.refund(checkout, checkout.price.amount_minor)
    stripe.wait_for_webhooks()
    assert fan.wallet() == Wallet(coins=0, owed=item.coins)
    assert fan.send_gift(creator_id, item.item_id).status == 402

    assert stripe.fund(fan, 1) == checkout.coins - item.coins
