"""Contract of the Journal port: entries by the hour of posting, and those that are not relayed yet."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zlib import crc32

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import entry_key, wallet_key
from chalicelib.domain.adjustments import Adjustment, Kind
from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.gifts import Gift
from chalicelib.domain.journal import JOURNAL_SHARDS, JournalLine, PostedRecord, place_of
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.results import Posted
from tests.adapters.samples import (
    a_clawback,
    a_gift,
    a_posting,
    a_purchase,
    a_reversal,
    an_adjustment,
    buy,
    gifts_to,
    new_hour,
    new_id,
    new_name,
)
from tests.fakes import START, session_of
from tests.journal_hours import lines_of_hour, put_watermark
from tests.stores import DynamoStore, Store

HOUR = timedelta(hours=1)
LAST_MILLISECOND = HOUR - timedelta(milliseconds=1)


@pytest.fixture
def hour() -> datetime:
    return new_hour()


def line(entry: Entry) -> JournalLine:
    """Build the journal line expected for an entry."""
    kind = "gift" if isinstance(entry, Gift) else "purchase" if isinstance(entry, Purchase) else str(entry.kind)
    has_shard = isinstance(entry, Gift) or kind == "gift_reversal"
    assert entry.posted_at
    assert entry.event_id
    return JournalLine(
        user_id=entry.user_id,
        entry_id=entry.entry_id,
        event_id=entry.event_id,
        kind=kind,
        coins=-entry.price_coins if isinstance(entry, Gift) else entry.coins,
        posted_at=entry.posted_at,
        creator_id=getattr(entry, "creator_id", None) if has_shard else None,
        shard=getattr(entry, "shard", 0) if has_shard else 0,
    )


def in_order(lines: Iterable[JournalLine]) -> list[JournalLine]:
    return sorted(lines, key=lambda line: line.event_id)


def bought(store: Store, at: datetime, user_id: str = "") -> Purchase:
    purchase = a_purchase(user_id)
    store.ledger.open_purchase(purchase)
    assert store.ledger.post_purchase(session_of(purchase), a_posting(at)) == Posted()
    posted = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    return posted


def granted(store: Store, at: datetime) -> Adjustment:
    grant = an_adjustment(posted_at=at)
    assert store.operators.grant(grant) == Posted()
    return grant


def test_read_page_lists_every_kind_of_entry(store: Store, hour: datetime) -> None:
    purchase = bought(store, hour)
    gift = a_gift(purchase.user_id, posted_at=hour + timedelta(minutes=1), shard=63)
    reversal = a_reversal(gift, posted_at=hour + timedelta(minutes=2))
    clawback = a_clawback(purchase, 200, posted_at=hour + timedelta(minutes=3))
    restore = a_clawback(purchase, -200, kind=Kind.RESTORE, posted_at=hour + timedelta(minutes=4))
    assert store.ledger.post_gift(gift) == Posted()
    assert store.operators.reverse_gift(reversal) == Posted()
    assert store.ledger.update_kept_amount(purchase, 1, clawback) == Posted()
    assert store.ledger.update_kept_amount(replace(purchase, version=purchase.version + 1), 529, restore) == Posted()
    grant = granted(store, hour + LAST_MILLISECOND)

    listed = lines_of_hour(store.journal, hour)

    entries: list[Entry] = [purchase, gift, reversal, clawback, restore, grant]
    assert in_order(listed) == in_order(map(line, entries))


def test_read_page_omits_unposted_purchases(store: Store, hour: datetime) -> None:
    store.ledger.open_purchase(a_purchase(created_at=hour))

    assert lines_of_hour(store.journal, hour) == []


def test_read_page_includes_first_and_last_millisecond(store: Store, hour: datetime) -> None:
    moments = [-timedelta(milliseconds=1), timedelta(0), LAST_MILLISECOND, HOUR]
    before, first, last, after = [granted(store, hour + moment) for moment in moments]

    assert in_order(lines_of_hour(store.journal, hour)) == [line(first), line(last)]
    assert line(before) in lines_of_hour(store.journal, hour - HOUR)
    assert line(after) in lines_of_hour(store.journal, hour + HOUR)


def test_read_page_lists_every_entry_of_a_busy_hour(store: Store, hour: datetime) -> None:
    """150 entries reach every one of the journal's 16 partitions."""
    grants = [granted(store, hour + timedelta(seconds=number)) for number in range(150)]

    assert in_order(lines_of_hour(store.journal, hour)) == in_order(map(line, grants))


