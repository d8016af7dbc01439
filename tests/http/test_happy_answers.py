"""Successful responses of each route, with their headers."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import VERSION
from chalicelib.domain.purchases import DisputeHold
from tests.http.api import REQUEST_ID, Api, Reply
from tests.http.events import event_of

PUBLIC = ["/v1/bundles", "/v1/gift-catalogue", "/v1/membership-plans", "/v1/openapi.json"]
PAGES = ["/", "/success", "/cancelled"]
JSON = [*PUBLIC, "/v1/health", "/v1/wallet", "/v1/wallet/entries"]


def headers_of(reply: Reply, *names: str) -> list[str | None]:
    return [reply.headers.get(name) for name in names]


# --- headers of every response ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*JSON, *PAGES, "/assets/coin.svg"])
def test_every_answer_names_its_request_and_forbids_guessing_its_type(api: Api, path: str) -> None:
    reply = api.get(path)
    assert reply.status == 200
    assert headers_of(reply, "x-request-id", "x-content-type-options") == [REQUEST_ID, "nosniff"]


@pytest.mark.parametrize("path", JSON)
def test_json_is_called_json(api: Api, path: str) -> None:
    assert api.get(path).headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/wallet", "/v1/wallet/entries", "/v1/health", *PAGES])
def test_what_is_somebodys_own_is_never_stored(api: Api, path: str) -> None:
    assert headers_of(api.get(path), "cache-control", "etag") == ["no-store", None]


@pytest.mark.parametrize("path", PUBLIC)
def test_what_is_the_same_for_all_may_be_stored_for_a_minute(api: Api, path: str) -> None:
    first = api.get(path)
    assert first.headers["cache-control"] == "public, max-age=60"
    assert api.get(path).headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_whoever_has_it_already_is_told_so(api: Api, path: str, form: str) -> None:
    etag = api.get(path).headers["etag"]
    again = api.get(path, headers={"If-None-Match": form.format(etag)})
    assert (again.status, again.text, again.headers["etag"]) == (304, "", etag)
    assert again.headers["x-request-id"] == REQUEST_ID


def test_another_version_is_sent_whole(api: Api) -> None:
    assert api.get("/v1/bundles", headers={"If-None-Match": '"of-yesterday"'}).status == 200
    etags = {api.get(f"/v1/bundles?currency={currency}").headers["etag"] for currency in ("usd", "eur", "jpy")}
    assert len(etags) == 3


# --- buying -----------------------------------------------------------------------------------------------------------


def test_bundles_say_what_they_cost(api: Api) -> None:
    cheapest = api.get("/v1/bundles?currency=jpy").json["bundles"][0]
    assert cheapest == {
        "bundle_id": "coins_70",
        "coins": 70,
        "bonus_coins": 0,
        "price": {"amount_minor": 112, "currency": "jpy", "exponent": 0},
        "price_per_coin": "1.600000",
        "discount_percent": 0,
        "web_saving_percent": 25,
        "image": "assets/coin_few.svg",
        "featured": False,
    }


def test_the_last_of_two_equal_query_parameters_counts(api: Api) -> None:
    assert api.get("/v1/bundles?currency=usd&currency=eur").text == api.get("/v1/bundles?currency=eur").text


@pytest.mark.parametrize("market", ["currency=chf", "currency=chf&channel=in_app"])
def test_where_nothing_is_on_sale_there_are_no_bundles(api: Api, market: str) -> None:
    assert api.get(f"/v1/bundles?{market}").json == {"bundles": [], "custom": None}


def test_a_checkout_is_opened_once(api: Api) -> None:
    key = api.clock.new_id()
    first, again = api.buy(key), api.buy(key)
    assert first.json == {
        "id": key,
        "status": "pending",
        "bundle_id": "coins_70",
        "coins": 70,
        "price": {"amount_minor": 74, "currency": "usd", "exponent": 2},
        "expires_at": "2026-11-22T14:00:00.000Z",
        "url": f"https://pay.example/{key}",
    }
    assert (again.json, len(api.gateway.sessions)) == (first.json, 1)
    assert (first.status, *headers_of(first, "idempotent-replayed", "cache-control")) == (201, None, "no-store")
    assert (again.status, *headers_of(again, "idempotent-replayed", "cache-control")) == (200, "true", "no-store")


def test_a_checkout_can_be_looked_up(api: Api) -> None:
    key = api.buy().json["id"]
    assert api.get(f"/v1/checkout-sessions/{key}").json == api.buy(key).json | {"url": None}


def test_an_old_checkout_asked_for_again_has_no_url(api: Api) -> None:
    key = api.buy().json["id"]
    api.clock.advance(timedelta(days=2))
    again = api.buy(key)
    assert (again.status, again.json["url"], again.json["status"]) == (200, None, "pending")


def test_a_webhook_credits_the_wallet_once(api: Api) -> None:
    key = api.buy().json["id"]
    event = api.gateway.sign(event_of(api, key))
    outcomes = [api.tell(event).json for _ in range(3)]
    assert outcomes == [{"outcome": "credited"}, {"outcome": "repeated"}, {"outcome": "repeated"}]
    assert api.get("/v1/wallet").json == {"coins": 70, "owed": 0, "frozen": False, "freeze_reasons": []}
    assert api.get(f"/v1/checkout-sessions/{key}").json["status"] == "posted"


# --- the wallet -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coins", "shown"), [(None, (0, 0)), (0, (0, 0)), (5, (5, 0)), (-5, (0, 5)), (2**53 - 1, (2**53 - 1, 0))]
)
def test_a_debt_is_told_as_what_is_owed(api: Api, coins: int | None, shown: tuple[int, int]) -> None:
    if coins is not None:
        api.fund(coins=coins)
    assert api.get("/v1/wallet").json == {"coins": shown[0], "owed": shown[1], "frozen": False, "freeze_reasons": []}


def test_a_frozen_wallet_says_so(api: Api) -> None:
    api.ledger.frozen.add("ann")
    api.ledger.disputes["ann", DisputeHold.OPEN] += 1
    shown = api.get("/v1/wallet").json
    assert (shown["frozen"], shown["freeze_reasons"]) == (True, ["operator", "dispute"])


def test_the_statement_is_read_page_by_page_newest_first(api: Api) -> None:
    api.fund()
    ids = [api.give().json["id"] for _ in range(5)]
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/v1/wallet/entries?limit=2&cursor={cursor}").json
        pages.append([entry["id"] for entry in page["entries"]])
        cursor = page["next_cursor"]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]


def test_the_statement_shows_what_each_entry_did(api: Api) -> None:
    api.fund()
    gift, purchase = api.give(quantity=3).json, api.buy().json
    assert api.get("/v1/wallet/entries").json["entries"] == [
        {
            "id": purchase["id"],
            "kind": "purchase",
            "status": "pending",
            "coins": 70,
            "created_at": "2026-11-22T12:00:00.000Z",
            "bundle_id": "coins_70",
            "price": {"amount_minor": 74, "currency": "usd", "exponent": 2},
        },
        {
            "id": gift["id"],
            "kind": "gift",
            "status": "posted",
            "coins": -3,
            "created_at": "2026-11-22T12:00:00.000Z",
            "posted_at": "2026-11-22T12:00:00.000Z",
            "creator_id": "cleo",
            "item_id": "rose",
            "quantity": 3,
        },
    ]


# --- giving -----------------------------------------------------------------------------------------------------------


def test_the_cheapest_gift_comes_first(api: Api) -> None:
    gifts = api.get("/v1/gift-catalogue").json["gifts"]
    assert gifts[0] == {
        "item_id": "rose",
        "name": "Rose",
        "coins": 1,
        "image": "assets/rose.svg",
        "animation": None,
        "category": "Classics",
        "featured": False,
    }
    assert [gift["coins"] for gift in gifts] == sorted(gift["coins"] for gift in gifts)


def test_a_gift_is_sent_once(api: Api) -> None:
    api.fund()
    key = api.clock.new_id()
    wish: dict[str, Any] = {
        "item_id": "cake",
        "quantity": 2,
        "message": "Ünïcode 🎁 <b>",
        "anonymous": True,
        "sender_name": "Ann",
        "stream_id": "live-1",
    }
    first, again = api.give(key, **wish), api.give(key, **wish)
    assert first.json == wish | {
        "id": key,
        "event_id": api.gifts()[0].event_id,
        "kind": "gift",
        "creator_id": "cleo",
        "coins": 70,
        "streak_id": None,
        "color": None,
        "pin_seconds": 0,
        "sent_at": "2026-11-22T12:00:00.000Z",
    }
    assert (again.json, api.ledger.coins["ann"]) == (first.json, 930)
    assert (first.status, *headers_of(first, "idempotent-replayed", "cache-control")) == (201, None, "no-store")
    assert (again.status, *headers_of(again, "idempotent-replayed", "cache-control")) == (200, "true", "no-store")
    assert api.get(f"/v1/gifts/{key}").json == first.json


# --- the API itself, and its pages ------------------------------------------------------------------------------------


def test_health_tells_which_code_answers(api: Api) -> None:
    assert api.get("/v1/health").json == {"status": "ok", "version": VERSION, "stage": "test"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_html_that_loads_nothing_from_elsewhere(api: Api, path: str) -> None:
    reply = api.get(path, fan=None)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    assert reply.text.startswith("<!doctype html>")


def test_the_shop_knows_the_fan_whose_token_is_valid(api: Api) -> None:
    assert "Signed in as <strong>ann</strong>" in api.get("/").text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer of-last-year"}, {"Authorization": "Basic YTpi"}])
def test_the_shop_is_open_to_whom_it_does_not_know(api: Api, headers: dict[str, str]) -> None:
    reply = api.get("/", fan=None, headers=headers)
    assert reply.status == 200
    assert "Signed in" not in reply.text


def test_catalogue_shows_pictures_relative_to_the_api(api: Api) -> None:
    gifts = {gift["item_id"]: gift for gift in api.get("/v1/gift-catalogue").json["gifts"]}
    rocket = {name: gifts["rocket"][name] for name in ("image", "animation", "category", "featured")}
    assert rocket == {
        "image": "assets/rocket.svg",
        "animation": "assets/rocket_animation.svg",
        "category": "Grand",
        "featured": False,
    }
    assert gifts["rose"]["animation"] is None
    [featured] = [each for each in api.get("/v1/bundles").json["bundles"] if each["featured"]]
    assert featured["image"] == "assets/coin_some.svg"
    unit = api.get("/v1/economy").json["unit"]
    assert unit == {"singular": "coin", "plural": "coins", "image": "assets/coin.svg"}
    assert api.get(f"/{unit['image']}", fan=None).status == 200


def test_assets_may_be_stored_for_a_day(api: Api) -> None:
    reply = api.get("/assets/coinpurse.js", fan=None)
    assert headers_of(reply, "content-type", "cache-control") == [
        "text/javascript; charset=utf-8",
        "public, max-age=86400",
    ]
