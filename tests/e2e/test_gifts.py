"""Concurrent gifts against a balance that covers half of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.audit import audit
from infra.local.client import MAX_IN_FLIGHT, Fan, Gift, Problem, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber

pytestmark = pytest.mark.cloud

ATTEMPTS, AFFORDABLE = 200, 100


def test_200_gifts_at_once_spend_coins_for_100(
    stack: StackFacts, overlay: Subscriber, fan: Fan, creator_id: str, stripe: StripeSide
) -> None:
    item = fan.gifts()[0]
    surplus = stripe.fund(fan, AFFORDABLE * item.coins) - AFFORDABLE * item.coins
    spend(fan, surplus // item.coins, item.item_id)
    remaining = fan.wallet().coins - AFFORDABLE * item.coins

    with ThreadPoolExecutor(MAX_IN_FLIGHT) as pool:
        replies = list(pool.map(lambda _: fan.send_gift(creator_id, item.item_id), range(ATTEMPTS)))

    sent = {reply.read(201, Gift).event_id for reply in replies if reply.status == 201}
    refused = [reply.read(402, Problem).code for reply in replies if reply.status != 201]
    assert len(sent) == AFFORDABLE
    assert refused == ["insufficient_coins"] * (ATTEMPTS - AFFORDABLE)
    assert fan.wallet().coins == remaining

    wait_until("every gift was published", lambda: overlay.has_received(sent), seconds=90)
    found = audit(stack)
    assert found.earned[creator_id] == AFFORDABLE * item.coins
    assert found.violations == ()


def spend(fan: Fan, quantity: int, item_id: str) -> None:
    """Spend the surplus in as few gifts as the maximum quantity allows."""
    while quantity > 0:
        part = min(quantity, 99)
        fan.send_gift("someone-else", item_id, part).read(201, Gift)
        quantity -= part
