"""Creators' earnings over HTTP: private, in coins, payout units and money."""

from typing import Any

import pytest

from chalicelib.adapters.catalogue_files import load_catalogue
from tests.fake_shards import ShardState
from tests.http.api import ABSENT, Api, Reply


def earnings(api: Api, scope: str = "creator", **parts: Any) -> Reply:
    return api.get("/v1/creator/earnings", **({"fan": "cleo", "scope": scope} | parts))


def received(api: Api, coins: int, shard: int = 0) -> None:
    api.ledger.shards.setdefault(("cleo", shard), ShardState()).coins = coins


def test_earnings_are_coins_units_and_money(api: Api) -> None:
    received(api, 300)
    received(api, 25, shard=3)
    api.ledger.shards["carl", 0] = ShardState(coins=1000)
    reply = earnings(api)
    assert reply.json == {
        "coins": 325,
        "unit": "point",
        "units": 162,
        "earned": {"amount_minor": 162, "currency": "usd", "exponent": 2},
        "can_withdraw": True,
        "least_units": 0,
    }
    assert (reply.headers["cache-control"], reply.headers.get("etag")) == ("no-store", None)


@pytest.mark.parametrize("coins", [0, -1, -2, -1000])
def test_earnings_below_zero_are_zero(api: Api, coins: int) -> None:
    received(api, coins)
    reply = earnings(api)
    shown = reply.json
    assert (shown["coins"], shown["units"], shown["earned"]["amount_minor"]) == (coins, 0, 0)
    assert not shown["can_withdraw"]


@pytest.mark.parametrize(("coins", "units", "can_withdraw"), [(1176, 999, False), (1177, 1000, True)])
def test_earnings_below_the_least_units_cannot_be_withdrawn(
    api: Api, coins: int, units: int, can_withdraw: bool
) -> None:
    api.ports["catalogue"] = load_catalogue("telegram_like")
    received(api, coins)
    shown = earnings(api).json
    assert (shown["units"], shown["can_withdraw"], shown["least_units"]) == (units, can_withdraw, 1000)


@pytest.mark.parametrize("scope", ["", "operator", "creators", "Creator", "read:creator"])
def test_earnings_without_the_scope_are_refused(api: Api, scope: str) -> None:
    reply = earnings(api, scope)
    assert (reply.status, reply.code) == (403, "forbidden")


def test_creator_with_both_scopes_is_operator_too(api: Api) -> None:
    assert earnings(api, "operator creator").status == 200


def test_earnings_without_a_token_are_refused(api: Api) -> None:
    assert earnings(api, fan=None, headers={"Authorization": ABSENT}).code == "unauthenticated"
