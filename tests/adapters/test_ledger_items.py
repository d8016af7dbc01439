"""Items stay below 1 KB, because a write costs one unit per started KB."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.adapters.dynamodb.keys import entry_key, review_keys, shard_key, wallet_key
from chalicelib.domain.economy import MAX_QUANTITY
from chalicelib.domain.ids import hash_request
from chalicelib.domain.messages import MAX_NAME_BYTES
from chalicelib.domain.money import MAX_AMOUNT
from chalicelib.domain.operators import MAX_REASON_BYTES
from chalicelib.domain.purchases import FORMER_KEY_FORM, PENDING_LIFE, Purchase, Status
from chalicelib.domain.reviews import ReviewReason
from chalicelib.domain.settlements import credit_of
from chalicelib.ports.results import Posted
from tests.adapters.samples import (
    MAX_SMALL_BYTES,
    a_clawback,
    a_freeze,
    a_gift,
    a_posting,
    a_purchase,
    a_reversal,
    a_review,
    a_settlement,
    an_adjustment,
    buy,
    new_id,
)
from tests.fakes import START, session_of
from tests.stores import DynamoStore, Item

KILOBYTE = 1024
FAN, CREATOR, TAG = "f" * 128, "c" * 128, "t" * 64
PAYMENT, SESSION = "pi_" + "p" * 24, "cs_live_" + "s" * 58
"""Lengths of Stripe's ids."""
ACTOR, REASON = "o" * 128, "r" * MAX_REASON_BYTES


@pytest.fixture
def store(table_store: DynamoStore) -> DynamoStore:
    table_store.bind()
    return table_store


def size(item: Item) -> int:
    """Compute the billed size: names and texts in UTF-8, numbers by digits, 1 byte for a boolean or null."""
    return sum(len(name.encode()) + value_size(*next(iter(value.items()))) for name, value in item.items())


def value_size(kind: str, value: str) -> int:
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        # AWS documents about 1 byte per 2 digits plus 1, and 1 for the sign. Rounding up gives an upper bound.
        return (len(value.lstrip("-")) + 1) // 2 + 1 + value.startswith("-")
    if kind == "SS":
        # A set has an overhead of 3 bytes, and 1 for each member.
        return 3 + sum(len(member.encode()) + 1 for member in value)
    assert kind in {"BOOL", "NULL"}, f"the rows hold no {kind}"
    return 1


def test_gift_items_are_under_a_kilobyte(store: DynamoStore) -> None:
    gift = a_gift(
        FAN,
        creator_id=CREATOR,
        shard=63,
        item_id=TAG,
        stream_id=TAG,
        quantity=MAX_QUANTITY,
        price_coins=MAX_AMOUNT,
        message="x" * (MAX_SMALL_BYTES - MAX_NAME_BYTES),
        anonymous=True,
        sender_name="n" * MAX_NAME_BYTES,
    )
    gift = replace(gift, streak_id=gift.gift_id)
    buy(store.ledger, FAN, MAX_AMOUNT)
    assert store.ledger.post_gift(gift) == Posted()
    store.ledger.receive_gifts(CREATOR, 63, [gift])

    sent = store.item(wallet_key(FAN), entry_key(gift.gift_id))
    received = store.item(shard_key(CREATOR, 63), f"GIFT#{gift.event_id}")

    assert sent.keys() >= {"message", "anonymous", "stream_id", "journal_at", "lane"}
    assert size(sent) <= KILOBYTE
    assert size(received) <= KILOBYTE


