"""Coins follow the money on what is really deployed, however the news of it arrives, and if none arrives at all."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from infra.local.audit import audit
from infra.local.client import Checkout, Fan, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from tests.e2e.operations import Cloud

pytestmark = pytest.mark.cloud

RECONCILE_GIVES_WEBHOOKS_SECONDS = 600

Arrival = Callable[[StripeSide, Cloud, Checkout], AbstractContextManager[None]]


@pytest.fixture
def checkout(fan: Fan) -> Checkout:
    """Of the largest bundle: its price is far from dividing its coins."""
    bundle = max(fan.bundles(), key=lambda each: each.coins)
    return fan.open_checkout(bundle.bundle_id).read(201, Checkout)


@contextmanager
def in_reverse_and_twice(stripe: StripeSide, _cloud: Cloud, checkout: Checkout) -> Iterator[None]:
    with silence(stripe):
        yield
    for event in reversed(stripe.events_about(checkout)):
        for _ in range(2):
            stripe.redeliver(event)
            stripe.wait_for_webhooks()


@contextmanager
def all_at_once_and_shuffled(stripe: StripeSide, _cloud: Cloud, checkout: Checkout) -> Iterator[None]:
    with silence(stripe):
        yield
    stripe.set_knobs(duplicates=2, reorder_seconds=1, seed=7)
    for event in stripe.events_about(checkout):
        stripe.redeliver(event)
    stripe.set_knobs(duplicates=0, reorder_seconds=0)
    stripe.wait_for_webhooks()


@contextmanager
def as_it_happens(stripe: StripeSide, _cloud: Cloud, _checkout: Checkout) -> Iterator[None]:
    stripe.set_knobs(duplicates=1)
    try:
        yield
    finally:
        stripe.set_knobs(duplicates=0)
    stripe.wait_for_webhooks()


@contextmanager
def never_but_reconciled(stripe: StripeSide, cloud: Cloud, _checkout: Checkout) -> Iterator[None]:
    """It all happened a while ago: what is young is left to the webhooks."""
    with silence(stripe):
        stripe.set_clock(-RECONCILE_GIVES_WEBHOOKS_SECONDS)
        try:
            yield
        finally:
            stripe.set_clock(0)
        healed, again = cloud.wake("Reconcile"), cloud.wake("Reconcile")
    assert healed["credited"] >= 1
    assert again.keys().isdisjoint({"credited", "clawed_back", "restored", "try_again", "unforeseen"})


@contextmanager
def silence(stripe: StripeSide) -> Iterator[None]:
    """No webhook is sent."""
    stripe.set_knobs(deliver=False)
    try:
        yield
    finally:
        stripe.set_knobs(deliver=True)


def troubles(stripe: StripeSide, checkout: Checkout) -> int:
    """Three refunds, of which one fails later, a dispute that is won and one that is lost. Returns what is kept."""
    stripe.pay(checkout)
    stripe.refund(checkout, 101)
    bounced = stripe.refund(checkout, 53, "pending")
    stripe.refund(checkout, 7)
    stripe.set_refund_status(bounced, "failed")
    for amount, end in ((211, "won"), (97, "lost")):
        dispute = stripe.dispute(checkout, amount)
        stripe.set_dispute_status(dispute, "under_review")
        stripe.set_dispute_status(dispute, end)
    return checkout.price.amount_minor - 101 - 7 - 97


def everything_back(stripe: StripeSide, checkout: Checkout) -> int:
    stripe.pay(checkout)
    stripe.refund(checkout, checkout.price.amount_minor)
    return 0


def back_and_returned(stripe: StripeSide, checkout: Checkout) -> int:
    """All of it disputed, and won."""
    stripe.pay(checkout)
    stripe.set_dispute_status(stripe.dispute(checkout, checkout.price.amount_minor), "won")
    return checkout.price.amount_minor


@pytest.mark.parametrize(
    "arrival", [as_it_happens, in_reverse_and_twice, all_at_once_and_shuffled, never_but_reconciled]
)
@pytest.mark.parametrize("course", [troubles, everything_back, back_and_returned])
def test_coins_are_the_share_of_the_price_that_is_kept(
    stack: StackFacts,
    stripe: StripeSide,
    cloud_of: Cloud,
    fan: Fan,
    checkout: Checkout,
    course: Callable[[StripeSide, Checkout], int],
    arrival: Arrival,
) -> None:
    with arrival(stripe, cloud_of, checkout):
        kept_minor = course(stripe, checkout)

    expected = checkout.coins * kept_minor // checkout.price.amount_minor
    assert fan.wallet() == Wallet(coins=expected, owed=0)
    entries = fan.entries()
    assert sum(entry.coins for entry in entries) == expected
    assert [entry.kind for entry in entries].count("purchase") == 1
    wait_until("its creators were told", lambda: audit(stack).violations == ())


def test_coins_that_were_spent_are_owed_and_paid_off_by_the_next_purchase(
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
