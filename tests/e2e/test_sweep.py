"""The sweep relays gifts that were sent while the stream did not reach the relay."""

from collections import defaultdict
from collections.abc import Sequence

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
from tests.e2e.operations import Cloud, settled_time
from tests.extent import whole_or
from tests.fakes import FakeClock, uuid7_at

pytestmark = pytest.mark.cloud

GIFTS, SHARDS = whole_or(1_000, 60), 4


def send_in_the_past(cloud: Cloud, fan: Fan, creator_id: str, item_id: str) -> list[Gift]:
    """Send gifts in the past, through the use case: the sweep takes only older entries, and the API cannot backdate.

    It is also faster than the API, which would take most of a minute.
    """
    clock, catalogue, sent = FakeClock(settled_time()), load_catalogue("default"), []
    with cloud.local_adapters() as table_name:
        ledger = DynamoLedger(table_name)
        for number in range(GIFTS):
            order = GiftOrder(
                gift_id=uuid7_at(clock.now(), 2**40 + number),
                user_id=fan.user_id,
                creator_id=creator_id,
                item_id=item_id,
                quantity=1,
            )
            sent.append(send_gift(order, catalogue=catalogue, ledger=ledger, clock=clock, creator_shards=SHARDS).gift)
    return sent


def received(cloud: Cloud, creator_id: str) -> dict[int, list[int]]:
    """Read the sequences in each shard."""
    sequences: dict[int, list[int]] = defaultdict(list)
    for shard in range(SHARDS):
        for item in cloud.shard_items(creator_id, str(shard)):
            if item["SK"] != "LANE":
                sequences[shard].append(int(item["sequence"]))
    return sequences


def expected(gifts: Sequence[Gift]) -> dict[int, list[int]]:
    """Compute the sequences expected in each shard."""
    sequences: dict[int, list[int]] = defaultdict(list)
    for gift in gifts:
        sequences[gift.shard].append(len(sequences[gift.shard]) + 1)
    return sequences


def test_sweep_relays_gifts_that_the_stream_lost(
    stack: StackFacts, cloud: Cloud, overlay: Subscriber, fan: Fan, creator_id: str, stripe: StripeSide
) -> None:
    item = fan.gifts()[0]
    funded = stripe.fund(fan, (GIFTS + 1) * item.coins)
    before = audit(stack).event_ids
    wait_until("what happened before was relayed", lambda: overlay.has_received(before))

    with cloud.without_relay():
        sent = send_in_the_past(cloud, fan, creator_id, item.item_id)
        assert received(cloud, creator_id) == {}
        assert fan.wallet().coins == funded - GIFTS * item.coins

        assert cloud.invoke("Sweep")["swept"] == GIFTS

        assert {shard: sorted(given) for shard, given in received(cloud, creator_id).items()} == expected(sent)
        ids = {gift.event_id for gift in sent}
        assert len(ids) == GIFTS
        wait_until("all were published", lambda: overlay.has_received(ids), seconds=120)
        assert cloud.invoke("Sweep") == {"swept": 0}
        assert cloud.invoke("Audit") == {"mismatches": 0}

    later = fan.send_gift(creator_id, item.item_id).read(201, SentGift)
    wait_until("the stream goes on", lambda: overlay.has_received({later.event_id}), seconds=120)
    found = audit(stack)
    assert found.earned[creator_id] == (GIFTS + 1) * item.coins
    assert found.violations == ()