def test_purchase_item_is_under_a_kilobyte(store: DynamoStore) -> None:
    purchase = a_purchase(
        FAN,
        bundle_id=TAG,
        coins=MAX_AMOUNT,
        amount_minor=MAX_AMOUNT,
        request_hash=hash_request("https://live.example/"),
    )
    store.ledger.open_purchase(purchase)
    store.ledger.post_purchase(replace(session_of(purchase), payment_intent="p" * 255), a_posting())
    store.ledger.mark_published(purchase.user_id, purchase.entry_id, START)
    posted = store.ledger.find_entry(FAN, purchase.purchase_id)
    assert isinstance(posted, Purchase)
    assert store.ledger.update_kept_amount(posted, MAX_AMOUNT, None, None, None, {PAYMENT}) == Posted()

    item = store.item(wallet_key(FAN), entry_key(purchase.purchase_id))

    assert item.keys() >= {"announced_at", "kept_minor", "returned", "payment_intent", "journal_at", "version"}
    assert size(item) <= KILOBYTE


def test_review_items_are_under_a_kilobyte(store: DynamoStore) -> None:
    """Open and settled, with every field at its longest."""
    review = a_review(
        payment_id=PAYMENT,
        session_id=SESSION,
        user_id=FAN,
        coins=MAX_AMOUNT,
        amount_minor=MAX_AMOUNT,
        reason=max(ReviewReason, key=len),
        moved="f" * 16,
        gone_minor=MAX_AMOUNT,
    )
    store.ledger.file_review(review)
    assert store.operators.settle_review(review, a_settlement(reason=REASON, actor=ACTOR), None) == Posted()

    (item,) = store.items(review_keys(PAYMENT, None)[0])

    assert item.keys() >= {"settled_key", "note", "actor", "settled_at", "decision", "journal_hour"}
    assert size(item) <= KILOBYTE


def test_credited_purchase_items_are_under_a_kilobyte(store: DynamoStore) -> None:
    """A purchase that an operator's credit has posted, in place of a pending one and as a new entry."""
    review = a_review(payment_id=PAYMENT, session_id=SESSION, user_id=FAN, coins=MAX_AMOUNT, amount_minor=MAX_AMOUNT)
    pending = a_purchase(FAN, purchase_id=review.purchase_id, bundle_id="b" * 64, request_hash="h" * 32)
    store.ledger.open_purchase(pending)
    for before in (pending, None):
        purchase_id = before.purchase_id if before else new_id()
        filed = replace(review, payment_id=f"{PAYMENT[:-1]}{before is None:d}", purchase_id=purchase_id)
        store.ledger.file_review(filed)
        credit = credit_of(filed, before, a_posting(), ACTOR)
        assert store.operators.settle_review(filed, a_settlement(actor=ACTOR), credit) == Posted()
        item = store.item(wallet_key(FAN), entry_key(filed.purchase_id))
        assert item["actor"] == {"S": ACTOR}
        assert size(item) <= KILOBYTE


def test_adjustment_items_are_under_a_kilobyte(store: DynamoStore) -> None:
    gift = a_gift(FAN, creator_id=CREATOR, shard=63, price_coins=MAX_AMOUNT)
    buy(store.ledger, FAN, MAX_AMOUNT)
    store.ledger.post_gift(gift)
    reversal = a_reversal(gift, reason=REASON, actor=ACTOR)
    grant = an_adjustment(FAN, coins=1, reason=REASON, actor=ACTOR, about=f"{PAYMENT}-left")
    assert store.operators.reverse_gift(reversal) == Posted()
    assert store.operators.grant(grant) == Posted()

    for adjustment in (reversal, grant):
        store.ledger.mark_published(FAN, adjustment.entry_id, START)
        item = store.item(wallet_key(FAN), entry_key(adjustment.entry_id))
        assert item.keys() >= {"about", "reason", "actor", "journal_at", "announced_at"}
        assert size(item) <= KILOBYTE


def test_reversed_gift_item_is_under_a_kilobyte(store: DynamoStore) -> None:
    gift = a_gift(FAN, creator_id=CREATOR, shard=63, item_id=TAG, stream_id=TAG, message="x" * 200, anonymous=True)
    buy(store.ledger, FAN, 60)
    store.ledger.post_gift(gift)
    store.operators.reverse_gift(a_reversal(gift))

    item = store.item(wallet_key(FAN), entry_key(gift.gift_id))

    assert "reversed_by" in item
    assert size(item) <= KILOBYTE


