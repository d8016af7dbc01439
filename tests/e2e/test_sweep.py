"""A relay that hears nothing for as long as hundreds of gifts are sent, and what heals it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from chalicelib.adapters.dynamodb.ledger import DynamoLedger
from chalicelib.domain.gifts import Gift, GiftOrder
from chalicelib.usecases.gifts import send_gift
from infra.local.audit import audit
from infra.local.client import Fan, wait_until
from infra.local.client import Gift as SentGift
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.local.subscriber import Subscriber
from tests.e2e.operations import Cloud
from tests.extent import whole_or
from tests.fakes import FakeClock, uuid7_at

pytestmark = pytest.mark.cloud

GIFTS, LANES = whole_or(1_000, 300), 4
LONG_ENOUGH_AGO = timedelta(minutes=11)
"""The sweep leaves ten minutes to the stream."""


def send_long_ago(cloud: Cloud, fan: Fan, creator_id: str, item_id: str) -> list[Gift]:
    """Send the gifts past the API, by the use case behind it: only so can they be old enough to be swept now.

    (Through the API they would also take the better part of a minute.)
    """
    clock, catalogue, sent = FakeClock(datetime.now(UTC) - LONG_ENOUGH_AGO), load_catalogue("default"), []
    with cloud.at_its_table() as table_name:
        ledger = DynamoLedger(table_name)
        for number in range(GIFTS):
            order = GiftOrder(
                gift_id=uuid7_at(clock.now(), 2**40 + number),
                user_id=fan.user_id,
                creator_id=creator_id,
                item_id=item_id,
                quantity=1,
            )
            sent.append(send_gift(order, catalogue=catalogue, ledger=ledger, clock=clock, creator_lanes=LANES).gift)
    return sent


def received(cloud: Cloud, creator_id: str) -> dict[int, list[int]]:
    """The sequences that each shard gave."""
    sequences: dict[int, list[int]] = defaultdict(list)
    for shard in range(LANES):
        for item in cloud.creators_side(creator_id, str(shard)):
            if item["SK"] != "LANE":
                sequences[shard].append(int(item["sequence"]))
    return sequences


def by_lane(gifts: Sequence[Gift]) -> dict[int, list[int]]:
    """The sequences that the gifts should get."""
    sequences: dict[int, list[int]] = defaultdict(list)
    for gift in gifts:
        sequences[gift.shard].append(len(sequences[gift.shard]) + 1)
    return sequences


def test_gifts_that_the_relay_never_heard_of_are_swept(
    stack: StackFacts, cloud_of: Cloud, overlay: Subscriber, fan: Fan, creator_id: str, stripe: StripeSide
) -> None:
    item = fan.gifts()[0]
    held = stripe.fund(fan, (GIFTS + 1) * item.coins)
    wait_until("what happened before was relayed", lambda: overlay.has_received(audit(stack).event_ids))

    with cloud_of.without_relay():
        sent = send_long_ago(cloud_of, fan, creator_id, item.item_id)
        assert received(cloud_of, creator_id) == {}
        assert fan.wallet().coins == held - GIFTS * item.coins

        assert cloud_of.wake("Sweep")["swept"] == GIFTS

        assert {shard: sorted(given) for shard, given in received(cloud_of, creator_id).items()} == by_lane(sent)
        ids = {gift.event_id for gift in sent}
        assert len(ids) == GIFTS
        wait_until("everybody heard of them", lambda: overlay.has_received(ids), seconds=120)
        assert cloud_of.wake("Sweep") == {"swept": 0}
        assert cloud_of.wake("Audit") == {"mismatches": 0}

    later = fan.send_gift(creator_id, item.item_id).read(201, SentGift)
    wait_until("the stream goes on", lambda: overlay.has_received({later.event_id}), seconds=120)
    found = audit(stack)
    assert found.earned[creator_id] == (GIFTS + 1) * item.coins
    assert found.violations == ()