def test_not_relayed_returns_lines_until_received_or_published(store: Store) -> None:
    purchase = bought(store, START)
    gift, other = (a_gift(purchase.user_id, price_coins=coins) for coins in (60, 40))
    for each in (gift, other):
        store.ledger.post_gift(each)
    reversal, clawback, grant = a_reversal(gift), a_clawback(purchase, 1), granted(store, START)
    store.operators.reverse_gift(reversal)
    store.ledger.update_kept_amount(purchase, 528, clawback)
    remaining = [line(entry) for entry in (purchase, gift, other, reversal, clawback, grant)]
    lines = list(remaining)

    def is_not_relayed() -> bool:
        return in_order(store.journal.not_relayed(lines)) == in_order(remaining)

    assert is_not_relayed()
    for received in (gift, reversal):
        store.ledger.receive_gifts(str(received.creator_id), received.shard, [received])
        remaining.remove(line(received))
        assert is_not_relayed()
    for published in (purchase, clawback, grant):
        store.ledger.mark_published(published.user_id, published.entry_id, START)
        remaining.remove(line(published))
        assert is_not_relayed()
    assert remaining == [line(other)]


def test_not_relayed_returns_received_gift_until_its_publication_is_noted(store: Store) -> None:
    """A gift that the first release received has no run, and is taken for published."""
    gifts = gifts_to(new_name("creator"), 4)
    by_run, by_itself, unnoted, old = gifts
    store.ledger.receive_gifts(old.creator_id, old.shard, [old])
    for gift, run_id in ((by_run, new_id()), (by_itself, new_id()), (unnoted, run := new_id())):
        position = store.ledger.receive_gifts(gift.creator_id, gift.shard, [gift], run_id)[gift.event_id]
        assert (position.received_by, position.is_published) == (run_id, False)
        if gift is by_run:
            store.ledger.mark_run_published(run_id, START)
        elif gift is by_itself:
            for _ in range(2):
                store.ledger.mark_gift_published(gift.creator_id, gift.shard, gift.event_id, START)
    store.ledger.mark_gift_published(old.creator_id, old.shard, "unknown", START)

    assert list(store.journal.not_relayed(list(map(line, gifts)))) == [line(unnoted)]
    again = store.ledger.receive_gifts(old.creator_id, old.shard, gifts, new_id())
    assert [again[gift.event_id].is_published for gift in gifts] == [False, True, False, False]
    assert again[unnoted.event_id].received_by == run


def test_read_page_lists_a_shard_of_an_hour_in_order(store: Store, hour: datetime) -> None:
    purchase = bought(store, hour)
    gifts = [a_gift(purchase.user_id, posted_at=hour + number * timedelta(minutes=9)) for number in (3, 1, 2, 8)]
    for gift in gifts:
        assert store.ledger.post_gift(gift) == Posted()
    shard = crc32(purchase.user_id.encode()) % JOURNAL_SHARDS
    listed = [line(entry) for entry in (purchase, gifts[1], gifts[2], gifts[0])]

    def page(after: str, limit: int = 100) -> list[JournalLine]:
        return list(store.journal.read_page(shard, after, limit))

    assert page(place_of(hour))[:5] == listed
    assert page(place_of(hour), 2) == listed[:2]
    assert page(listed[1].place, 2) == listed[2:]
    assert page(place_of(hour + HOUR)) == [line(gifts[3])]
    assert list(store.journal.read_page((shard + 1) % JOURNAL_SHARDS, place_of(hour), 100)) == []


def test_read_records_reads_entries_and_omits_missing_ones(store: Store) -> None:
    entries: list[Entry] = [bought(store, START), granted(store, START)]
    refs = [EntryRef(user_id=entry.user_id, entry_id=entry.entry_id) for entry in entries]
    unknown = EntryRef(user_id=entries[0].user_id, entry_id=new_id())

    found = {record.record_id: record for record in store.journal.read_records([*refs, unknown])}

    expected = [
        PostedRecord(record_id=ref.name, ref=ref, entry=entry) for ref, entry in zip(refs, entries, strict=True)
    ]
    assert found == {record.record_id: record for record in expected}


