"""Concurrent gifts against a budget that allows some of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
import pytest

from infra.local.audit import audit
from infra.local.client import Fan, Gift, Problem, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber
from tests.e2e.operations import AT_ONCE

pytestmark = pytest.mark.cloud

ATTEMPTS, ALLOWED = 60, 20


class Left(msgspec.Struct):
    left: int


class Coins(msgspec.Struct):
    day: Left


class Budget(msgspec.Struct):
    coins: Coins


def zone_at_noon() -> str:
    """Return a time zone in which it is noon, so that its day does not end during the test."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


def test_60_gifts_at_once_stay_within_budget(
    stack: StackFacts, overlay: Subscriber, fan: Fan, creator_id: str, stripe: StripeSide
) -> None:
    item = fan.gifts()[0]
    funded = stripe.fund(fan, ATTEMPTS * item.coins)
    limit = ALLOWED * item.coins
    fan.put("/budgets", {"zone": zone_at_noon(), "coins": {"day": limit}}).read(200, Budget)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        replies = list(pool.map(lambda _: fan.send_gift(creator_id, item.item_id), range(ATTEMPTS)))

    sent = {reply.read(201, Gift).event_id for reply in replies if reply.status == 201}
    refused = [reply.read(422, Problem).code for reply in replies if reply.status != 201]
    assert len(sent) == ALLOWED
    assert refused == ["budget_reached"] * (ATTEMPTS - ALLOWED)
    assert fan.wallet().coins == funded - limit
    assert fan.get("/budgets").read(200, Budget).coins.day.left == 0

    def reminders() -> list[str]:
        return [entry.id for entry in fan.entries() if entry.kind == "budget_reminder"]

    wait_until("every gift was published", lambda: overlay.has_received(sent), seconds=90)
    wait_until("the fan was reminded at 80 and at 100 per cent", lambda: len(reminders()) == 2, seconds=90)
    found = audit(stack)
    assert found.earned[creator_id] == limit
    assert found.violations == ()
