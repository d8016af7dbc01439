from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.catalogue_files import load_catalogue
from tests.domain.builders import a_posted_purchase
from tests.http.api import Api, Reply


def test_top_up_returns_bundles_and_their_price(api: Api) -> None:
    reply = api.get("/v1/top-up?for=1570&currency=eur&channel=in_app", fan=None)
    assert reply.status == 200
    assert reply.json == {
        "for": 1570,
        "coins": 1570,
        "spare_coins": 0,
        "price": {"amount_minor": 2014, "currency": "eur", "exponent": 2},
        "bundles": [
            {
                "bundle_id": "coins_1500",
                "quantity": 1,
                "coins": 1500,
                "price": {"amount_minor": 1919, "currency": "eur", "exponent": 2},
            },
            {
                "bundle_id": "coins_70",
                "quantity": 1,
                "coins": 70,
                "price": {"amount_minor": 95, "currency": "eur", "exponent": 2},
            },
        ],
        "checkout": None,
    }
    assert reply.headers["cache-control"] == "public, max-age=60"


def test_top_up_defaults_to_usd_on_the_web(api: Api) -> None:
    reply = api.get("/v1/top-up?for=44999", fan=None)
    assert reply.json["price"]["currency"] == "usd"
    assert reply.json["bundles"][0] | {"price": 0} == {
        "bundle_id": "coins_8500",
        "quantity": 5,
        "coins": 42500,
        "price": 0,
    }
    assert reply.text == api.get("/v1/top-up?for=44999&currency=usd&channel=web").text


@pytest.mark.parametrize("needed", ["", "0", "-1", "200001", "1e3", "1.0", "many", "٣"])
def test_top_up_with_invalid_coins_is_refused(api: Api, needed: str) -> None:
    reply = api.get(f"/v1/top-up?for={needed}")
    assert (reply.status, reply.code) == (400, "invalid_field")
    assert (reply.json["field"], reply.json["rule"]) == ("for", "a whole number from 1 to 200000")


def test_top_up_without_coins_is_refused(api: Api) -> None:
    assert api.get("/v1/top-up").json["field"] == "for"


def test_top_up_in_an_unsold_currency_is_refused(api: Api) -> None:
    assert api.get("/v1/top-up?for=1&currency=chf").code == "unknown_bundle"
    assert api.get("/v1/top-up?for=1&currency=moon").code == "invalid_field"


# --- in the buyer's own money -----------------------------------------------------------------------------------------


def posted(api: Api, fan: str = "ann", **changes: Any) -> None:
    """Credit a purchase, by default 70 coins for 74 cents."""
    purchase = a_posted_purchase(purchase_id=api.clock.new_id(), user_id=fan, **changes)
    api.ledger.entries.setdefault(fan, {})[purchase.purchase_id] = purchase


def rose_and_rocket(reply: Reply) -> list[tuple[int, str]]:
    prices = {gift["item_id"]: gift["price"] for gift in reply.json["gifts"]}
    return [(prices[item_id]["amount_minor"], prices[item_id]["basis"]) for item_id in ("rose", "rocket")]


def test_gift_catalogue_without_a_currency_has_no_prices(api: Api) -> None:
    reply = api.get("/v1/gift-catalogue")
    rose = reply.json["gifts"][0]
    assert (rose["item_id"], rose["coins"], "price" in rose) == ("rose", 1, False)
    assert reply.headers["cache-control"] == "public, max-age=60"
    assert "etag" in reply.headers


def test_gift_price_without_purchases_is_the_smallest_bundles(api: Api) -> None:
    reply = api.get("/v1/gift-catalogue?currency=kwd", fan=None)
    price = {"amount_minor": 4, "currency": "kwd", "exponent": 3, "basis": "list"}  # 230 / 70 = 3.29
    rose = reply.json["gifts"][0]
    assert (rose["item_id"], rose["coins"], rose["price"]) == ("rose", 1, price)
    assert reply.headers["cache-control"] == "public, max-age=60"
    assert reply.headers["vary"] == "Authorization"
    assert (
        api.get("/v1/gift-catalogue?currency=kwd", fan=None, headers={"If-None-Match": reply.headers["etag"]}).status
        == 304
    )


def test_gift_price_of_a_fan_is_what_they_paid_per_coin(api: Api) -> None:
    posted(api, coins=8500, amount_minor=7499)
    reply = api.get("/v1/gift-catalogue?currency=usd")
    assert rose_and_rocket(reply) == [(1, "paid"), (4412, "paid")]  # 5000 x 7499 / 8500 = 4411.18
    assert reply.headers["cache-control"] == "no-store"
    assert "etag" not in reply.headers
    assert rose_and_rocket(api.get("/v1/gift-catalogue?currency=usd", fan="bob")) == [(2, "list"), (5286, "list")]
    assert rose_and_rocket(api.get("/v1/gift-catalogue?currency=eur")) == [(2, "list"), (5143, "list")]


