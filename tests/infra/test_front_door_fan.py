"""A signed-in fan at the front door: the cookie serves nobody else, and a plain form buys."""

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
def door(api: FakeApi, issuer_url: str) -> Iterator[str]:
    with front_door_of(api.url, issuer_url) as url:
        yield url


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(door: str) -> None:
    answer = post_form(door, "/sign-in", {"name": " ann "})

    assert (answer.status, answer.header("Location")) == (303, "/")
    first, *flags = str(answer.header("Set-Cookie")).split("; ")
    assert first.startswith("fan=ey")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"} <= set(flags)


def test_signing_in_without_a_name_is_a_page(door: str) -> None:
    answer = post_form(door, "/sign-in", {"name": " "})
    assert (answer.status, answer.header("Content-Type"), answer.header("Set-Cookie")) == (
        400, "text/html; charset=utf-8", None,
    )  # fmt: skip


def test_signing_in_without_an_issuer_names_the_cookie_for_a_token(api: FakeApi) -> None:
    app = create_app(Upstream(api.url), None)
    answer = app.test_client().post("/sign-in", data={"name": "ann"})
    assert answer.status_code == 501
    assert "the cookie `fan`" in answer.text


def test_signing_out_forgets_the_fan(door: str) -> None:
    answer = post_form(door, "/sign-out", {}, Cookie=sign_in(door))
    assert (answer.status, answer.header("Location")) == (303, "/")
    assert str(answer.header("Set-Cookie")).startswith("fan=; Expires=Thu, 01 Jan 1970")


def test_the_cookie_becomes_a_bearer_token_and_goes_no_further(api: FakeApi, door: str) -> None:
    cookie = sign_in(door)
    send(door, "GET", "/v1/wallet", Cookie=f"theme=dark; {cookie}")
    assert api.seen[0].header("Authorization") == "Bearer " + cookie.removeprefix("fan=")
    assert api.seen[0].header("Cookie") is None


def test_a_caller_with_a_token_keeps_it(api: FakeApi, door: str) -> None:
    send(door, "GET", "/v1/wallet", Cookie=sign_in(door), Authorization="Bearer other")
    assert [value for name, value in api.seen[0].headers if name == "Authorization"] == ["Bearer other"]


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": "http://{host}"}, True),
        ({}, True),  # no browser leaves both out
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site", "Origin": "http://{host}"}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://{host}.evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_another_site_cannot_use_the_cookie(api: FakeApi, door: str, headers: dict[str, str], is_ours: bool) -> None:
    host, cookie = urlsplit(door).netloc, sign_in(door)
    told = {name: value.format(host=host) for name, value in headers.items()}
    api.answers_json(201, {})
    api.answers_json(201, {"url": "http://pay.example/1"})

    send(door, "POST", "/v1/gifts", b"{}", Cookie=cookie, **told)
    bought = post_form(door, "/buy", ORDER, Cookie=cookie, **told)
    signed_out = post_form(door, "/sign-out", {}, Cookie=cookie, **told)
    signed_in = post_form(door, "/sign-in", {"name": "eve"}, **told)

    assert (api.seen[0].header("Authorization") is not None) == is_ours
    assert [bought.status, signed_out.status, signed_in.status] == ([303] * 3 if is_ours else [403] * 3)
    assert len(api.seen) == (2 if is_ours else 1)


# ---- buying ----------------------------------------------------------------------------------------------------------


def test_buying_opens_a_checkout_and_leads_to_the_payment_page(api: FakeApi, door: str) -> None:
    api.answers_json(201, {"id": KEY, "url": "https://pay.example/c/1?x=1#frag", "status": "pending"})
    cookie = sign_in(door)

    answer = post_form(door, "/buy", ORDER | {"amount_minor": "1"}, Cookie=cookie)

    assert (answer.status, answer.header("Location")) == (303, "https://pay.example/c/1?x=1#frag")
    [seen] = api.seen
    assert (seen.method, seen.target) == ("POST", "/restapis/abc/local/_user_request_/v1/checkout-sessions")
    assert json.loads(seen.body) == {"bundle_id": "coins_70", "currency": "usd", "channel": "web"}
    assert seen.header("Authorization") == "Bearer " + cookie.removeprefix("fan=")
    assert (seen.header("Idempotency-Key"), seen.header("Content-Type")) == (KEY, "application/json")


