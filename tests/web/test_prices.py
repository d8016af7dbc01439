import pytest

from tests.web.api import Api


def test_a_top_up_says_what_to_buy_and_what_it_costs(api: Api) -> None:
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
    }
    assert reply.headers["cache-control"] == "public, max-age=60"


def test_a_top_up_is_for_dollars_on_the_web_unless_one_says_otherwise(api: Api) -> None:
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
def test_a_top_up_is_for_a_number_of_coins(api: Api, needed: str) -> None:
    reply = api.get(f"/v1/top-up?for={needed}")
    assert (reply.status, reply.code) == (400, "invalid_field")
    assert (reply.json["field"], reply.json["rule"]) == ("for", "a whole number from 1 to 200000")


def test_a_top_up_needs_to_be_told_for_what(api: Api) -> None:
    assert api.get("/v1/top-up").json["field"] == "for"


def test_where_nothing_is_on_sale_there_is_no_top_up(api: Api) -> None:
    assert api.get("/v1/top-up?for=1&currency=chf").code == "unknown_bundle"
    assert api.get("/v1/top-up?for=1&currency=moon").code == "invalid_field"
