"""Return addresses of checkouts and memberships."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.http.api import Api, Reply

STREAM = "https://live.example/streams/7?tab=chat#top"
POSTS = {"/v1/checkout-sessions": {"bundle_id": "coins_70"}, "/v1/memberships": {"plan_id": "coin_club"}}


@pytest.fixture(params=POSTS)
def path(request: pytest.FixtureRequest, api: Api) -> str:
    allowed = ("https://live.example", "http://localhost:3000")
    api.ports["settings"] = replace(api.ports["settings"], allowed_return_origins=allowed)
    return str(request.param)


def order(api: Api, path: str, key: str | None = None, **fields: Any) -> Reply:
    return api.call("POST", path, key=key or api.clock.new_id(), body=POSTS[path] | fields)


def opened(api: Api, path: str) -> list[str | None]:
    return (api.billing if "memberships" in path else api.gateway).return_urls


@pytest.mark.parametrize("return_url", [STREAM, "http://localhost:3000/", "HTTPS://LIVE.example"])
def test_order_with_return_url_in_an_allowed_origin_sends_it_to_the_provider(
    api: Api, path: str, return_url: str
) -> None:
    key = api.clock.new_id()
    first, again = (order(api, path, key, return_url=return_url) for _ in range(2))
    assert (first.status, again.status, again.json["url"]) == (201, 200, first.json["url"])
    assert opened(api, path) == [return_url, return_url]


@pytest.mark.parametrize(
    "return_url",
    [
        "https://evil.example/",
        "https://shop.example/success",  # the operator's list takes the place of the default
        "https://live.example@evil.example/",
        "https://live.example.evil.example/",
        "http://live.example/",
        "/streams/7",
        "javascript:alert(1)",
        "https://live.example/" + "x" * 2_028,
        7,
        None,
    ],
)
def test_order_with_any_other_return_url_is_refused(api: Api, path: str, return_url: Any) -> None:
    with api.nothing_written():
        reply = order(api, path, return_url=return_url)
    assert (reply.status, reply.code, reply.json["field"]) == (400, "invalid_field", "return_url")
    assert reply.json["rule"]


def test_order_returns_to_the_shops_own_origin_by_default(api: Api) -> None:
    for path in POSTS:
        assert order(api, path, return_url="https://shop.example/streams/7").status == 201
        assert order(api, path, return_url="https://live.example/").status == 400


def test_order_with_another_return_url_is_another_request(api: Api, path: str) -> None:
    for first in ({"return_url": STREAM}, {}):
        key = api.clock.new_id()
        order(api, path, key, **first)
        with api.nothing_written():
            others = [order(api, path, key, return_url=STREAM + "1")]
            others += [order(api, path, key, **({} if first else {"return_url": STREAM}))]
        assert {(other.status, other.code) for other in others} == {(409, "idempotency_conflict")}


def test_order_keeps_16_bytes_of_a_hash_for_good_and_logs_no_address(api: Api, path: str) -> None:
    key = api.clock.new_id()
    order(api, path, key, return_url=STREAM)
    stored = api.members.known["ann", key] if "memberships" in path else api.purchase(key)
    assert len(bytes.fromhex(stored.request_hash or "")) == 16
    assert "live.example" not in f"{api.ledger.entries} {api.members.known} {api.logged.getvalue()}"
