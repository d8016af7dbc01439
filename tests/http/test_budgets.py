"""Budgets and self-exclusions over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.memberships import MembershipStatus
from tests.domain.builders import KEY
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, Api, Reply
from tests.http.events import event_for

NONE = {"day": None, "week": None, "month": None}
TONIGHT, DECEMBER = "2026-11-22T23:00:00.000Z", "2026-11-30T23:00:00.000Z"
WISH: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "currency": "usd",
    "coins": {"day": 100, "month": 1_000},
    "money": {"month": 5_000},
}
NOTHING_OPEN = {"checkouts_closed": 0, "checkouts_open": 0, "open_until": None, "membership": None}
MADE = {
    "zone": "Europe/Berlin",
    "currency": "usd",
    "coins": {
        "day": {"limit": 100, "left": 100, "resets_at": TONIGHT},
        "week": None,
        "month": {"limit": 1_000, "left": 1_000, "resets_at": DECEMBER},
    },
    "money": {"day": None, "week": None, "month": {"limit": 5_000, "left": 5_000, "resets_at": DECEMBER}},
    "pending": None,
    "excluded_until": None,
}


def put(api: Api, body: Any = None, **parts: Any) -> Reply:
    return api.call("PUT", "/v1/budgets", body=WISH if body is None else body, **parts)


def shut_out(api: Api, key: Any, body: Any = None) -> Reply:
    return api.call("POST", "/v1/self-exclusions", body=body or {"days": 7}, key=key)


def test_budget_that_was_never_set_is_empty(api: Api) -> None:
    reply = api.get("/v1/budgets")
    assert reply.status == 200
    assert reply.json == {
        "zone": None,
        "currency": None,
        "coins": NONE,
        "money": NONE,
        "pending": None,
        "excluded_until": None,
    }


def test_set_budget_needs_no_key_and_is_read_back(api: Api) -> None:
    reply = put(api)
    assert (reply.status, reply.json) == (200, MADE)
    assert api.get("/v1/budgets").json == MADE
    assert api.get("/v1/budgets", fan="bob").json["zone"] is None


@pytest.mark.parametrize(
    "body", [{"zone": "UTC"}, {"zone": "UTC", "currency": None, "coins": {}, "money": {"day": None}}], ids=str
)
def test_absent_or_null_limit_is_none(api: Api, body: dict[str, Any]) -> None:
    reply = put(api, body)
    assert (reply.json["zone"], reply.json["coins"], reply.json["money"]) == ("UTC", NONE, NONE)


def test_spent_budget_is_shown_and_refuses_gifts(api: Api) -> None:
    api.fund()
    put(api)
    assert api.give(quantity=60).status == 201
    assert api.buy().status == 201

    shown = api.get("/v1/budgets").json
    assert (shown["coins"]["day"]["left"], shown["coins"]["month"]["left"]) == (40, 940)
    assert shown["money"]["month"]["left"] == 4_926
    refused = api.give(quantity=41)
    assert (refused.status, refused.code) == (422, "budget_reached")
    assert {name: refused.json[name] for name in ("what", "period", "left", "resets_at")} == {
        "what": "coins",
        "period": "day",
        "left": 40,
        "resets_at": TONIGHT,
    }


def test_less_strict_budget_is_pending(api: Api) -> None:
    put(api)
    reply = put(api, {"zone": "UTC", "coins": {"day": 50}})
    assert reply.json["coins"]["day"] == {"limit": 50, "left": 50, "resets_at": TONIGHT}
    assert reply.json["pending"] == {
        "zone": "UTC",
        "currency": None,
        "coins": {"day": 50, "week": None, "month": None},
        "money": NONE,
        "applies_at": "2026-11-23T12:00:00.000Z",
    }
    api.clock.advance(timedelta(days=1))
    assert (api.get("/v1/budgets").json["zone"], api.get("/v1/budgets").json["pending"]) == ("UTC", None)


def test_budget_left_is_never_negative(api: Api) -> None:
    api.fund()
    put(api)
    api.give(quantity=60)
    assert put(api, WISH | {"coins": {"day": 50, "month": 1_000}}).json["coins"]["day"]["left"] == 0


def test_checkout_in_another_currency_is_refused(api: Api) -> None:
    put(api)
    reply = api.buy(currency="eur")
    assert (reply.status, reply.code, reply.json["currency"]) == (422, "budget_currency", "usd")


def test_checkouts_beyond_the_limit_are_refused(api: Api) -> None:
    api.ports["settings"] = replace(api.ports["settings"], max_open_checkouts=2)
    assert [api.buy().status for _ in range(3)] == [201, 201, 422]
    refused = api.buy()
    assert (refused.code, refused.json["limit"]) == ("too_many_open", 2)
    assert refused.json["resets_at"] == "2026-11-22T14:00:00.000Z"


def test_expired_checkout_is_released(api: Api) -> None:
    put(api)
    event = event_for(api, type="checkout.session.expired", session={"payment_status": "unpaid"})
    assert api.get("/v1/budgets").json["money"]["month"]["left"] == 4_926
    api.tell(api.gateway.sign(event))
    assert api.get("/v1/budgets").json["money"]["month"]["left"] == 5_000


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_field", "zone"),
        ({"zone": "Mars"}, "invalid_field", "zone"),
        ({"zone": None}, "invalid_field", "zone"),
        ({"zone": "UTC", "limit": 1}, "unknown_field", "limit"),
        ({"zone": "UTC", "coins": None}, "invalid_field", "coins"),
        ({"zone": "UTC", "coins": {"year": 1}}, "unknown_field", "coins.year"),
        ({"zone": "UTC", "coins": {"day": -1}}, "invalid_field", "coins.day"),
        ({"zone": "UTC", "coins": {"day": 1_000_000_000}}, "invalid_field", "coins.day"),
        ({"zone": "UTC", "coins": {"day": 10**15}}, "invalid_field", "coins.day"),
        ({"zone": "UTC", "coins": {"day": 1.5}}, "invalid_field", "coins.day"),
        ({"zone": "UTC", "coins": {"day": True}}, "invalid_field", "coins.day"),
        ({"zone": "UTC", "coins": {"day": "1"}}, "invalid_field", "coins.day"),
        ({"zone": "UTC", "money": {"day": 1}}, "invalid_field", "currency"),
        ({"zone": "UTC", "currency": "usd"}, "invalid_field", "currency"),
        ({"zone": "UTC", "currency": "USD", "money": {"day": 1}}, "invalid_field", "currency"),
    ],
    ids=str,
)
def test_invalid_budget_is_refused(api: Api, body: dict[str, Any], code: str, field: str) -> None:
    with api.nothing_written():
        reply = put(api, body)
    assert (reply.status, reply.code, reply.json["field"]) == (400, code, field)


def test_self_exclusion_refuses_gifts_and_purchases(api: Api) -> None:
    api.fund()
    first = shut_out(api, uuid7_at(START, 7))
    assert (first.status, first.json) == (201, {"excluded_until": "2026-11-29T12:00:00.000Z"} | NOTHING_OPEN)

    for reply in (api.give(), api.buy()):
        assert (reply.status, reply.code, reply.json["until"]) == (403, "self_excluded", "2026-11-29T12:00:00.000Z")
    assert api.get("/v1/budgets").json["excluded_until"] == "2026-11-29T12:00:00.000Z"
    api.clock.advance(timedelta(days=7))
    assert (api.give().status, api.buy().status) == (201, 201)
    assert api.get("/v1/budgets").json["excluded_until"] is None


def test_self_exclusion_names_what_can_still_be_paid(api: Api) -> None:
    keys = [uuid7_at(START, number) for number in (1, 2)]
    for key in keys:
        api.buy(key)
    api.gateway.unreachable.add(keys[0])
    api.stock_membership(status=MembershipStatus.ACTIVE, renews=True, paid_until=START + timedelta(days=9))
    assert shut_out(api, uuid7_at(START, 7)).json == {
        "excluded_until": "2026-11-29T12:00:00.000Z",
        "checkouts_closed": 1,
        "checkouts_open": 1,
        "open_until": "2026-11-22T14:00:00.000Z",
        "membership": {
            "id": KEY,
            "paid_until": "2026-12-01T12:00:00.000Z",
            "portal": "/v1/membership/portal-sessions",
        },
    }


def test_self_exclusion_repeat_changes_nothing(api: Api) -> None:
    first = shut_out(api, uuid7_at(START, 7))
    api.clock.advance(timedelta(hours=1))
    again = shut_out(api, uuid7_at(START, 7))
    assert (again.status, again.json, again.headers["idempotent-replayed"]) == (200, first.json, "true")
    assert shut_out(api, uuid7_at(START, 7), {"days": 8}).code == "idempotency_conflict"


@pytest.mark.parametrize("days", [0, -1, 1827, 1.0, True, "7", None], ids=str)
def test_self_exclusion_with_invalid_days_is_refused(api: Api, days: Any) -> None:
    with api.nothing_written():
        reply = shut_out(api, uuid7_at(START, 7), {"days": days})
    assert (reply.status, reply.code, reply.json["field"]) == (400, "invalid_field", "days")


def test_self_exclusion_without_a_key_is_refused(api: Api) -> None:
    assert shut_out(api, ABSENT).code == "missing_idempotency_key"
