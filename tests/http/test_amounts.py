"""Amounts of coins in one checkout, and prices that hold in the app only."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.http.api import Api
from tests.http.events import event_of


def buy(api: Api, **wanted: Any) -> Any:
    return api.call("POST", "/v1/checkout-sessions", key=api.clock.new_id(), body=wanted).json


@pytest.mark.parametrize(
    ("wanted", "bundle_id", "coins", "amount_minor"),
    [
        ({"coins": 44_999}, "custom", 44_999, 39_700),
        ({"bundle_id": "coins_70", "quantity": 20}, "custom", 1_400, 1_442),
        ({"bundle_id": "coins_70", "quantity": 99}, "custom", 6_930, 6_496),
        ({"bundle_id": "coins_350", "quantity": 2}, "coins_700", 700, 721),
        ({"coins": 349}, "coins_350", 350, 364),
        ({"coins": 71, "currency": "kwd"}, "custom", 71, 240),
    ],
)
def test_checkout_of_an_amount_is_one_quote_and_one_credit(
    api: Api, wanted: dict[str, Any], bundle_id: str, coins: int, amount_minor: int
) -> None:
    checkout = buy(api, **wanted)
    assert (checkout["bundle_id"], checkout["coins"]) == (bundle_id, coins)
    assert checkout["price"]["amount_minor"] == amount_minor
    event = api.gateway.sign(event_of(api, checkout["id"]))
    assert [api.tell(event).json["outcome"] for _ in range(2)] == ["credited", "repeated"]
    assert api.get("/v1/wallet").json["coins"] == coins
    [entry] = api.get("/v1/wallet/entries").json["entries"]
    assert (entry["bundle_id"], entry["coins"]) == (bundle_id, coins)


def test_checkout_of_an_amount_can_be_repeated_and_nothing_else_has_its_key(api: Api) -> None:
    key = api.clock.new_id()
    bodies = [{"coins": 1_400}, {"coins": 1_400}, {"coins": 1_401}, {"bundle_id": "coins_700", "quantity": 2}]
    answers = [api.call("POST", "/v1/checkout-sessions", key=key, body=body) for body in bodies]
    assert [answer.status for answer in answers] == [201, 200, 409, 409]
    assert answers[0].json == answers[1].json
    assert len(api.gateway.sessions) == 1


def test_checkout_of_too_few_or_too_many_coins_names_the_nearest(api: Api) -> None:
    few, many = buy(api, coins=1), buy(api, coins=200_001)
    assert (few["code"], few["nearest_above"], many["nearest_below"]) == ("coins_not_for_sale", 70, 200_000)
    assert not {"nearest_below"} & few.keys()
    assert not {"nearest_above"} & many.keys()


def test_checkout_where_there_are_no_custom_amounts_sells_bundles_only(api: Api) -> None:
    api.ports["catalogue"] = replace(api.ports["catalogue"], custom_max_coins=None)
    assert api.get("/v1/bundles").json["custom"] is None
    refused = buy(api, coins=1_000)
    assert (refused["code"], refused["nearest_below"], refused["nearest_above"]) == ("coins_not_for_sale", 700, 1_500)
    assert buy(api, coins=700)["bundle_id"] == "coins_700"
    assert api.get("/v1/top-up?for=1000").json["checkout"]["bundle_id"] == "coins_1500"
    assert 'name="coins"' not in api.get("/").text


def test_top_up_is_a_checkout_that_can_be_ordered(api: Api) -> None:
    found = api.get("/v1/top-up?for=44999").json
    assert found["checkout"] == {
        "bundle_id": "custom",
        "coins": 44_999,
        "spare_coins": 0,
        "price": {"amount_minor": 39_700, "currency": "usd", "exponent": 2},
    }
    assert found["price"]["amount_minor"] == 40_079
    assert buy(api, coins=found["checkout"]["coins"])["price"] == found["checkout"]["price"]
    assert api.get("/v1/top-up?for=1").json["checkout"] | {"price": 0} == {
        "bundle_id": "coins_70",
        "coins": 70,
        "spare_coins": 69,
        "price": 0,
    }


def test_bundles_show_the_limits_of_custom_amounts_on_the_web_only(api: Api) -> None:
    assert api.get("/v1/bundles").json["custom"] == {"min_coins": 70, "max_coins": 200_000}
    assert api.get("/v1/bundles?channel=in_app").json["custom"] is None


def test_in_app_prices_are_refused_at_the_checkout_and_have_no_page(api: Api) -> None:
    with api.nothing_written():
        refused = buy(api, bundle_id="coins_70", channel="in_app")
    assert (refused["code"], refused["status"]) == ("unknown_bundle", 422)
    assert api.get("/?channel=in_app").status == 404
    assert api.get("/?channel=kiosk").status == 400


def test_verify_offer_of_an_in_app_price_names_the_channel(api: Api) -> None:
    verdict = api.get("/v1/offers/verify?coins=70&amount_minor=99").json
    assert (verdict["official"], verdict["channel"]) == (True, "in_app")
    assert "app only" in verdict["detail"]
    assert api.get("/v1/offers/verify?coins=70&amount_minor=74").json["channel"] == "web"
    assert api.get("/v1/offers/verify?coins=1&amount_minor=74").json["channel"] is None


def test_shop_has_a_form_for_custom_amounts(api: Api) -> None:
    page = api.get("/").text
    assert 'name="coins" type="number" required min="70" max="200000"' in page
    assert "70 to 200,000 coins" in page
