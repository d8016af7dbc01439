"""The audit reports a corrupted total with both figures and does not change it."""

from datetime import datetime, timedelta
from zlib import crc32

import pytest

from chalicelib.adapters.dynamodb.operators import DynamoOperators
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.journal import JOURNAL_SHARDS, place_of
from chalicelib.domain.work import Part
from chalicelib.ports.results import Posted
from infra.local.client import Fan, Wallet, wait_until
from tests.e2e.operations import Cloud, settled_time
from tests.fakes import uuid7_at

pytestmark = pytest.mark.cloud


def grant_in_the_past(cloud: Cloud, fan: Fan, coins: int, at: datetime) -> None:
    """Post a grant in the past, which the API cannot do, and let the audit walk through that hour again."""
    grant = Adjustment(
        entry_id=uuid7_at(at, 1),
        user_id=fan.user_id,
        kind=Kind.GRANT,
        coins=coins,
        posted_at=at,
        event_id=uuid7_at(at, 2),
        reason="to be audited",
        actor="olga",
    )
    with cloud.local_adapters() as table_name:
        assert DynamoOperators(table_name).grant(grant) == Posted()
        part = Part(worker="audit", name=f"{crc32(fan.user_id.encode()) % JOURNAL_SHARDS:02d}")
        DynamoWorkPositions(table_name).rewind(part, place_of(at))


def put_coins(cloud: Cloud, fan: Fan, coins: int) -> None:
    cloud.table.update_item(
        Key={"PK": f"WALLET#{fan.user_id}", "SK": "WALLET"},
        UpdateExpression="SET coins = :coins",
        ExpressionAttributeValues={":coins": coins},
    )


def test_audit_reports_corrupted_wallet_without_repair(cloud: Cloud, fan: Fan) -> None:
    at = settled_time() - timedelta(hours=1)
    grant_in_the_past(cloud, fan, 4_711, at)
    put_coins(cloud, fan, 5_822)
    try:
        assert cloud.invoke("Audit") == {"mismatches": 1}
        assert fan.wallet() == Wallet(coins=5_822, owed=0)
        wait_until("it was logged", lambda: fan.user_id in cloud.log_of("Audit"))
        (logged, *_) = [line for line in cloud.log_of("Audit").splitlines() if fan.user_id in line]
        assert "5822" in logged
        assert "4711" in logged
    finally:
        put_coins(cloud, fan, 4_711)
    assert cloud.invoke("Audit") == {"mismatches": 0}
