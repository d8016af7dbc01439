"""Prices and refusals of gift orders under the rules of an economy, on both sides of each limit."""

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.economy import Economy, GiftKind
from chalicelib.domain.events import message_for_gift
from chalicelib.domain.gifts import Gift, GiftOrder, price_gift, require_fields_of, require_same_request, shard_of
from chalicelib.domain.posting import Posting
from chalicelib.domain.shards import ShardPosition
from chalicelib.errors import CoinsOutOfRange, InvalidField, MessageTooLong, NotOffered, Refusal
from tests.domain.builders import EVENT_ID, FAN, KEY, a_catalogue, a_gift, a_gift_order, an_economy
from tests.fakes import START, uuid7_at

POSTING = Posting(posted_at=START, event_id=EVENT_ID)


def a_cheer(coins: int = 5, **changes: Any) -> GiftOrder:
    return a_gift_order(**{"kind": "cheer", "item_id": None, "coins": coins} | changes)


def a_super_chat(coins: int = 10, **changes: Any) -> GiftOrder:
    return a_cheer(coins, **{"kind": "super_chat"} | changes)


def in_economy(**changes: Any) -> Catalogue:
    return replace(a_catalogue(), economy=an_economy(**changes))


def priced(order: GiftOrder, catalogue: Catalogue | None = None) -> Gift:
    return price_gift(order, catalogue or a_catalogue(), POSTING, creator_shards=64)


