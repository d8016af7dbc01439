"""Gift routes: economies, gifts sent, and refusals."""

from typing import Any

import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from tests.http.api import Api, Reply

FIELDS_OF_GIFTS: dict[str, tuple[Any, ...]] = {
    "item_id": ("", "rose", None),
    "quantity": (0, 1, 2, None),
    "streak_id": ("", "01a203ef-7da8-77b8-b46b-8d746cae06aa", None),
}
COINS: tuple[Any, ...] = (0, 1, 5, -1, None)
NOT_TOLD: Any = None
"""Marks a field that the response omits."""


@pytest.fixture
def run_on(api: Api) -> Any:
    """Load another economy from its file."""

    def run(name: str) -> None:
        api.ports["catalogue"] = load_catalogue(name)

    return run


def give(api: Api, key: str | None = None, /, **wish: Any) -> Reply:
    body = {"creator_id": "cleo"} | wish
    return api.call("POST", "/v1/gifts", key=key or api.clock.new_id(), body=body)


def facts(reply: Reply, *names: str) -> list[Any]:
    return [reply.json.get(name, NOT_TOLD) for name in names]


# --- the economy ------------------------------------------------------------------------------------------------------


def test_economy_lists_kinds_and_creator_share(api: Api, run_on: Any) -> None:
    run_on("instagram_like")
    assert api.get("/v1/economy", fan=None).json == {
        "name": "instagram_like",
        "as_of": "2026-11",
        "gift": {
            "max_quantity": 100,
            "max_characters": 0,
            "max_bytes": 48,
            "max_emoji": None,
            "allows_anonymous": False,
            "streak_seconds": 0,
        },
        "cheer": None,
        "super_chat": None,
        "creator": {
            "unit": "star",
            "units": 1,
            "per_coins": 1,
            "worth_units": 1,
            "worth": {"amount_minor": 1, "currency": "usd", "exponent": 2},
            "least_units": 0,
        },
        "unit": {"singular": "star", "plural": "stars", "image": "assets/star.svg"},
    }


def test_tiers_are_in_order_and_cheers_have_no_color(api: Api) -> None:
    shown = api.get("/v1/economy").json
    assert [tier["min_coins"] for tier in shown["super_chat"]["tiers"]] == [10, 50, 250, 2500]
    assert shown["super_chat"]["tiers"][1] == {
        "min_coins": 50,
        "color": "green",
        "pin_seconds": 60,
        "max_characters": 80,
        "max_bytes": 368,
        "max_emoji": None,
    }
    (only,) = shown["cheer"]["tiers"]
    assert (only["min_coins"], only["color"], only["pin_seconds"]) == (1, None, 0)


def test_economy_that_counts_emoji_shows_the_limit(api: Api, run_on: Any) -> None:
    run_on("telegram_like")
    shown = api.get("/v1/economy").json
    assert [tier["max_emoji"] for tier in shown["super_chat"]["tiers"]] == [0, 1, 2, 3, 4, 7, 10, 20]
    assert shown["creator"]["least_units"] == 1000


def test_economy_is_cacheable_for_a_minute(api: Api, run_on: Any) -> None:
    first = api.get("/v1/economy", fan=None)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = api.get("/v1/economy", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.text) == (304, "")
    run_on("twitch_like")
    assert api.get("/v1/economy", headers={"If-None-Match": first.headers["etag"]}).status == 200


# --- accepted gifts ---------------------------------------------------------------------------------------------------


def test_cheer_is_coins_with_a_message(api: Api) -> None:
    api.fund(coins=300)
    reply = give(api, kind="cheer", coins=250, message=" hey\u202e <b>\u0007there</b>\n", anonymous=True)
    assert reply.status == 201
    assert facts(reply, "kind", "coins", "item_id", "quantity", "color", "pin_seconds") == [
        "cheer",
        250,
        None,
        1,
        None,
        0,
    ]
    assert facts(reply, "message", "anonymous", "streak_id") == ["hey <b>there</b>", True, None]
    assert api.ledger.coins["ann"] == 50


@pytest.mark.parametrize(
    ("coins", "color", "pin_seconds"),
    [(10, "blue", 0), (49, "blue", 0), (50, "green", 60), (249, "green", 60), (250, "yellow", 300),
     (2499, "yellow", 300), (2500, "red", 1800), (50000, "red", 1800)],
)  # fmt: skip
def test_super_chat_has_the_color_and_time_of_its_tier(api: Api, coins: int, color: str, pin_seconds: int) -> None:
    api.fund(coins=coins)
    key = api.clock.new_id()
    first = give(api, key, kind="super_chat", coins=coins)
    assert facts(first, "kind", "coins", "color", "pin_seconds") == ["super_chat", coins, color, pin_seconds]
    again = give(api, key, kind="super_chat", coins=coins)
    assert (again.status, again.json) == (200, first.json)
    assert api.get(f"/v1/gifts/{key}").json == first.json


def test_streak_gifts_name_the_first(api: Api) -> None:
    api.fund(coins=10)
    first, second = api.clock.new_id(), api.clock.new_id()
    replies = [give(api, key, item_id="rose", streak_id=first) for key in (first, second, first)]
    assert [reply.status for reply in replies] == [201, 201, 200]
    assert {reply.json["streak_id"] for reply in replies} == {first}
    assert api.ledger.coins["ann"] == 8


