"""Coins follow refunds and disputes on the deployed stack, with webhooks in any order."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import zip_longest

import pytest

from infra.local.client import Checkout, Fan, Wallet
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from tests.e2e.payments import CHANGES, assert_keeps_share, open_checkouts, open_largest, without_webhooks

pytestmark = pytest.mark.cloud

Arrival = Callable[[StripeSide, Sequence[Checkout]], AbstractContextManager[None]]


@contextmanager
def reversed_and_repeated(stripe: StripeSide, checkouts: Sequence[Checkout]) -> Iterator[None]:
    """Deliver the events of each checkout in turn, so that each is handled before the one before it."""
    with without_webhooks(stripe):
        yield
    events = [list(reversed(stripe.events_about(checkout))) for checkout in checkouts]
    for at_once in zip_longest(*events):
        for _ in range(2):
            for event in filter(None, at_once):
                stripe.redeliver(event)
            stripe.wait_for_webhooks()


@contextmanager
def reordered_at_once(stripe: StripeSide, checkouts: Sequence[Checkout]) -> Iterator[None]:
    with without_webhooks(stripe):
        yield
    stripe.set_knobs(duplicates=1, reorder_seconds=1, seed=7)
    for checkout in checkouts:
        for event in stripe.events_about(checkout):
            stripe.redeliver(event)
    stripe.set_knobs(duplicates=0, reorder_seconds=0)
    stripe.wait_for_webhooks()


@contextmanager
def as_sent(stripe: StripeSide, _checkouts: Sequence[Checkout]) -> Iterator[None]:
    yield
    stripe.wait_for_webhooks()


@pytest.mark.parametrize("arrival", [as_sent, reversed_and_repeated, reordered_at_once])
def test_wallet_keeps_share_of_price_after_refunds_and_disputes(
    stack: StackFacts, stripe: StripeSide, arrival: Arrival
) -> None:
    checkouts = open_checkouts(stack)

    with arrival(stripe, [checkout for _, checkout in checkouts]):
        kept_minor = [change(stripe, checkout) for change, (_, checkout) in zip(CHANGES, checkouts, strict=True)]

    assert_keeps_share(stack, checkouts, kept_minor)


def test_refund_of_spent_coins_is_owed_until_next_purchase(stripe: StripeSide, fan: Fan, creator_id: str) -> None:
    checkout = open_largest(fan)
    stripe.pay(checkout)
    stripe.wait_for_webhooks()
    item = max((gift for gift in fan.gifts() if gift.coins <= checkout.coins), key=lambda gift: gift.coins)
    assert fan.send_gift(creator_id, item.item_id).status == 201

    stripe.refund(checkout, checkout.price.amount_minor)
    stripe.wait_for_webhooks()
    assert fan.wallet() == Wallet(coins=0, owed=item.coins)
    assert fan.send_gift(creator_id, item.item_id).status == 402

    assert stripe.fund(fan, 1) == checkout.coins - item.coins
