"""Checkouts whose payments are refunded and disputed, and the coins that a fan keeps of each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from uuid_utils import uuid7

from infra.local.audit import audit
from infra.local.client import Checkout, Fan, Wallet, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide

Checkouts = Sequence[tuple[Fan, Checkout]]


def open_largest(fan: Fan) -> Checkout:
    """Open a checkout of the largest bundle, whose price does not divide its coins."""
    bundle = max(fan.bundles(), key=lambda each: each.coins)
    return fan.open_checkout(bundle.bundle_id).read(201, Checkout)


def open_checkouts(stack: StackFacts) -> Checkouts:
    """Open a checkout for each of CHANGES, each of another fan."""
    fans = [Fan(stack, f"fan-{uuid7()}") for _ in CHANGES]
    return [(fan, open_largest(fan)) for fan in fans]


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


CHANGES: Final[Sequence[Callable[[StripeSide, Checkout], int]]] = (refunds_and_disputes, full_refund, dispute_won)


def assert_keeps_share(stack: StackFacts, checkouts: Checkouts, kept_minor: Sequence[int]) -> None:
    """Check that each fan has the share of the coins whose price was kept, from one purchase."""
    for (fan, checkout), kept in zip(checkouts, kept_minor, strict=True):
        expected = checkout.coins * kept // checkout.price.amount_minor
        assert fan.wallet() == Wallet(coins=expected, owed=0)
        entries = fan.entries()
        assert sum(entry.coins for entry in entries) == expected
        assert [entry.kind for entry in entries].count("purchase") == 1
    wait_until("every entry was relayed", lambda: audit(stack).violations == ())
