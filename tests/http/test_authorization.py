"""Authorization: required tokens and scopes, and access only to the caller's own resources."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import Unauthenticated
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, KEYS_OUT_OF_REACH, QUERIES, Api, Reply, routes
from tests.http.broken import Broken

ID = uuid7_at(START, 77)
OPEN_TO_ALL = {
    ("GET", "/v1/bundles"),
    ("GET", "/v1/economy"),
    ("GET", "/v1/gift-catalogue"),
    ("GET", "/v1/offers"),
    ("GET", "/v1/offers/verify"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/v1/prices"),
    ("GET", "/v1/top-up"),
    ("GET", "/v1/worth"),
    ("GET", "/v1/membership-plans"),
    ("GET", "/v1/health"),
    ("GET", "/v1/openapi.json"),
    ("POST", "/v1/webhooks/stripe"),
    ("GET", "/"),
    ("GET", "/success"),
    ("GET", "/cancelled"),
    ("GET", "/assets/{name}"),
}
WITH_A_TOKEN = sorted(set(routes()) - OPEN_TO_ALL)
BODIES: dict[str, Any] = {
    "/v1/gifts": {"creator_id": "cleo", "item_id": "rose"},
    "/v1/checkout-sessions": {"bundle_id": "coins_70"},
    "/v1/memberships": {"plan_id": "coin_club"},
    "/v1/operator/freezes": {"user_id": "ann", "frozen": True, "reason": "asked to"},
    "/v1/operator/grants": {"user_id": "ann", "coins": 1, "reason": "a present"},
    "/v1/operator/reversals": {"user_id": "ann", "gift_id": ID, "reason": "a slip"},
    "/v1/operator/settlements": {"review_id": "2026-11.pi_1", "decision": "credit", "reason": "paid"},
}

INVALID = {
    "no token": ABSENT,
    "an empty header": "",
    "a token that nobody issued": "Bearer forged",
    "a scheme and no token": "Bearer",
    "a scheme and spaces": "Bearer   ",
    "a token and no scheme": "token-of-ann",
    "another scheme": "Basic token-of-ann",
    "another scheme with a space before": " Bearer token-of-ann",
    "two tokens": "Bearer forged, Bearer token-of-ann",
    "a token that is not ASCII": "Bearer tökens",
    "a token with half a character": "Bearer token-of-\ud800",
    "a list": ["Bearer token-of-ann"],
    "null": None,
    "a number": 7,
}


def ask(api: Api, method: str, path: str, **parts: Any) -> Reply:
    """Build a request that is complete except for its authorization."""
    url = path.format(id=ID, name="coin.svg") + QUERIES.get(path, "")
    return api.call(method, url, body=BODIES.get(path), key=ID, **parts)


def test_routes_with_a_token_are_all_others() -> None:
    assert WITH_A_TOKEN == [
        ("GET", "/v1/budgets"),
        ("GET", "/v1/checkout-sessions/{id}"),
        ("GET", "/v1/creator/earnings"),
        ("GET", "/v1/gifts/{id}"),
        ("GET", "/v1/membership"),
        ("GET", "/v1/operator/reviews"),
        ("GET", "/v1/wallet"),
        ("GET", "/v1/wallet/entries"),
        ("POST", "/v1/checkout-sessions"),
        ("POST", "/v1/gifts"),
        ("POST", "/v1/membership/portal-sessions"),
        ("POST", "/v1/memberships"),
        ("POST", "/v1/operator/freezes"),
        ("POST", "/v1/operator/grants"),
        ("POST", "/v1/operator/reversals"),
        ("POST", "/v1/operator/settlements"),
        ("POST", "/v1/self-exclusions"),
        ("PUT", "/v1/budgets"),
    ]


@pytest.mark.untraced
@pytest.mark.parametrize(("method", "path"), WITH_A_TOKEN)
@pytest.mark.parametrize("header", INVALID.values(), ids=INVALID)
def test_route_without_a_valid_token_is_refused(api: Api, method: str, path: str, header: Any) -> None:
    api.fund()
    with api.nothing_written():
        reply = ask(api, method, path, fan=None, headers={"Authorization": header})
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("header", ["Bearer token-of-ann", "bearer token-of-ann", "BEARER   token-of-ann "])
def test_authorization_scheme_ignores_case(api: Api, header: str) -> None:
    assert api.get("/v1/wallet", fan=None, headers={"AUTHORIZATION": header}).status == 200


@pytest.mark.untraced
@pytest.mark.parametrize(("method", "path"), sorted(OPEN_TO_ALL))
@pytest.mark.parametrize("header", INVALID.values(), ids=INVALID)
def test_public_route_ignores_an_invalid_token(api: Api, method: str, path: str, header: Any) -> None:
    reply = ask(api, method, path, fan=None, headers={"Authorization": header})
    assert reply.status == (400 if method == "POST" else 200)  # the webhook requires a signature instead
    assert "www-authenticate" not in reply.headers


@pytest.mark.parametrize(("method", "path"), WITH_A_TOKEN)
def test_token_without_issuer_keys_gets_try_again(api: Api, method: str, path: str) -> None:
    with api.nothing_written():
        reply = ask(api, method, path, fan=None, headers={"Authorization": f"Bearer {KEYS_OUT_OF_REACH}"})
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "try_again", "1")


def test_token_with_unknown_key_gets_retry_after(api: Api) -> None:
    api.ports["tokens"] = Broken(Unauthenticated(retry_after_seconds=30))

    reply = api.get("/v1/wallet", fan="ann")
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (401, "unauthenticated", "30")


# --- resources of other users -----------------------------------------------------------------------------------------


def bens_purchase(api: Api) -> str:
    return str(api.buy(ID, fan="ben").json["id"])


def bens_gift(api: Api) -> str:
    api.fund("ben")
    return str(api.give(ID, fan="ben").json["id"])


@pytest.mark.parametrize("path", ["/v1/checkout-sessions/{id}", "/v1/gifts/{id}"])
@pytest.mark.parametrize("make", [bens_purchase, bens_gift])
def test_id_of_another_user_is_not_found(api: Api, path: str, make: Callable[[Api], str]) -> None:
    before = ask(api, "GET", path)
    assert (before.status, before.code) == (404, "not_found")
    assert make(api) == ID
    assert ask(api, "GET", path) == before


def test_id_of_another_kind_is_not_found(api: Api) -> None:
    before = ask(api, "GET", "/v1/gifts/{id}")
    api.buy(ID)
    assert ask(api, "GET", "/v1/gifts/{id}") == before


def test_key_of_another_fan_is_independent(api: Api) -> None:
    api.fund("ann")
    api.fund("ben")
    assert [api.give(ID, fan=fan).status for fan in ("ann", "ben", "ann")] == [201, 201, 200]
    assert api.ledger.coins == {"ann": 999, "ben": 999}


def test_key_of_a_purchase_is_refused_for_a_gift(api: Api) -> None:
    api.fund()
    api.buy(ID)
    with api.nothing_written():
        reply = api.give(ID)
    assert (reply.status, reply.code) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    "other", [{"quantity": 2}, {"item_id": "clap"}, {"creator_id": "dora"}, {"message": "!"}, {"anonymous": True}]
)
def test_key_of_another_gift_is_refused(api: Api, other: dict[str, Any]) -> None:
    api.fund()
    api.give(ID)
    with api.nothing_written():
        reply = api.give(ID, **other)
    assert (reply.status, reply.code) == (409, "idempotency_conflict")


@pytest.mark.parametrize("other", [{"bundle_id": "coins_350"}, {"currency": "eur"}, {"channel": "in_app"}])
def test_key_of_another_checkout_is_refused(api: Api, other: dict[str, Any]) -> None:
    api.buy(ID)
    with api.nothing_written():
        reply = api.buy(ID, **other)
    assert (reply.status, reply.code) == (409, "idempotency_conflict")


def test_wallet_and_statement_are_the_callers_own(api: Api) -> None:
    bens_gift(api)
    assert api.get("/v1/wallet").json == {"coins": 0, "owed": 0, "frozen": False, "freeze_reasons": []}
    assert api.get("/v1/wallet/entries").json == {"entries": [], "next_cursor": None}


def test_cursor_of_another_user_is_refused(api: Api) -> None:
    bens_gift(api)
    bens_gift(api)
    api.give(fan="ben")
    cursor = api.get("/v1/wallet/entries?limit=1", fan="ben").json["next_cursor"]
    assert cursor
    assert api.get(f"/v1/wallet/entries?cursor={cursor}").json == {"entries": [], "next_cursor": None}


@pytest.mark.parametrize("parameter", ["user_id", "sub", "fan", "wallet"])
def test_query_naming_another_user_is_refused(api: Api, parameter: str) -> None:
    """An operator who asks for a fan's wallet must not take their own for it."""
    api.fund("ben", 5)
    for scope in ("", "operator"):
        reply = api.get(f"/v1/wallet?{parameter}=ben", scope=scope)
        assert (reply.status, reply.code, reply.json["field"]) == (400, "unknown_query", parameter)


# --- scopes -----------------------------------------------------------------------------------------------------------


OPERATORS_ONLY = [(method, path) for method, path in WITH_A_TOKEN if path.startswith("/v1/operator/")]
NO_OPERATORS = ["", "creator", "operators", "operator-", "Operator", "read:operator"]


@pytest.mark.parametrize(("method", "path"), OPERATORS_ONLY)
@pytest.mark.parametrize("scope", NO_OPERATORS)
def test_operator_route_without_the_scope_is_refused(api: Api, method: str, path: str, scope: str) -> None:
    api.fund()
    api.give(ID)
    with api.nothing_written():
        reply = ask(api, method, path, scope=scope)
    assert (reply.status, reply.code) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path"), OPERATORS_ONLY)
@pytest.mark.parametrize("scope", ["operator", "creator operator"])
def test_operator_route_with_the_scope_is_allowed(api: Api, method: str, path: str, scope: str) -> None:
    api.fund()
    api.give(uuid7_at(START, 78))
    reply = ask(api, method, path, fan="olga", scope=scope)
    assert reply.status in {200, 201, 404}  # 404 for operators: no such resource