def test_freeze_item_is_under_a_kilobyte_in_month_of_its_key(store: DynamoStore) -> None:
    freeze = a_freeze(FAN, reason=REASON, actor=ACTOR, at=START + timedelta(days=31))
    store.operators.freeze(freeze)

    item = store.item(f"AUDIT#{START:%Y-%m}", freeze.key)

    assert (item["act"], item["actor"], item["reason"]) == ({"S": "freeze"}, {"S": ACTOR}, {"S": REASON})
    assert size(item) <= KILOBYTE


def test_purchase_ttl_is_removed_when_processing(store: DynamoStore) -> None:
    purchase = a_purchase(created_at=START + timedelta(milliseconds=1))
    key = wallet_key(purchase.user_id), entry_key(purchase.purchase_id)
    store.ledger.open_purchase(purchase)
    assert store.item(*key)["ttl"] == {"N": str(int((START + PENDING_LIFE).timestamp()))}

    store.ledger.move_purchase(purchase.ref, Status.PROCESSING, [Status.PENDING])
    assert "ttl" not in store.item(*key)


def test_purchase_item_of_the_first_release_has_its_form_of_key(store: DynamoStore) -> None:
    purchase = a_purchase()
    key = {"PK": {"S": wallet_key(purchase.user_id)}, "SK": {"S": entry_key(purchase.purchase_id)}}
    store.ledger.open_purchase(purchase)
    store.client.update_item(
        TableName=store.table_name,
        Key=key,
        UpdateExpression="REMOVE #form",
        ExpressionAttributeNames={"#form": "key_form"},
    )

    found = store.ledger.find_entry(purchase.user_id, purchase.purchase_id)

    assert found == replace(purchase, key_form=FORMER_KEY_FORM)


def test_posted_purchase_has_no_ttl_and_is_in_the_journal(store: DynamoStore) -> None:
    purchase, posting = a_purchase(), a_posting()
    key = wallet_key(purchase.user_id), entry_key(purchase.purchase_id)
    store.ledger.open_purchase(purchase)
    assert "journal_hour" not in store.item(*key)

    store.ledger.post_purchase(session_of(purchase), posting)

    item = store.item(*key)
    assert "ttl" not in item
    assert item["version"] == {"N": "2"}
    assert item["journal_hour"]["S"][:14] == "2026-11-22T12#"
    assert item["journal_at"] == {"S": f"2026-11-22T12:00:30.007Z#{purchase.purchase_id}"}


def test_entries_of_a_fan_are_in_one_shard_of_the_journal(store: DynamoStore) -> None:
    purchase = buy(store.ledger, FAN, 500)
    gift, grant = a_gift(FAN), an_adjustment(FAN)
    assert store.ledger.post_gift(gift) == Posted()
    assert store.operators.grant(grant) == Posted()
    assert store.operators.reverse_gift(a_reversal(gift)) == Posted()
    assert store.ledger.update_kept_amount(purchase, 423, a_clawback(purchase, 100)) == Posted()

    hours = [item["journal_hour"]["S"] for item in store.items(wallet_key(FAN)) if "journal_hour" in item]

    assert len(hours) == 5
    assert len({hour.partition("#")[2] for hour in hours}) == 1


def test_gift_is_in_the_journal_index_when_posted(store: DynamoStore) -> None:
    gift = a_gift()
    buy(store.ledger, gift.user_id, 60)
    store.ledger.post_gift(gift)

    found = store.client.query(
        TableName=store.table_name,
        IndexName="journal",
        KeyConditionExpression="journal_hour = :hour AND begins_with(journal_at, :at)",
        ExpressionAttributeValues={
            ":hour": store.item(wallet_key(gift.user_id), entry_key(gift.gift_id))["journal_hour"],
            ":at": {"S": "2026-11-22T12:00:00.123Z#"},
        },
    )["Items"]

    projected = {"PK", "SK", "journal_hour", "journal_at", "kind", "coins", "lane", "creator_id", "event_id"}
    assert [set(item) for item in found] == [projected]
