"""A total that somebody tampered with is told by the audit, with both figures, and left as it is."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.dynamodb.operators import DynamoOperators
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.ports.results import Posted
from infra.local.client import Fan, Wallet, wait_until
from tests.e2e.operations import Cloud
from tests.fakes import uuid7_at

pytestmark = pytest.mark.cloud

LONG_ENOUGH_AGO = timedelta(minutes=11)
"""The audit leaves ten minutes to whatever is under way."""


def grant_long_ago(cloud: Cloud, fan: Fan, coins: int) -> None:
    """Past the API, which does nothing in the past."""
    at = datetime.now(UTC) - LONG_ENOUGH_AGO
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
    with cloud.at_its_table() as table_name:
        assert DynamoOperators(table_name).grant(grant) == Posted()


def put_coins(cloud: Cloud, fan: Fan, coins: int) -> None:
    cloud.table.update_item(
        Key={"PK": f"WALLET#{fan.user_id}", "SK": "WALLET"},
        UpdateExpression="SET coins = :coins",
        ExpressionAttributeValues={":coins": coins},
    )


def test_a_tampered_wallet_is_told_and_not_mended(cloud_of: Cloud, fan: Fan) -> None:
    grant_long_ago(cloud_of, fan, 4_711)
    assert cloud_of.wake("Audit") == {"mismatches": 0}

    put_coins(cloud_of, fan, 5_822)
    try:
        for _ in range(2):
            assert cloud_of.wake("Audit") == {"mismatches": 1}
        assert fan.wallet() == Wallet(coins=5_822, owed=0)
        wait_until("it was logged", lambda: fan.user_id in cloud_of.log_of("Audit"))
        (told, *_) = [line for line in cloud_of.log_of("Audit").splitlines() if fan.user_id in line]
        assert "5822" in told
        assert "4711" in told
    finally:
        put_coins(cloud_of, fan, 4_711)
    assert cloud_of.wake("Audit") == {"mismatches": 0}
