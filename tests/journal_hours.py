"""Whole hours of the journal, and positions of the first release."""

from datetime import datetime

from chalicelib.adapters.dynamodb.keys import WATERMARK, watermark_key
from chalicelib.domain.ids import iso
from chalicelib.domain.journal import JOURNAL_SHARDS, JournalLine, place_of
from chalicelib.ports.journal import Journal
from tests.stores import DynamoStore, FakeStore, Store


def lines_of_hour(journal: Journal, hour: datetime) -> list[JournalLine]:
    """Read the entries posted in the hour that begins at `hour`, as the workers do, in pages of each shard."""
    lines: list[JournalLine] = []
    for shard in range(JOURNAL_SHARDS):
        place = place_of(hour)
        while page := journal.read_page(shard, place, 100):
            lines += page
            place = page[-1].place
    return lines


def put_watermark(store: Store, name: str, at: datetime) -> None:
    """Store the position of a worker as the first release did."""
    if isinstance(store, FakeStore):
        store.journal.watermarks[name] = at
    elif isinstance(store, DynamoStore):
        store.put(watermark_key(name), WATERMARK, "at", iso(at))
