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
def test_response_has_request_id_and_nosniff(api: Api, path: str) -> None:
    reply = api.get(path)
    assert reply.status == 200
    assert headers_of(reply, "x-request-id", "x-content-type-options") == [REQUEST_ID, "nosniff"]


@pytest.mark.parametrize("path", JSON)
def test_json_response_has_its_content_type(api: Api, path: str) -> None:
    assert api.get(path).headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/wallet", "/v1/wallet/entries", "/v1/health", *PAGES])
def test_private_responses_are_not_cacheable(api: Api, path: str) -> None:
    assert headers_of(api.get(path), "cache-control", "etag") == ["no-store", None]


@pytest.mark.parametrize("path", PUBLIC)
def test_public_responses_are_cacheable_for_a_minute(api: Api, path: str) -> None:
    first = api.get(path)
    assert first.headers["cache-control"] == "public, max-age=60"
    assert api.get(path).headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_matching_etag_gets_304(api: Api, path: str, form: str) -> None:
    etag = api.get(path).headers["etag"]
    again = api.get(path, headers={"If-None-Match": form.format(etag)})
    assert (again.status, again.text, again.headers["etag"]) == (304, "", etag)
    assert again.headers["x-request-id"] == REQUEST_ID


def test_etag_of_another_version_is_answered_in_full(api: Api) -> None:
    assert api.get("/v1/bundles", headers={"If-None-Match": '"of-yesterday"'}).status == 200
    etags = {api.get(f"/v1/bundles?currency={currency}").headers["etag"] for currency in ("usd", "eur", "jpy")}
    assert len(etags) == 3


# --- buying -----------------------------------------------------------------------------------------------------------


def test_bundles_have_prices(api: Api) -> None:
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


def test_query_parameter_given_twice_takes_the_last(api: Api) -> None:
    assert api.get("/v1/bundles?currency=usd&currency=eur").text == api.get("/v1/bundles?currency=eur").text


@pytest.mark.parametrize("market", ["currency=chf", "currency=chf&channel=in_app"])
def test_bundles_in_an_unsold_currency_are_empty(api: Api, market: str) -> None:
    assert api.get(f"/v1/bundles?{market}").json == {"bundles": [], "custom": None}


def test_checkout_repeat_returns_the_same_session(api: Api) -> None:
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


def test_checkout_is_read_by_id(api: Api) -> None:
    key = api.buy().json["id"]
    assert api.get(f"/v1/checkout-sessions/{key}").json == api.buy(key).json | {"url": None}


def test_repeat_of_an_old_checkout_has_no_url(api: Api) -> None:
    key = api.buy().json["id"]
    api.clock.advance(timedelta(days=2))
    again = api.buy(key)
    assert (again.status, again.json["url"], again.json["status"]) == (200, None, "pending")


def test_webhook_repeat_credits_once(api: Api) -> None:
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
def test_negative_balance_is_owed(api: Api, coins: int | None, shown: tuple[int, int]) -> None:
    if coins is not None:
        api.fund(coins=coins)
    assert api.get("/v1/wallet").json == {"coins": shown[0], "owed": shown[1], "frozen": False, "freeze_reasons": []}


def test_frozen_wallet_is_shown_as_frozen(api: Api) -> None:
    api.ledger.frozen.add("ann")
    api.ledger.disputes["ann", DisputeHold.OPEN] += 1
    shown = api.get("/v1/wallet").json
    assert (shown["frozen"], shown["freeze_reasons"]) == (True, ["operator", "dispute"])


def test_statement_is_paged_newest_first(api: Api) -> None:
    api.fund()
    ids = [api.give().json["id"] for _ in range(5)]
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/v1/wallet/entries?limit=2&cursor={cursor}").json
        pages.append([entry["id"] for entry in page["entries"]])
        cursor = page["next_cursor"]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]


def test_statement_shows_each_entry_with_its_coins(api: Api) -> None:
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


def test_gift_catalogue_is_sorted_by_price(api: Api) -> None:
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


def test_gift_repeat_is_one_debit(api: Api) -> None:
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


def test_health_returns_version_and_stage(api: Api) -> None:
    assert api.get("/v1/health").json == {"status": "ok", "version": VERSION, "stage": "test"}


@pytest.mark.parametrize("path", PAGES)
def test_page_is_html_that_loads_nothing_from_other_origins(api: Api, path: str) -> None:
    reply = api.get(path, fan=None)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    assert reply.text.startswith("<!doctype html>")


def test_shop_with_a_valid_token_shows_the_fan(api: Api) -> None:
    assert "Signed in as <strong>ann</strong>" in api.get("/").text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer of-last-year"}, {"Authorization": "Basic YTpi"}])
def test_shop_without_a_valid_token_is_shown(api: Api, headers: dict[str, str]) -> None:
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


def test_assets_are_cacheable_for_a_day(api: Api) -> None:
    reply = api.get("/assets/coinpurse.js", fan=None)
    assert headers_of(reply, "content-type", "cache-control") == [
        "text/javascript; charset=utf-8",
        "public, max-age=86400",
    ]