# --- refused gifts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("economy", "wish", "what"),
    [
        ("tiktok_like", {"kind": "cheer", "coins": 5}, "cheer"),
        ("tiktok_like", {"kind": "super_chat", "coins": 100}, "super_chat"),
        ("tiktok_like", {"item_id": "rose", "anonymous": True}, "anonymous"),
        ("twitch_like", {"item_id": "rose"}, "gift"),
        ("youtube_like", {"kind": "super_chat", "coins": 100, "anonymous": True}, "anonymous"),
        ("default", {"kind": "super_chat", "coins": 100, "anonymous": True}, "anonymous"),
        ("telegram_like", {"item_id": "rose", "quantity": 2}, "quantity"),
    ],
)
def test_kind_that_the_economy_lacks_is_not_offered(
    api: Api, run_on: Any, economy: str, wish: dict[str, Any], what: str
) -> None:
    run_on(economy)
    api.fund()
    with api.nothing_written():
        reply = give(api, **wish)
    assert (reply.status, reply.code, reply.json["what"]) == (422, "not_offered", what)
    assert reply.json.get("max_quantity") == (1 if what == "quantity" else None)


def test_streak_in_an_economy_without_streaks_is_refused(api: Api, run_on: Any) -> None:
    run_on("instagram_like")
    api.fund()
    key = api.clock.new_id()
    with api.nothing_written():
        reply = give(api, key, item_id="heart", streak_id=key)
    assert (reply.status, reply.code, reply.json["what"]) == (422, "not_offered", "streak")


@pytest.mark.parametrize(
    ("kind", "coins", "least", "most"),
    [("cheer", 100_001, 1, 100_000), ("super_chat", 9, 10, 50_000), ("super_chat", 50_001, 10, 50_000)],
)
def test_coins_outside_the_limits_are_refused_with_them(api: Api, kind: str, coins: int, least: int, most: int) -> None:
    api.fund(coins=200_000)
    with api.nothing_written():
        reply = give(api, kind=kind, coins=coins)
    assert (reply.status, reply.code) == (422, "coins_out_of_range")
    assert facts(reply, "min_coins", "max_coins") == [least, most]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"kind": "super_chat", "coins": 49, "message": "x"}, [0, 48, 50]),
        ({"kind": "super_chat", "coins": 50, "message": "x" * 81}, [80, 368, 250]),
        ({"kind": "super_chat", "coins": 50, "message": "x" * 201}, [80, 368, 2500]),
        ({"kind": "super_chat", "coins": 2500, "message": "x" * 351}, [350, 1448, NOT_TOLD]),
        ({"kind": "cheer", "coins": 50, "message": "x" * 201}, [200, 224, NOT_TOLD]),
        ({"kind": "cheer", "coins": 50, "message": "€" * 75}, [200, 224, NOT_TOLD]),
        ({"item_id": "rose", "message": "€" * 74, "sender_name": "Ann"}, [200, 224, NOT_TOLD]),
    ],
)
def test_overlong_message_returns_the_coins_needed(api: Api, wish: Any, told: list[Any]) -> None:
    api.fund(coins=5000)
    with api.nothing_written():
        reply = give(api, **wish)
    assert (reply.status, reply.code) == (422, "message_too_long")
    assert facts(reply, "max_characters", "max_bytes", "coins_needed") == told


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"kind": "cheer", "coins": 0}, "coins"),
        *(
            ({"kind": kind, "coins": 50, field: value}, field)
            for kind in ("cheer", "super_chat")
            for field, values in FIELDS_OF_GIFTS.items()
            for value in values
        ),
        *(({**kind, "item_id": "rose", "coins": value}, "coins") for kind in ({}, {"kind": "gift"}) for value in COINS),
    ],
)
def test_kind_with_fields_of_another_is_refused(api: Api, wish: Any, field: str) -> None:
    api.fund()
    with api.nothing_written():
        reply = give(api, **wish)
    assert (reply.status, reply.code, reply.json["field"]) == (400, "invalid_field", field)


def test_cheer_beyond_the_wallet_returns_the_coins_needed(api: Api) -> None:
    api.fund(coins=4)
    with api.nothing_written():
        reply = give(api, kind="cheer", coins=5)
    assert (reply.status, reply.code, *facts(reply, "coins", "needed")) == (402, "insufficient_coins", 4, 5)


@pytest.mark.parametrize("wish", [{"item_id": "clap"}, {"creator_id": "carl"}, {"anonymous": True}])
def test_streak_with_another_item_or_creator_is_refused(api: Api, wish: dict[str, Any]) -> None:
    api.fund()
    first = api.clock.new_id()
    give(api, first, item_id="rose", streak_id=first)
    with api.nothing_written():
        reply = give(api, **({"item_id": "rose", "streak_id": first} | wish))
    assert (reply.status, reply.code) == (422, "streak_ended")


def test_next_streak_ends_the_previous_one(api: Api) -> None:
    api.fund()
    first, second = api.clock.new_id(), api.clock.new_id()
    assert give(api, first, item_id="rose", streak_id=first).status == 201
    assert give(api, second, item_id="clap", streak_id=second).status == 201
    assert give(api, item_id="rose", streak_id=first).code == "streak_ended"
    assert give(api, item_id="clap", streak_id=second).status == 201


def test_streak_tap_of_a_phone_whose_clock_went_back_is_taken(api: Api) -> None:
    api.fund()
    key, first = api.clock.new_id(), api.clock.new_id()
    assert give(api, key, item_id="rose", streak_id=first).code == "streak_ended"
    assert give(api, first, item_id="rose", streak_id=first).status == 201
    assert [give(api, key, item_id="rose", streak_id=first).status for _ in range(2)] == [201, 200]
    assert api.ledger.streaks["ann"].count == 2
