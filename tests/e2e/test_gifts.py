"""Many gifts at once against a balance that pays for half of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.audit import audit
from infra.local.client import MAX_IN_FLIGHT, Fan, Gift, Problem, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber

pytestmark = pytest.mark.cloud

ATTEMPTS, AFFORDABLE = 200, 100


def test_200_gifts_at_once_and_coins_for_100(
    stack: StackFacts, overlay: Subscriber, fan: Fan, creator_id: str, stripe: StripeSide
) -> None:
    item = fan.gifts()[0]
    spare = stripe.fund(fan, AFFORDABLE * item.coins) - AFFORDABLE * item.coins
    leave_behind(fan, spare // item.coins, item.item_id)
    change = fan.wallet().coins - AFFORDABLE * item.coins

    with ThreadPoolExecutor(MAX_IN_FLIGHT) as pool:
        replies = list(pool.map(lambda _: fan.send_gift(creator_id, item.item_id), range(ATTEMPTS)))

    sent = {reply.read(201, Gift).event_id for reply in replies if reply.status == 201}
    refused = [reply.read(402, Problem).code for reply in replies if reply.status != 201]
    assert len(sent) == AFFORDABLE
    assert refused == ["insufficient_coins"] * (ATTEMPTS - AFFORDABLE)
    assert fan.wallet().coins == change

    wait_until("every gift was announced", lambda: overlay.has_received(sent), seconds=90)
    found = audit(stack)
    assert found.earned[creator_id] == AFFORDABLE * item.coins
    assert found.violations == ()


def leave_behind(fan: Fan, quantity: int, item_id: str) -> None:
    """Spend what would be too much, as few gifts as the largest quantity allows."""
    while quantity > 0:
        part = min(quantity, 99)
        fan.send_gift("someone-else", item_id, part).read(201, Gift)
        quantity -= part
