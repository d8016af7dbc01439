"""Stream records of posted entries, and unreadable ones."""

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.keys import entry_key, wallet_key
from chalicelib.adapters.dynamodb.mapping import gift_row, purchase_row
from chalicelib.adapters.dynamodb.stream_records import posted_records
from chalicelib.domain.entries import Entry, EntryRef
from chalicelib.domain.gifts import Gift
from chalicelib.domain.purchases import Purchase, Status
from tests.adapters.samples import a_gift, a_posting, a_purchase, buy
from tests.fakes import session_of
from tests.stores import DynamoStore, Item

Record = Mapping[str, Any]


@pytest.fixture
def store(table_store: DynamoStore) -> DynamoStore:
    table_store.bind()
    return table_store


def record(new: Item, old: Item | None = None, number: int = 1) -> Record:
    """Build a stream record of a changed item."""
    change: dict[str, Any] = {"Keys": {name: new[name] for name in ("PK", "SK")}, "SequenceNumber": str(number)}
    change |= {"NewImage": new} | ({"OldImage": old} if old else {})
    return {"eventName": "MODIFY" if old else "INSERT", "dynamodb": change}


def pending_image(purchase: Purchase) -> Item:
    return purchase_row(purchase).serialize()


def gift_image(gift: Gift) -> Item:
    return gift_row(gift).serialize()


def posted_image(store: DynamoStore) -> tuple[Item, Purchase]:
    purchase = buy(store.ledger, a_purchase().user_id, 500)
    return store.item(wallet_key(purchase.user_id), entry_key(purchase.purchase_id)), purchase


def entries(*records: Record) -> list[Entry | None]:
    return [found.entry for found in posted_records(records)]


def test_posted_records_include_new_gift() -> None:
    gift = a_gift(message="おめでとう 🎉", anonymous=True, stream_id="stream_1")

    (found,) = posted_records([record(gift_image(gift), number=7)])

    assert found.entry == gift
    assert found.record_id == "7"
    assert found.ref == EntryRef(user_id=gift.user_id, entry_id=gift.gift_id)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.POSTED])
def test_posted_records_include_purchase_when_posted(store: DynamoStore, status: Status) -> None:
    image, purchase = posted_image(store)

    assert entries(record(image, image | {"status": {"S": status.value}})) == [purchase]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.POSTED])
def test_posted_records_omit_unposted_purchase(status: Status) -> None:
    image = pending_image(a_purchase(status=status))

    assert entries(record(image), record(image, pending_image(a_purchase()))) == []


def test_posted_records_omit_later_changes_of_posted_entry(store: DynamoStore) -> None:
    image, _ = posted_image(store)
    marked = image | {"announced_at": {"S": "2026-11-22T12:00:40.000Z"}}

    assert entries(record(marked, image), record(image, marked)) == []


def test_posted_records_omit_removed_items(store: DynamoStore) -> None:
    image, _ = posted_image(store)
    keys = {name: image[name] for name in ("PK", "SK")}
    removed = {"Keys": keys, "SequenceNumber": "1", "OldImage": image}

    assert entries({"eventName": "REMOVE", "dynamodb": removed}) == []


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        ("WALLET#ann", "WALLET"),
        ("CREATOR#bob#0", "LANE"),
        ("CREATOR#bob#0", "GIFT#01a20320-a200-7000-8000-000000000001"),
        ("REVIEW#2026-11", "pi_1"),
        ("WALLET#ann", "ENTRY"),
    ],
)
def test_posted_records_omit_other_items(pk: str, sk: str) -> None:
    assert entries(record(gift_image(a_gift()) | {"PK": {"S": pk}, "SK": {"S": sk}})) == []


def test_posted_records_keep_order_and_repeats() -> None:
    gifts = [a_gift() for _ in range(3)]
    records = [record(gift_image(gift), number=number) for number, gift in enumerate(gifts)]

    assert entries(*records, records[0]) == [*gifts, gifts[0]]


def test_posted_records_ignore_unknown_attributes() -> None:
    gift = a_gift()

    assert entries(record(gift_image(gift) | {"mood": {"M": {"x": {"L": []}}}})) == [gift]


UNREADABLE: Mapping[str, Item] = {
    "another kind": {"kind": {"S": "loan"}},
    "a kind that is a number": {"kind": {"N": "1"}},
    "coins that are a text": {"coins": {"S": "-60"}},
    "half a coin": {"coins": {"N": "-60.5"}},
    "coins in another notation": {"coins": {"N": "6E+1"}},
    "coins that are null": {"coins": {"NULL": True}},
    "a quantity that is a list": {"quantity": {"L": []}},
    "a time that is none": {"posted_at": {"S": "yesterday"}},
    "a time that is a number": {"posted_at": {"N": "1795000000"}},
    "a message that is binary": {"message": {"B": "AAEC"}},
    "an unknown type": {"message": {"X": "?"}},
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_posted_records_keep_keys_of_unreadable_gift(change: Item) -> None:
    gift, other = a_gift(), a_gift()

    found = posted_records([record(gift_image(gift) | change, number=1), record(gift_image(other), number=2)])

    assert [each.entry for each in found] == [None, other]
    assert found[0].ref == EntryRef(user_id=gift.user_id, entry_id=gift.gift_id)


@pytest.mark.parametrize(
    "name", ["kind", "coins", "event_id", "posted_at", "creator_id", "lane", "item_id", "quantity"]
)
def test_posted_records_gift_without_attribute_is_unreadable(name: str) -> None:
    image = gift_image(a_gift())
    del image[name]

    assert entries(record(image)) == [None]


@pytest.mark.parametrize(
    "name",
    ["kind", "coins", "event_id", "posted_at", "created_at", "bundle_id", "channel", "amount_minor", "currency"],
)
def test_posted_records_purchase_without_attribute_is_unreadable(store: DynamoStore, name: str) -> None:
    image, _ = posted_image(store)
    del image[name]

    assert entries(record(image)) == [None]


def test_posted_records_read_same_entry_as_the_ledger(store: DynamoStore) -> None:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 60)
    store.ledger.post_gift(gift)
    opened = a_purchase()
    store.ledger.open_purchase(opened)
    store.ledger.post_purchase(session_of(opened), a_posting())
    keys = [(each.user_id, each.entry_id) for each in (gift, opened)]

    images = [store.item(wallet_key(user_id), entry_key(entry_id)) for user_id, entry_id in keys]

    assert entries(*map(record, images)) == [store.ledger.find_entry(*key) for key in keys]
    assert entries(*map(record, images))[0] == gift
