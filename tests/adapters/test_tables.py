"""Keys without collisions, and attribute types that reject invalid amounts."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pynamodb.exceptions import AttributeDeserializationError

from chalicelib.adapters.dynamodb.attributes import EpochAttribute, InstantAttribute, IntegerAttribute
from chalicelib.adapters.dynamodb.keys import (
    entry_key,
    journal_at,
    journal_hour,
    key,
    shard_key,
    wallet_key,
)
from chalicelib.adapters.dynamodb.models import EntryRow, WalletRow
from chalicelib.domain.journal import JOURNAL_SHARDS
from chalicelib.domain.money import MAX_AMOUNT
from tests.adapters.samples import new_id
from tests.fakes import START


@pytest.mark.parametrize("number", [0, 1, -1, MAX_AMOUNT, -MAX_AMOUNT])
def test_integer_attribute_keeps_whole_numbers_exactly(number: int) -> None:
    written = IntegerAttribute().serialize(number)

    assert written == str(number)
    assert IntegerAttribute().deserialize(written) == number


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        1.0,
        0.1,
        -0.0,
        float("nan"),
        float("inf"),
        1e3,
        "5",
        b"5",
        None,
        [5],
        MAX_AMOUNT + 1,
        -MAX_AMOUNT - 1,
    ],
    ids=repr,
)
def test_integer_attribute_rejects_other_values(value: Any) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        IntegerAttribute().serialize(value)


@pytest.mark.parametrize("value", [True, 1.5, MAX_AMOUNT + 1], ids=repr)
def test_rows_and_conditions_reject_invalid_amounts(value: Any) -> None:
    for make in (lambda: WalletRow("WALLET#ann", "WALLET", coins=value).serialize(), lambda: WalletRow.coins >= value):
        with pytest.raises(ValueError, match="not a whole number"):
            make()


@pytest.mark.parametrize("stored", ["1.5", "1e3", "NaN", "", "five"])
def test_row_with_invalid_stored_amount_is_not_read(stored: str) -> None:
    with pytest.raises((AttributeDeserializationError, ValueError)):
        WalletRow.from_raw_data({"PK": {"S": "W"}, "SK": {"S": "W"}, "coins": {"N": stored}})


@pytest.mark.parametrize("parts", [("",), ("WALLET", ""), ("WALLET", "ann#1"), ("#",), ("WALLET", "ann", "#")])
def test_key_rejects_ambiguous_parts(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="part of a key"):
        key(*parts)


def test_keys_of_different_items_differ() -> None:
    keys = [
        wallet_key("ann"),
        wallet_key("Ann"),
        entry_key("ann"),
        shard_key("ann", 0),
        shard_key("ann", 10),
        shard_key("ann1", 0),
        shard_key("ann-1", 0),
    ]
    assert len(set(keys)) == len(keys)


def test_instant_attribute_keeps_utc_milliseconds() -> None:
    at = datetime(2026, 11, 22, 14, 0, 0, 123_999, timezone(timedelta(hours=2)))

    assert InstantAttribute().serialize(at) == "2026-11-22T12:00:00.123Z"
    assert InstantAttribute().deserialize("2026-11-22T12:00:00.123Z") == datetime(2026, 11, 22, 12, 0, 0, 123_000, UTC)


def test_epoch_attribute_keeps_milliseconds_since_1970() -> None:
    at = datetime(2026, 11, 22, 14, 0, 0, 123_999, timezone(timedelta(hours=2)))

    assert EpochAttribute().serialize(at) == "1795348800123"
    assert EpochAttribute().deserialize("1795348800123") == datetime(2026, 11, 22, 12, 0, 0, 123_000, UTC)


def test_journal_hour_is_utc_and_partitioned_by_fan() -> None:
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    assert journal_hour(tokyo, "ann") == journal_hour(START, "ann")
    assert journal_at(tokyo, "entry") == "2026-11-22T12:00:00.000Z#entry"

    hours = {journal_hour(START, new_id()) for _ in range(500)}
    assert hours == {f"2026-11-22T12#{shard:02d}" for shard in range(JOURNAL_SHARDS)}


def test_row_serializes_given_attributes_only() -> None:
    """Omit null attributes: they would enter unposted entries into the sparse index, and enlarge the items."""
    row = EntryRow("WALLET#ann", "ENTRY#1", kind="purchase", status="pending", coins=1, created_at=START)

    assert row.serialize().keys() == {"PK", "SK", "kind", "status", "coins", "version", "created_at"}