@pytest.mark.parametrize("url", ["/v1/gift-catalogue?currency=usd", "/v1/worth?coins=1"])
@pytest.mark.parametrize("token", ["Bearer token-of-ann", "Bearer forged", "x"])
def test_worth_with_a_token_is_not_cacheable(api: Api, url: str, token: str) -> None:
    reply = api.get(url, fan=None, headers={"Authorization": token})
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in reply.headers


def test_worth_of_coins_is_their_price(api: Api) -> None:
    posted(api)
    assert api.get("/v1/worth?coins=140").json == {
        "coins": 140,
        "price": {"amount_minor": 148, "currency": "usd", "exponent": 2, "basis": "paid"},
    }


@pytest.mark.parametrize("coins", ["", "0", "-5", "1000000000", "x"])
def test_worth_of_invalid_coins_is_refused(api: Api, coins: str) -> None:
    assert api.get(f"/v1/worth?coins={coins}").json["field"] == "coins"


@pytest.mark.parametrize("path", ["/v1/gift-catalogue?", "/v1/worth?coins=1&"])
def test_worth_in_an_unsold_currency_is_refused(api: Api, path: str) -> None:
    assert api.get(f"{path}currency=chf").code == "unknown_bundle"
    assert api.get(f"{path}currency=moon").json["field"] == "currency"


# --- beside a reference rate ------------------------------------------------------------------------------------------


def test_prices_have_a_dated_reference_rate(api: Api) -> None:
    reply = api.get("/v1/prices", fan=None)
    assert [each["currency"] for each in reply.json["currencies"]] == ["eur", "gbp", "jpy", "kwd", "usd"]
    assert reply.json["base"] == "usd"
    assert reply.json["source"].startswith("An example")
    euro = reply.json["currencies"][0]
    assert (euro["rate"], euro["as_of"], len(euro["bundles"])) == ("0.9200", "2026-11-20", 6)
    assert euro["bundles"][0] == {
        "bundle_id": "coins_70",
        "coins": 70,
        "price": {"amount_minor": 72, "currency": "eur", "exponent": 2},
        "price_per_coin": "0.010286",
        "base_price_per_coin": "0.011180",  # 0.72 / 0.92 / 70
        "difference_permille": 58,  # 0.7826 for 0.74
    }
    assert {each["difference_permille"] for each in reply.json["currencies"][4]["bundles"]} == {0}


def test_prices_of_in_app_are_the_channels(api: Api) -> None:
    [dollar] = [each for each in api.get("/v1/prices?channel=in_app").json["currencies"] if each["currency"] == "usd"]
    assert dollar["bundles"][0]["price"]["amount_minor"] == 99
    assert api.get("/v1/prices?channel=kiosk").json["field"] == "channel"


def test_prices_have_an_etag(api: Api) -> None:
    reply = api.get("/v1/prices")
    assert reply.headers["cache-control"] == "public, max-age=60"
    assert api.get("/v1/prices", headers={"If-None-Match": reply.headers["etag"]}).status == 304


def test_prices_without_a_rate_have_nulls(api: Api) -> None:
    api.ports["reference_rates"] = replace(api.ports["reference_rates"], rates={"eur": "0.92"})
    yen = api.get("/v1/prices").json["currencies"][2]
    assert (yen["currency"], yen["rate"], yen["as_of"]) == ("jpy", None, None)
    compared = [(each["base_price_per_coin"], each["difference_permille"]) for each in yen["bundles"]]
    assert compared == [(None, None)] * 6


YEN = ("/", "/v1/bundles", "/v1/top-up?for=100", "/v1/worth?coins=5", "/v1/offers")


@pytest.mark.parametrize("url", YEN)
def test_shop_without_usd_sells_in_its_first_currency(api: Api, url: str) -> None:
    api.ports["catalogue"] = load_catalogue("youtube_like")
    reply = api.get(url)
    assert reply.status == 200
    assert ("¥" if url == "/" else '"currency":"jpy"') in reply.text


def test_checkout_without_a_currency_is_in_the_catalogues(api: Api) -> None:
    api.ports["catalogue"] = catalogue = load_catalogue("youtube_like")
    bundle_id = next(iter(catalogue.bundles))
    assert api.buy(bundle_id=bundle_id).json["price"]["currency"] == "jpy"
    assert api.buy(bundle_id=bundle_id, currency="usd").code == "unknown_bundle"
    document = api.get("/v1/openapi.json").json
    assert document["components"]["schemas"]["CheckoutRequest"]["properties"]["currency"]["default"] == "jpy"
