"""Sessions and purchases at the front door: the cookie works on its own origin only, and plain forms buy."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from infra.local import loopback, token_issuer
from infra.local.front_door.site import create_app
from infra.local.front_door.upstream import MAX_BODY_BYTES, Upstream
from tests.infra.front_door_rig import KEY, ORDER, FakeApi, front_door_of, post_form, running_api, send, sign_in


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as fake:
        yield fake


@pytest.fixture(scope="module")
def issuer_url() -> Iterator[str]:
    with loopback.running(token_issuer.create_app) as url:
        yield url


@pytest.fixture
def front_door(api: FakeApi, issuer_url: str) -> Iterator[str]:
    with front_door_of(api.url, issuer_url) as url:
        yield url


def test_sign_in_sets_http_only_same_site_cookie(front_door: str) -> None:
    response = post_form(front_door, "/sign-in", {"name": " ann "})

    assert (response.status, response.header("Location")) == (303, "/")
    first, *flags = str(response.header("Set-Cookie")).split("; ")
    assert first.startswith("fan=ey")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"} <= set(flags)


def test_sign_in_without_name_is_an_html_400(front_door: str) -> None:
    response = post_form(front_door, "/sign-in", {"name": " "})
    assert (response.status, response.header("Content-Type"), response.header("Set-Cookie")) == (
        400, "text/html; charset=utf-8", None,
    )  # fmt: skip


def test_sign_in_without_issuer_explains_the_cookie(api: FakeApi) -> None:
    app = create_app(Upstream(api.url), None)
    response = app.test_client().post("/sign-in", data={"name": "ann"})
    assert response.status_code == 501
    assert "the cookie `fan`" in response.text


def test_sign_out_expires_the_cookie(front_door: str) -> None:
    response = post_form(front_door, "/sign-out", {}, Cookie=sign_in(front_door))
    assert (response.status, response.header("Location")) == (303, "/")
    assert str(response.header("Set-Cookie")).startswith("fan=; Expires=Thu, 01 Jan 1970")


def test_cookie_is_replaced_by_bearer_token(api: FakeApi, front_door: str) -> None:
    cookie = sign_in(front_door)
    send(front_door, "GET", "/v1/wallet", Cookie=f"theme=dark; {cookie}")
    assert api.requests[0].header("Authorization") == "Bearer " + cookie.removeprefix("fan=")
    assert api.requests[0].header("Cookie") is None


def test_authorization_header_takes_precedence_over_cookie(api: FakeApi, front_door: str) -> None:
    send(front_door, "GET", "/v1/wallet", Cookie=sign_in(front_door), Authorization="Bearer other")
    assert [value for name, value in api.requests[0].headers if name == "Authorization"] == ["Bearer other"]


@pytest.mark.parametrize(
    ("headers", "is_allowed"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": "http://{host}"}, True),
        ({}, True),  # a browser sends at least one of the two
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site", "Origin": "http://{host}"}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://{host}.evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_cookie_is_rejected_from_another_site(
    api: FakeApi, front_door: str, headers: dict[str, str], is_allowed: bool
) -> None:
    host, cookie = urlsplit(front_door).netloc, sign_in(front_door)
    sent = {name: value.format(host=host) for name, value in headers.items()}
    api.respond_json(201, {})
    api.respond_json(201, {"url": "http://pay.example/1"})

    send(front_door, "POST", "/v1/gifts", b"{}", Cookie=cookie, **sent)
    bought = post_form(front_door, "/buy", ORDER, Cookie=cookie, **sent)
    signed_out = post_form(front_door, "/sign-out", {}, Cookie=cookie, **sent)
    signed_in = post_form(front_door, "/sign-in", {"name": "eve"}, **sent)

    assert (api.requests[0].header("Authorization") is not None) == is_allowed
    assert [bought.status, signed_out.status, signed_in.status] == ([303] * 3 if is_allowed else [403] * 3)
    assert len(api.requests) == (2 if is_allowed else 1)


# ---- purchases -------------------------------------------------------------------------------------------------------


def test_buy_redirects_to_the_payment_page(api: FakeApi, front_door: str) -> None:
    api.respond_json(201, {"id": KEY, "url": "https://pay.example/c/1?x=1#frag", "status": "pending"})
    cookie = sign_in(front_door)

    response = post_form(front_door, "/buy", ORDER | {"amount_minor": "1"}, Cookie=cookie)

    assert (response.status, response.header("Location")) == (303, "https://pay.example/c/1?x=1#frag")
    [request] = api.requests
    assert (request.method, request.target) == ("POST", "/restapis/abc/local/_user_request_/v1/checkout-sessions")
    assert json.loads(request.body) == {"bundle_id": "coins_70", "currency": "usd", "channel": "web"}
    assert request.header("Authorization") == "Bearer " + cookie.removeprefix("fan=")
    assert (request.header("Idempotency-Key"), request.header("Content-Type")) == (KEY, "application/json")


def test_buy_again_redirects_to_the_success_page(api: FakeApi, front_door: str) -> None:
    api.respond_json(200, {"id": KEY, "url": None, "status": "posted"})
    response = post_form(front_door, "/buy", ORDER, Cookie=sign_in(front_door))
    assert (response.status, response.header("Location")) == (303, f"/success?purchase={KEY}")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "/relative", "http://", 7, "data:text/html,x"]
)
def test_buy_redirects_to_http_urls_only(api: FakeApi, front_door: str, url: object) -> None:
    api.respond_json(201, {"id": KEY, "url": url})
    response = post_form(front_door, "/buy", ORDER, Cookie=sign_in(front_door))
    assert (response.status, response.header("Location")) == (502, None)


@pytest.mark.parametrize(("coins", "expected"), [("44999", 44_999), ("1e3", "1e3"), ("-1", "-1")])
def test_buy_amount_sends_number_or_the_text_as_it_is(
    api: FakeApi, front_door: str, coins: str, expected: object
) -> None:
    post_form(front_door, "/buy", {"coins": coins, "currency": "usd", "key": KEY}, Cookie=sign_in(front_door))
    assert json.loads(api.requests[0].body) == {"coins": expected, "currency": "usd"}


def test_buy_signed_out_shows_sign_in(api: FakeApi, front_door: str) -> None:
    response = post_form(front_door, "/buy", ORDER)
    assert response.status == 401
    assert 'action="/sign-in"' in response.text
    assert api.requests == []


def test_buy_with_expired_token_shows_sign_in(api: FakeApi, front_door: str) -> None:
    api.respond_json(401, {"code": "unauthenticated"})
    response = post_form(front_door, "/buy", ORDER, Cookie=sign_in(front_door))
    assert (response.status, 'action="/sign-in"' in response.text) == (401, True)


def test_buy_rejected_shows_escaped_problem(api: FakeApi, front_door: str) -> None:
    api.respond_json(422, {"title": "No such <b>bundle</b>", "detail": "Not on sale & never was."})
    response = post_form(front_door, "/buy", ORDER, Cookie=sign_in(front_door))
    assert (response.status, response.header("Content-Type")) == (422, "text/html; charset=utf-8")
    assert "No such &lt;b&gt;bundle&lt;/b&gt;" in response.text
    assert "Not on sale &amp; never was." in response.text
    assert "Try again" not in response.text


def test_buy_unknown_outcome_offers_same_order_again(api: FakeApi, front_door: str) -> None:
    api.responses.append((503, [], b"not json"))
    response = post_form(front_door, "/buy", ORDER | {"bundle_id": '"><script>'}, Cookie=sign_in(front_door))
    assert response.status == 503
    assert f'name="key" value="{KEY}"' in response.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in response.text


def test_buy_rejects_line_break_in_key(api: FakeApi, front_door: str) -> None:
    response = post_form(front_door, "/buy", ORDER | {"key": "a\r\nX-Evil: 1"}, Cookie=sign_in(front_door))
    assert response.status == 400
    assert api.requests == []


@pytest.mark.parametrize("code", ["key_too_old", "idempotency_conflict", "unknown_bundle", "missing_idempotency_key"])
def test_buy_from_a_stale_form_says_what_to_do(api: FakeApi, front_door: str, code: str) -> None:
    api.respond_json(422, {"title": "The Idempotency-Key is too old", "detail": "Make a new UUIDv7.", "code": code})
    response = post_form(front_door, "/buy", ORDER, Cookie=sign_in(front_door))
    assert response.status == 422
    assert "You were not charged. Choose your coins again in the shop." in response.text
    assert "UUID" not in response.text
    assert "<form" not in response.text


def test_form_over_one_megabyte_is_rejected(front_door: str) -> None:
    assert post_form(front_door, "/sign-in", {"name": "x" * MAX_BODY_BYTES}).status == 413
