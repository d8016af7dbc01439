"""Purchases with plain HTML forms and an HttpOnly session cookie, and requests of other origins."""

import re
from html import unescape

import pytest
from uuid_utils import uuid7

from infra.local.client import Fan, call, post_form, wait_until
from infra.local.facts import StackFacts
from infra.local.stripe_side import StripeSide

pytestmark = pytest.mark.cloud

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def test_shop_sells_coins_without_javascript(stack: StackFacts, stripe: StripeSide) -> None:
    name = f"plain-{uuid7()}"
    signed_in = post_form(f"{stack.shop_url}/sign-in", {"name": name})
    assert signed_in.status == 303
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}

    shop = call("GET", f"{stack.shop_url}/", cookie).body.decode()
    first_form = shop[shop.index('action="buy"') :].partition("</form>")[0]
    order = {field: unescape(value) for field, value in HIDDEN.findall(first_form)}
    to_payment = post_form(f"{stack.shop_url}/buy", order, cookie)
    assert to_payment.status == 303
    returned = stripe.pay_at(to_payment.headers["Location"])

    assert returned.status == 303
    assert returned.headers["Location"].startswith(f"{stack.shop_url}/success?")
    assert call("GET", returned.headers["Location"], cookie).status == 200
    wait_until("the coins are there", lambda: Fan(stack, name).wallet().coins > 0)


def test_session_cookie_is_http_only_and_same_site(stack: StackFacts) -> None:
    cookie = post_form(f"{stack.shop_url}/sign-in", {"name": "careful"}).headers["Set-Cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=" in cookie


def test_api_answers_preflight_and_readable_errors_to_other_origins(stack: StackFacts) -> None:
    page = {"Origin": "http://fans.example"}
    preflight_request = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }
    preflight = call("OPTIONS", f"{stack.api_url}/v1/gifts", page | preflight_request)
    assert preflight.status == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]

    etag = call("GET", f"{stack.api_url}/v1/bundles").headers["ETag"]
    for method, path, sent, status in [
        ("HEAD", "/v1/bundles", {}, 200),
        ("GET", "/v1/bundles", {"If-None-Match": etag}, 304),
        ("GET", "/v1/wallet", {}, 401),
        ("GET", "/assets/coinpurse.js", {}, 200),
        ("GET", "/v1/unknown", {}, 404),
        ("DELETE", "/v1/wallet", {}, 404),
    ]:
        reply = call(method, stack.api_url + path, page | sent)
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, "*"), (method, path)
        assert reply.headers["X-Request-Id"], (method, path)
        assert status < 400 or reply.headers["Content-Type"] == "application/problem+json"
