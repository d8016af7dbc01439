"""Requests from pages of other origins: preflights, readable responses, and HEAD beside GET."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

import app
from tests.fakes import START, uuid7_at
from tests.http.api import ABSENT, KEYS_OUT_OF_REACH, QUERIES, Api, Reply, routes
from tests.http.broken import Broken

ID = uuid7_at(START, 7)
PAGE = "https://fans.example"
OTHER = "https://evil.example"
OWN_PAGES_ONLY = {"/", "/success", "/cancelled", "/v1/webhooks/stripe"}
PATHS = sorted(app.app.routes)
SHARED = [path for path in PATHS if path not in OWN_PAGES_ONLY]
EXPOSED = {"idempotent-replayed", "retry-after", "x-request-id", "etag"}


def address(path: str) -> str:
    return path.format(id=ID, name="coin.svg")


def restrict(api: Api, *origins: str) -> None:
    api.ports["settings"] = replace(api.ports["settings"], allowed_origins=origins)


def preflight(api: Api, path: str, origin: str = PAGE, method: str = "GET") -> Reply:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    return api.call("OPTIONS", address(path), fan=None, headers={"Origin": origin, **asked})


def cors_headers(reply: Reply) -> Mapping[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("access-control-")}


def words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")}


# --- preflights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHARED)
def test_preflight_on_a_shared_path_allows_its_methods_and_headers(api: Api, path: str) -> None:
    reply = preflight(api, path)
    assert (reply.status, reply.text, reply.headers.get("content-type")) == (204, "", None)
    assert reply.headers["access-control-allow-origin"] == "*"
    assert words(reply.headers["access-control-allow-methods"]) == {each.lower() for each in app.app.routes[path]}
    allowed = words(reply.headers["access-control-allow-headers"])
    assert allowed == {"authorization", "content-type", "idempotency-key", "if-none-match"}
    assert int(reply.headers["access-control-max-age"]) >= 600
    assert reply.headers["allow"] == reply.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", sorted(OWN_PAGES_ONLY))
def test_preflight_on_a_path_that_is_not_shared_allows_nothing(api: Api, path: str) -> None:
    reply = preflight(api, path)
    assert (reply.status, cors_headers(reply)) == (204, {})
    assert words(reply.headers["allow"]) == {each.lower() for each in app.app.routes[path]}


def test_preflight_needs_no_adapter_and_writes_no_log(api: Api) -> None:
    for port in set(api.ports) - {"settings"}:
        api.ports[port] = Broken(RuntimeError("a preflight needs nothing"))
    assert {preflight(api, path).status for path in PATHS} == {204}
    assert api.logs() == []


# --- responses --------------------------------------------------------------------------------------------------------


def test_every_status_is_readable_by_another_origin(api: Api) -> None:
    api.fund(coins=1)
    sent = {"Origin": PAGE}
    etag = api.get("/v1/bundles").headers["etag"]
    gift = {"creator_id": "cleo", "item_id": "rose"}
    replies = [
        api.get("/v1/bundles", headers=sent),
        api.get("/v1/bundles", headers={**sent, "If-None-Match": etag}),
        api.get("/v1/bundles?currency=€", headers=sent),
        api.get("/v1/wallet", fan=None, headers=sent),
        api.get("/v1/operator/reviews", headers=sent),
        api.get(f"/v1/gifts/{ID}", headers=sent),
        api.call("POST", "/v1/gifts", key=ID, body=gift, headers=sent),
        api.call("POST", "/v1/gifts", key=ID, body=gift, headers=sent),
        api.call("POST", "/v1/gifts", key=ID, body=gift | {"message": "hi"}, headers=sent),
        api.call("POST", "/v1/gifts", key=uuid7_at(START, 8), body=gift, headers=sent),
        api.call("POST", "/v1/gifts", key=uuid7_at(START, 9), body=gift | {"item_id": "moon"}, headers=sent),
        api.get("/v1/wallet", headers={**sent, "Authorization": f"Bearer {KEYS_OUT_OF_REACH}"}),
    ]
    api.ports["ledger"] = Broken(RuntimeError("the disk is full"))
    replies.append(api.get("/v1/wallet", headers=sent))
    assert [reply.status for reply in replies] == [200, 304, 400, 401, 403, 404, 201, 200, 409, 402, 422, 503, 500]
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] == "*", reply.status
        assert words(reply.headers["access-control-expose-headers"]) == EXPOSED, reply.status
        assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(("method", "path"), routes())
def test_route_is_shared_or_not_for_every_response(api: Api, method: str, path: str) -> None:
    reply = api.call(method, address(path), fan=None, headers={"Origin": PAGE})
    assert ("access-control-allow-origin" in reply.headers) is (path in SHARED)


def test_allowed_origins_echo_the_page_that_is_listed(api: Api) -> None:
    restrict(api, PAGE, "http://localhost:3000")
    for origin in (PAGE, "http://localhost:3000"):
        for reply in (api.get("/v1/bundles", headers={"Origin": origin}), preflight(api, "/v1/gifts", origin)):
            assert reply.headers["access-control-allow-origin"] == origin
            assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [OTHER, "null", "*", f"{PAGE}:8443", f"{PAGE}/", PAGE.upper(), "", ABSENT])
def test_allowed_origins_give_any_other_page_no_header(api: Api, origin: str) -> None:
    restrict(api, PAGE)
    reply = api.get("/v1/bundles", headers={"Origin": origin})
    assert (reply.status, cors_headers(reply), reply.headers["vary"]) == (200, {}, "Origin")
    asked = api.call("OPTIONS", "/v1/gifts", fan=None, headers={"Origin": origin})
    assert (asked.status, cors_headers(asked), asked.headers["vary"]) == (204, {}, "Origin")


def test_vary_keeps_what_a_route_varies_by(api: Api) -> None:
    restrict(api, PAGE)
    reply = api.get("/v1/worth?coins=5", headers={"Origin": PAGE})
    assert words(reply.headers["vary"]) == {"authorization", "origin"}


def test_assets_are_for_any_page(api: Api) -> None:
    restrict(api, PAGE)
    for name, status in (("coinpurse.js", 200), ("coin.svg", 200), ("no.js", 404)):
        reply = api.get(f"/assets/{name}", headers={"Origin": OTHER})
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (status, "*")
        assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "vary" not in reply.headers


# --- HEAD -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for method, path in routes() if method == "GET"])
@pytest.mark.parametrize("fan", ["ann", None])
def test_head_answers_as_get_does(api: Api, path: str, fan: str | None) -> None:
    url = address(path) + QUERIES.get(path, "")
    got, headed = (api.call(method, url, fan=fan, scope="operator creator") for method in ("GET", "HEAD"))
    assert headed.status == got.status
    assert headed.headers == got.headers


def test_head_answers_304_too(api: Api) -> None:
    etag = api.get("/v1/bundles").headers["etag"]
    reply = api.call("HEAD", "/v1/bundles", headers={"If-None-Match": etag})
    assert (reply.status, reply.headers["etag"], reply.headers.get("content-type")) == (304, etag, None)
