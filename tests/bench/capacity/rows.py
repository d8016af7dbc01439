"""Entries in the table, as requests and the relay leave them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Final
from zlib import crc32

from chalicelib.adapters.dynamodb.keys import RELAY_RUN, received_key, relay_run_key, shard_key
from chalicelib.adapters.dynamodb.mapping import gift_row
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, RelayRunRow, Row
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import JOURNAL_SHARDS
from tests.domain.builders import a_gift
from tests.fakes import uuid7_at
from tests.table_expressions import Item

PRICE: Final = 7


def fans(part: int | None = None) -> Iterator[str]:
    """Generate user ids, whose entries are in the shard `part` of the journal."""
    for number in count():
        fan = f"fan-{number:08}"
        if part is None or crc32(fan.encode()) % JOURNAL_SHARDS == part:
            yield fan


def gift_at(at: datetime, number: int, fan: str, creator: str, shard: int) -> Gift:
    return a_gift(
        gift_id=uuid7_at(at, 2 * number),
        event_id=uuid7_at(at, 2 * number + 1),
        user_id=fan,
        creator_id=creator,
        shard=shard,
        price_coins=PRICE,
        posted_at=at,
        message="a message of the usual length",
    )


def posted(gift: Gift) -> Item:
    """Build the entry of a gift."""
    return item_of(gift_row(gift))


def received(gift: Gift, sequence: int, run_id: str) -> Item:
    """Build the entry of a gift in its creator's shard."""
    return item_of(
        CreatorEntryRow(
            pk=shard_key(gift.creator_id, gift.shard),
            sk=received_key(gift.event_id),
            coins=gift.price_coins,
            total=sequence * PRICE,
            sequence=sequence,
            sender_id=gift.user_id,
            gift_id=gift.gift_id,
            item_id=gift.item_id,
            quantity=1,
            posted_at=gift.posted_at,
            received_by=run_id,
        )
    )


def mark_of(run_id: str) -> Item:
    return item_of(RelayRunRow(relay_run_key(run_id), RELAY_RUN, ttl=2_000_000_000))


def item_of(row: Row) -> Item:
    item: Item = row.serialize()
    return item