def refused(order: GiftOrder, catalogue: Catalogue | None = None) -> Refusal:
    with pytest.raises(Refusal) as error:
        priced(order, catalogue)
    return error.value


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coins": 0}, "coins"),
        ({"coins": -1}, "coins"),
        ({"coins": 2**53}, "coins"),
        ({"item_id": "rose"}, "item_id"),
        ({"quantity": 2}, "quantity"),
        ({"streak_id": KEY}, "streak_id"),
    ],
)
@pytest.mark.parametrize("make", [a_cheer, a_super_chat])
def test_gift_order_names_the_field_that_its_kind_refuses(make: Any, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as error:
        make(**changes)
    assert error.value.extensions["field"] == field


@pytest.mark.parametrize("kind", GiftKind)
@pytest.mark.parametrize("field", ["item_id", "quantity", "coins", "streak_id"])
def test_require_fields_of_refuses_the_fields_of_other_kinds(kind: GiftKind, field: str) -> None:
    if (field == "coins") is (kind is GiftKind.GIFT):
        with pytest.raises(InvalidField) as error:
            require_fields_of(kind, {field})
        assert error.value.extensions["field"] == field
    else:
        require_fields_of(kind, {field})


def test_gift_order_streak_id_may_sort_before_or_after_the_gift() -> None:
    """The clock of the fan's phone may be set back between two taps."""
    later = uuid7_at(START, 9)
    assert a_gift_order(streak_id=KEY).streak_id == KEY
    assert a_gift_order(gift_id=later, streak_id=KEY).streak_id == KEY
    assert a_gift_order(streak_id=later).streak_id == later
    assert a_gift_order(streak_id="").streak_id is None
    with pytest.raises(InvalidField):
        a_gift_order(streak_id="first")


def test_gift_order_cleans_message_and_name() -> None:
    order = a_gift_order(message=" a\nb\u202e ", sender_name="A\tna\0")
    assert (order.message, order.sender_name) == ("a b", "A na")
    assert a_gift_order(sender_name="\u202e ").sender_name is None
    assert require_same_request(priced(order), a_gift_order(message="a\tb", sender_name="A na")).message == "a b"


# --- gifts ------------------------------------------------------------------------------------------------------------


def test_price_gift_puts_a_streak_into_one_shard() -> None:
    first = priced(a_gift_order(streak_id=KEY))
    later = price_gift(
        a_gift_order(gift_id=uuid7_at(START, 9), streak_id=KEY), a_catalogue(), replace(POSTING, event_id=FAN), 64
    )
    assert first.shard == later.shard == shard_of(KEY, 64)
    assert (first.begins_streak, later.begins_streak, a_gift().begins_streak) == (True, False, False)


def gift_rules(**changes: Any) -> Catalogue:
    rules = an_economy().gift
    assert rules is not None
    return in_economy(gift=replace(rules, **changes))


@pytest.mark.parametrize(
    ("order", "catalogue", "what"),
    [
        (a_gift_order(streak_id=KEY), gift_rules(streak_seconds=0), "streak"),
        (a_gift_order(anonymous=True), gift_rules(allows_anonymous=False), "anonymous"),
        (a_gift_order(quantity=3), gift_rules(max_quantity=2), "quantity"),
        (a_cheer(), in_economy(cheer=None), "cheer"),
        (a_super_chat(), in_economy(super_chat=None), "super_chat"),
        (a_super_chat(anonymous=True), a_catalogue(), "anonymous"),
    ],
)
def test_price_gift_refuses_options_that_are_not_offered(order: GiftOrder, catalogue: Catalogue, what: str) -> None:
    error = refused(order, catalogue)
    assert isinstance(error, NotOffered)
    assert error.extensions["what"] == what


def test_price_gift_accepts_offered_options() -> None:
    priced(a_gift_order(quantity=2), gift_rules(max_quantity=2))
    priced(a_gift_order(), gift_rules(allows_anonymous=False, streak_seconds=0))
    priced(a_gift_order(anonymous=True))


@pytest.mark.parametrize(
    ("message", "name", "fits"),
    [
        ("x" * 200, "", True),
        ("x" * 201, "", False),
        ("é" * 112, "", True),  # 224 bytes
        ("é" * 112, "x", False),
        ("é" * 88, "x" * 40, True),
    ],
    ids=["200 characters", "201", "224 bytes", "225 with the name", "216 with the name"],
)
def test_price_gift_limits_message_characters_and_bytes_with_name(message: str, name: str, fits: bool) -> None:
    order = a_gift_order(message=message, sender_name=name)
    if fits:
        assert priced(order).message == message
    else:
        error = refused(order)
        assert isinstance(error, MessageTooLong)
        assert error.extensions == {"max_characters": 200, "max_bytes": 224}


# --- cheers and super chats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coins", [5, 6, 1_000])
def test_price_gift_of_a_cheer_accepts_coins_within_limits(coins: int) -> None:
    assert priced(a_cheer(coins, message="hi", anonymous=True, sender_name="Ana")) == a_gift(
        kind=GiftKind.CHEER,
        item_id=None,
        price_coins=coins,
        message="hi",
        anonymous=True,
        sender_name="Ana",
        shard=shard_of(EVENT_ID, 64),
    )


@pytest.mark.parametrize(
    ("order", "least", "most"),
    [
        (a_cheer(4), 5, 1_000),
        (a_cheer(1_001), 5, 1_000),
        (a_super_chat(9), 10, 5_000),
        (a_super_chat(5_001), 10, 5_000),
    ],
)
def test_price_gift_outside_coin_limits_returns_both_limits(order: GiftOrder, least: int, most: int) -> None:
    error = refused(order)
    assert isinstance(error, CoinsOutOfRange)
    assert error.extensions == {"min_coins": least, "max_coins": most}


@pytest.mark.parametrize(
    ("coins", "color", "pin_seconds"),
    [(10, "blue", 0), (49, "blue", 0), (50, "green", 60), (249, "green", 60), (250, "red", 300), (5_000, "red", 300)],
)
def test_price_gift_of_a_super_chat_has_color_and_pin_of_its_tier(coins: int, color: str, pin_seconds: int) -> None:
    sent = priced(a_super_chat(coins))
    assert (sent.kind, sent.color, sent.pin_seconds) == (GiftKind.SUPER_CHAT, color, pin_seconds)


@pytest.mark.parametrize(
    ("coins", "message", "enough"),
    [
        (10, "", 0),
        (10, "x", 50),
        (49, "x" * 81, 250),
        (50, "x" * 80, 0),
        (50, "x" * 81, 250),
        (249, "x" * 351, None),
        (250, "x" * 350, 0),
        (250, "x" * 351, None),
        (50, "🎉" * 80, 0),
        (250, "🎉" * 3, 0),
        (250, "🎉" * 4, None),
    ],
)
def test_price_gift_with_a_long_message_returns_the_coins_needed(coins: int, message: str, enough: int | None) -> None:
    order = a_super_chat(coins, message=message)
    if enough == 0:
        assert priced(order).message == message
        return
    error = refused(order)
    assert isinstance(error, MessageTooLong)
    assert error.extensions.get("coins_needed") == enough
    assert (str(enough) in error.detail) is (enough is not None)


def test_message_too_long_mentions_emoji_where_they_are_limited() -> None:
    assert "3 emoji" in refused(a_super_chat(250, message="🎉" * 4)).detail
    assert "emoji" not in refused(a_super_chat(50, message="x" * 81)).detail


# --- events -----------------------------------------------------------------------------------------------------------


def announced_data(order: GiftOrder, position: ShardPosition | None = None) -> dict[str, object]:
    gift = priced(order)
    message = message_for_gift(gift, position or ShardPosition(sequence=1), source="/coinpurse/test", livemode=False)
    data = message.envelope["data"]
    assert isinstance(data, dict)
    assert message.attributes["kind"] == data["kind"] == order.kind
    return data


def test_announce_super_chat_has_color_and_pin() -> None:
    data = announced_data(a_super_chat(50, sender_name="Ana"))
    assert (data["super_chat"], data["sender_name"]) == ({"color": "green", "pin_seconds": 60}, "Ana")
    assert (data["item_id"], data["coins"], data["streak"]) == (None, 50, None)


def test_announce_anonymous_cheer_has_neither_id_nor_name() -> None:
    data = announced_data(a_cheer(anonymous=True, sender_name="Ana"))
    assert (data["sender_id"], data["sender_name"], data["super_chat"]) == (None, None, None)


def test_announce_gift_of_a_streak_has_running_totals() -> None:
    data = announced_data(a_gift_order(streak_id=KEY), ShardPosition(sequence=9, streak_count=3, streak_coins=7))
    assert data["streak"] == {"streak_id": KEY, "count": 3, "coins": 7}
    assert data["sequence"] == 9


def test_catalogue_has_an_economy() -> None:
    assert isinstance(a_catalogue().economy, Economy)