def test_what_was_bought_already_leads_to_the_success_page(api: FakeApi, door: str) -> None:
    api.answers_json(200, {"id": KEY, "url": None, "status": "posted"})
    answer = post_form(door, "/buy", ORDER, Cookie=sign_in(door))
    assert (answer.status, answer.header("Location")) == (303, f"/success?purchase={KEY}")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "/relative", "http://", 7, "data:text/html,x"]
)
def test_leads_nowhere_but_to_a_web_address(api: FakeApi, door: str, url: object) -> None:
    api.answers_json(201, {"id": KEY, "url": url})
    answer = post_form(door, "/buy", ORDER, Cookie=sign_in(door))
    assert (answer.status, answer.header("Location")) == (502, None)


@pytest.mark.parametrize(("coins", "sent"), [("44999", 44_999), ("1e3", "1e3"), ("-1", "-1")])
def test_buying_an_amount_sends_a_number_and_leaves_other_text_to_the_api(
    api: FakeApi, door: str, coins: str, sent: object
) -> None:
    post_form(door, "/buy", {"coins": coins, "currency": "usd", "key": KEY}, Cookie=sign_in(door))
    assert json.loads(api.seen[0].body) == {"coins": sent, "currency": "usd"}


def test_buying_signed_out_asks_to_sign_in(api: FakeApi, door: str) -> None:
    answer = post_form(door, "/buy", ORDER)
    assert answer.status == 401
    assert 'action="/sign-in"' in answer.text
    assert api.seen == []


def test_a_token_that_ran_out_asks_to_sign_in(api: FakeApi, door: str) -> None:
    api.answers_json(401, {"code": "unauthenticated"})
    answer = post_form(door, "/buy", ORDER, Cookie=sign_in(door))
    assert (answer.status, 'action="/sign-in"' in answer.text) == (401, True)


def test_a_refusal_is_a_readable_page(api: FakeApi, door: str) -> None:
    api.answers_json(422, {"title": "No such <b>bundle</b>", "detail": "Not on sale & never was."})
    answer = post_form(door, "/buy", ORDER, Cookie=sign_in(door))
    assert (answer.status, answer.header("Content-Type")) == (422, "text/html; charset=utf-8")
    assert "No such &lt;b&gt;bundle&lt;/b&gt;" in answer.text
    assert "Not on sale &amp; never was." in answer.text
    assert "Try again" not in answer.text


def test_an_open_outcome_offers_the_same_order_again(api: FakeApi, door: str) -> None:
    api.answers.append((503, [], b"not json"))
    answer = post_form(door, "/buy", ORDER | {"bundle_id": '"><script>'}, Cookie=sign_in(door))
    assert answer.status == 503
    assert f'name="key" value="{KEY}"' in answer.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in answer.text


def test_a_key_cannot_smuggle_a_header(api: FakeApi, door: str) -> None:
    answer = post_form(door, "/buy", ORDER | {"key": "a\r\nX-Evil: 1"}, Cookie=sign_in(door))
    assert answer.status == 400
    assert api.seen == []


@pytest.mark.parametrize("code", ["key_too_old", "idempotency_conflict", "unknown_bundle", "missing_idempotency_key"])
def test_buy_from_a_stale_form_says_what_to_do(api: FakeApi, door: str, code: str) -> None:
    api.answers_json(422, {"title": "The Idempotency-Key is too old", "detail": "Make a new UUIDv7.", "code": code})
    answer = post_form(door, "/buy", ORDER, Cookie=sign_in(door))
    assert answer.status == 422
    assert "You were not charged. Choose your coins again in the shop." in answer.text
    assert "UUID" not in answer.text
    assert "<form" not in answer.text


def test_forms_that_are_too_large_are_refused(door: str) -> None:
    assert post_form(door, "/sign-in", {"name": "x" * MAX_BODY_BYTES}).status == 413
