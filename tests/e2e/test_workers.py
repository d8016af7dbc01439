"""Scheduled workers on the deployed stack, with the permissions of their roles."""

from datetime import datetime
from typing import Any

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb.keys import journal_at, journal_hour
from infra.local.audit import audit
from infra.local.client import Fan, Gift, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.operations.redrive import publish_again
from tests.e2e.operations import Cloud, settled_time

pytestmark = pytest.mark.cloud


@pytest.fixture
def unrelayed(cloud: Cloud, fan: Fan, creator_id: str, stripe: StripeSide) -> dict[str, Any]:
    """The stored gift of which the creator's shard items were deleted, as if the stream had unrelayed it."""
    item = fan.gifts()[0]
    stripe.fund(fan, item.coins)
    gift = fan.send_gift(creator_id, item.item_id).read(201, Gift)
    keys = {"PK": f"WALLET#{fan.user_id}", "SK": f"ENTRY#{gift.id}"}
    entry = cloud.table.get_item(Key=keys)["Item"]
    wait_until("it was relayed", lambda: len(cloud.shard_items(creator_id, str(entry["lane"]))) == 2)
    for found in cloud.shard_items(creator_id, str(entry["lane"])):
        cloud.table.delete_item(Key={"PK": found["PK"], "SK": found["SK"]})
    return dict(entry)


def is_relayed_once(cloud: Cloud, unrelayed: dict[str, Any]) -> bool:
    items = cloud.shard_items(unrelayed["creator_id"], str(unrelayed["lane"]))
    return [item["sequence"] for item in items] == [1, 1]


def backdate(cloud: Cloud, entry: dict[str, Any]) -> datetime:
    """Move an entry to a time in the journal that the sweep takes for settled. Returns that time."""
    at = settled_time()
    cloud.table.update_item(
        Key={"PK": entry["PK"], "SK": entry["SK"]},
        UpdateExpression="SET journal_hour = :hour, journal_at = :at",
        ExpressionAttributeValues={
            ":hour": journal_hour(at, entry["PK"].removeprefix("WALLET#")),
            ":at": journal_at(at, entry["SK"].removeprefix("ENTRY#")),
        },
    )
    return at


def test_sweep_relays_lost_gift(cloud: Cloud, unrelayed: dict[str, Any], stack: StackFacts) -> None:
    backdate(cloud, unrelayed)

    assert cloud.invoke("Sweep")["swept"] >= 1

    assert is_relayed_once(cloud, unrelayed)
    assert cloud.invoke("Audit") == {"mismatches": 0}
    assert audit(stack).violations == ()


def test_redrive_publishes_a_stretch_again(cloud: Cloud, unrelayed: dict[str, Any], stack: StackFacts) -> None:
    at = backdate(cloud, unrelayed)
    cloud.invoke("Sweep")
    with cloud.local_adapters() as table_name:
        publish_again(table_name, at, at, SystemClock())

    assert cloud.invoke("Sweep")["swept"] >= 1

    assert is_relayed_once(cloud, unrelayed)
    assert audit(stack).violations == ()
