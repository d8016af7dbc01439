"""Concurrent gifts against a balance that covers half of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from uuid_utils import uuid7

from infra.local.audit import audit
from infra.local.client import Fan, Gift, Problem, wait_until
from infra.local.facts import StackFacts
from infra.local.subscriber import Subscriber
from tests.e2e.operations import AT_ONCE, grant

pytestmark = pytest.mark.cloud

ATTEMPTS, AFFORDABLE = 100, 50


def test_100_gifts_at_once_spend_coins_for_50(
    stack: StackFacts, overlay: Subscriber, fan: Fan, creator_id: str
) -> None:
    item = fan.gifts()[0]
    remaining = item.coins - 1
    operator = Fan(stack, f"olga-{uuid7()}", scope="operator")
    assert grant(operator, fan, AFFORDABLE * item.coins + remaining).status == 201

    with ThreadPoolExecutor(AT_ONCE) as pool:
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