@pytest.mark.parametrize("name", ["kind", "status"])
def test_read_records_of_an_unreadable_entry_spares_the_others(table_store: DynamoStore, name: str) -> None:
    table_store.bind()
    good, bad = bought(table_store, START), granted(table_store, START)
    refs = [EntryRef(user_id=entry.user_id, entry_id=entry.entry_id) for entry in (good, bad)]
    table_store.put(wallet_key(bad.user_id), entry_key(bad.entry_id), name, 7)

    found = {record.record_id: record.entry for record in table_store.journal.read_records(refs)}
    assert found == {refs[0].name: good, refs[1].name: None}


@pytest.mark.parametrize("name", ["coins", "posted_at", "created_at", "lane", "announced_at"])
def test_unreadable_row_is_listed_not_relayed_and_has_no_entry(
    table_store: DynamoStore, hour: datetime, name: str
) -> None:
    """It may not hold up the sweep of its shard, which sets it aside."""
    table_store.bind()
    good = bought(table_store, hour)
    bad = bought(table_store, hour, good.user_id)
    table_store.ledger.mark_published(good.user_id, good.entry_id, START)
    table_store.put(wallet_key(bad.user_id), entry_key(bad.entry_id), name, "?")

    page = table_store.journal.read_page(crc32(good.user_id.encode()) % JOURNAL_SHARDS, place_of(hour), 100)
    assert {each.entry_id: each.is_readable for each in page} == {
        good.entry_id: True,
        bad.entry_id: name not in {"coins", "lane"},
    }
    assert [each for each in page if each.entry_id == good.entry_id] == [line(good)]
    (missing,) = table_store.journal.not_relayed(page)
    ref = EntryRef(user_id=bad.user_id, entry_id=missing.entry_id)
    assert [record.entry for record in table_store.journal.read_records([ref])] == [None]


def test_not_relayed_returns_gift_that_is_published_but_not_received(store: Store) -> None:
    """The relay publishes a gift only after its shard has it, so the shard decides."""
    gift = a_gift()
    buy(store.ledger, gift.user_id, 60)
    store.ledger.post_gift(gift)
    store.ledger.mark_published(gift.user_id, gift.entry_id, START)

    assert list(store.journal.not_relayed([line(gift)])) == [line(gift)]


def test_not_relayed_returns_gift_received_in_another_shard(store: Store) -> None:
    gift = a_gift(shard=1)
    store.ledger.receive_gifts(gift.creator_id, 1, [gift])

    elsewhere = replace(line(gift), shard=2)
    assert list(store.journal.not_relayed([line(gift), elsewhere])) == [elsewhere]


def test_not_relayed_returns_lines_without_entry(store: Store) -> None:
    lines = [line(a_gift()), line(an_adjustment())]

    assert in_order(store.journal.not_relayed(lines)) == in_order(lines)


def receive(store: Store, gifts: Sequence[Gift]) -> None:
    for start in range(0, len(gifts), store.max_gifts):
        batch = gifts[start : start + store.max_gifts]
        store.ledger.receive_gifts(batch[0].creator_id, batch[0].shard, batch)


def test_not_relayed_reads_more_lines_than_one_batch(store: Store) -> None:
    gifts = gifts_to(new_name("creator"), 120)
    purchases = [a_purchase(posted_at=START, event_id=gift.event_id) for gift in gifts]
    receive(store, gifts[:110])
    for purchase in purchases[:110]:
        store.ledger.open_purchase(purchase)
        store.ledger.mark_published(purchase.user_id, purchase.entry_id, START)

    found = store.journal.not_relayed([*map(line, gifts), *map(line, purchases)])

    remaining: list[Entry] = [*gifts[110:], *purchases[110:]]
    assert sorted(each.entry_id for each in found) == sorted(entry.entry_id for entry in remaining)


def test_not_relayed_of_no_lines_is_empty(store: Store) -> None:
    assert list(store.journal.not_relayed([])) == []


def test_watermark_is_read_as_the_first_release_stored_it(store: Store) -> None:
    name, other = new_name("sweep"), new_name("audit")
    assert store.journal.read_watermark(name) is None

    for at in (START, START + HOUR, START - HOUR + timedelta(milliseconds=7)):
        put_watermark(store, name, at)
        assert store.journal.read_watermark(name) == at
    assert store.journal.read_watermark(other) is None
