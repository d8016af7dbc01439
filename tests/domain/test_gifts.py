from collections import Counter
from typing import Any

import pytest

from chalicelib.domain.entries import Entry
from chalicelib.domain.gifts import price_gift, require_same_request, shard_of
from chalicelib.domain.posting import Posting
from chalicelib.errors import IdempotencyConflict, InvalidField, SelfGift, UnknownItem
from tests.domain.builders import (
    CREATOR,
    EVENT_ID,
    FAN,
    KEY,
    a_catalogue,
    a_gift,
    a_gift_item,
    a_gift_order,
    a_purchase,
)
from tests.fakes import START, uuid7_at

POSTING = Posting(posted_at=START, event_id=EVENT_ID)
EURO = "€"  # one character, three bytes


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 1},
        {"quantity": 9_999},
        {"creator_id": "x" * 128},
        {"item_id": "x" * 64},
        {"stream_id": None},
        {"stream_id": "x" * 64},
        {"message": "x" * 400},
        {"message": "🎂" * 400},
        {"sender_name": "x" * 40},
        {"sender_name": EURO * 16},
        {"creator_id": FAN.upper()},
    ],
)
def test_gift_order_accepts_values_up_to_its_limits(changes: dict[str, Any]) -> None:
    order = a_gift_order(**changes)
    assert all(getattr(order, field) == value for field, value in changes.items())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", 0),
        ("quantity", -1),
        ("quantity", 10_000),
        ("creator_id", ""),
        ("creator_id", "x" * 129),
        ("creator_id", "creator#1"),
        ("item_id", ""),
        ("item_id", None),
        ("item_id", "x" * 65),
        ("item_id", "ro se"),
        ("stream_id", ""),
        ("stream_id", "x" * 65),
        ("stream_id", "a#b"),
        ("message", "x" * 401),
        ("sender_name", "x" * 41),
        ("sender_name", EURO * 16 + "x"),
        ("kind", "raffle"),
        ("kind", ""),
        ("coins", 1),
        ("coins", -1),
        ("streak_id", "streak"),
    ],
)
def test_gift_order_names_the_field_beyond_its_limit(field: str, value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        a_gift_order(**{field: value})
    assert refused.value.extensions["field"] == field


@pytest.mark.parametrize(
    "message",
    [
        "Thank you, Ana!",
        "ありがとう",
        "שלום",
        "e\u0301",
        "👩‍👩‍👧‍👦",  # held together by U+200D
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # a flag of invisible tag characters
        "\U0001fae8",  # an emoji newer than this Python's Unicode data
        "\U0001face",
        "a\u00a0b",
        "<script>",
    ],
)
def test_gift_order_keeps_messages_in_any_script(message: str) -> None:
    assert a_gift_order(message=message).message == message


def test_gift_order_to_oneself_raises_self_gift() -> None:
    with pytest.raises(SelfGift):
        a_gift_order(creator_id=FAN)


def test_price_gift_multiplies_item_price_and_quantity() -> None:
    order = a_gift_order(item_id="cake", quantity=3, message="hi", anonymous=True, stream_id="live")
    gift = price_gift(order, a_catalogue(), POSTING, creator_shards=1)
    assert gift == a_gift(
        item_id="cake", quantity=3, price_coins=105, message="hi", anonymous=True, stream_id="live", shard=0
    )


def test_price_gift_has_the_shard_of_its_event() -> None:
    gift = price_gift(a_gift_order(), a_catalogue(), POSTING, creator_shards=64)
    assert gift.shard == shard_of(EVENT_ID, 64)


def test_price_gift_of_an_unknown_item_raises_unknown_item() -> None:
    with pytest.raises(UnknownItem):
        price_gift(a_gift_order(item_id="dragon"), a_catalogue(), POSTING, creator_shards=1)


def test_require_same_request_ignores_a_changed_price() -> None:
    sent = a_gift(price_coins=500)
    assert require_same_request(sent, a_gift_order()) is sent


@pytest.mark.parametrize(
    "changes",
    [
        {"creator_id": "creator-2"},
        {"item_id": "cake"},
        {"quantity": 2},
        {"message": "hi"},
        {"anonymous": True},
        {"stream_id": "live"},
        {"sender_name": "Ana"},
        {"streak_id": KEY},
        {"kind": "cheer", "item_id": None, "coins": 1},
    ],
    ids=str,
)
def test_require_same_request_of_another_gift_is_a_conflict(changes: dict[str, Any]) -> None:
    with pytest.raises(IdempotencyConflict):
        require_same_request(a_gift(), a_gift_order(**changes))


def test_require_same_request_of_a_purchase_is_a_conflict() -> None:
    entry: Entry = a_purchase()
    assert entry.entry_id == KEY
    with pytest.raises(IdempotencyConflict):
        require_same_request(entry, a_gift_order())


@pytest.mark.parametrize(
    ("event_id", "shards", "shard"),
    [
        ("019ab1c2-d3e4-7f56-89ab-cdef01234567", 1, 0),
        ("019ab1c2-d3e4-7f56-89ab-cdef01234567", 4, 2),
        ("019ab1c2-d3e4-7f56-89ab-cdef01234567", 8, 6),
        ("019ab1c2-d3e4-7f56-89ab-cdef01234567", 64, 62),
        ("019ab1c2-d3e4-7f56-89ab-cdef01234568", 64, 47),
    ],
)
def test_shard_of_is_stable_across_releases(event_id: str, shards: int, shard: int) -> None:
    assert shard_of(event_id, shards) == shard


def test_shard_of_distributes_evenly() -> None:
    filled = Counter(shard_of(uuid7_at(START, number), 8) for number in range(8_000))
    assert sorted(filled) == list(range(8))
    assert min(filled.values()) > 800
    assert max(filled.values()) < 1_200


def test_gift_entry_id_is_its_key() -> None:
    assert a_gift().entry_id == KEY
    assert a_gift().creator_id == CREATOR
    assert a_catalogue().gift("rose") == a_gift_item()
