"""The functions that nobody asks: each does its work when it is woken, with the rights that it is deployed with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.models import journal_at, journal_hour
from infra.local.audit import audit
from infra.local.client import Fan, Gift, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide
from infra.operations.redrive import enqueue_range
from tests.e2e.operations import Cloud

pytestmark = pytest.mark.cloud


@pytest.fixture
def lost(cloud_of: Cloud, fan: Fan, creator_id: str, stripe: StripeSide) -> dict[str, Any]:
    """The entry of a gift whose creator's side is gone, as if the stream had never told of it."""
    item = fan.gifts()[0]
    stripe.fund(fan, item.coins)
    gift = fan.send_gift(creator_id, item.item_id).read(201, Gift)
    keys = {"PK": f"WALLET#{fan.user_id}", "SK": f"ENTRY#{gift.id}"}
    entry = cloud_of.table.get_item(Key=keys)["Item"]
    wait_until("it was relayed", lambda: len(cloud_of.creators_side(creator_id, str(entry["lane"]))) == 2)
    for found in cloud_of.creators_side(creator_id, str(entry["lane"])):
        cloud_of.table.delete_item(Key={"PK": found["PK"], "SK": found["SK"]})
    return dict(entry)


def is_mended(cloud_of: Cloud, lost: dict[str, Any]) -> bool:
    kept = cloud_of.creators_side(lost["creator_id"], str(lost["lane"]))
    return [item["sequence"] for item in kept] == [1, 1]


def test_the_sweep_relays_what_the_stream_lost(cloud_of: Cloud, lost: dict[str, Any], stack: StackFacts) -> None:
    at = datetime.now(UTC) - timedelta(minutes=11)
    cloud_of.table.update_item(
        Key={"PK": lost["PK"], "SK": lost["SK"]},
        UpdateExpression="SET journal_hour = :hour, journal_at = :at",
        ExpressionAttributeValues={
            ":hour": journal_hour(at, str(lost["event_id"])),
            ":at": journal_at(at, lost["SK"].removeprefix("ENTRY#")),
        },
    )

    assert cloud_of.wake("Sweep")["swept"] >= 1

    assert is_mended(cloud_of, lost)
    assert cloud_of.wake("Audit") == {"mismatches": 0}
    assert audit(stack).violations == ()


def test_redrive_relays_what_the_mapping_gave_up(cloud_of: Cloud, lost: dict[str, Any], stack: StackFacts) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    enqueue_range(cloud_of.client("sqs"), cloud_of.names["RelayFailureQueue"], hour, hour)

    wait_until("the creator received it", lambda: is_mended(cloud_of, lost))
    assert audit(stack).violations == ()


def test_reconcile_asks_the_payment_provider(cloud_of: Cloud) -> None:
    assert {"try_again", "unforeseen"}.isdisjoint(cloud_of.wake("Reconcile"))
