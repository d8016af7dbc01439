"""The routes of the front door: sign in, sign out, buy; all other requests are forwarded to the API unchanged."""

import json
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.exceptions import RequestEntityTooLarge

from infra.local.api_gateway import RENAMED_HEADERS
from infra.local.front_door import html
from infra.local.front_door.docs import add_docs
from infra.local.front_door.origin import may_use_cookie
from infra.local.front_door.upstream import (
    MAX_BODY_BYTES,
    TimedOutError,
    UnreachableError,
    UnsendableError,
    Upstream,
    UpstreamError,
    UpstreamResponse,
)

COOKIE = "fan"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ORDER_FIELDS = ("bundle_id", "quantity", "coins", "currency", "channel", "return_url", "key")
WHOLE_NUMBERS = ("quantity", "coins")

# Hop-by-hop headers belong to one connection (RFC 9110, 7.6.1). Upstream sets Host and Content-Length. The cookie is
# the front door's own: the API accepts bearer tokens only.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade"}
)  # fmt: skip
_NOT_FORWARDED = _HOP_BY_HOP | {"expect", "host", "content-length", "cookie"}

_STALE = frozenset({"key_too_old", "idempotency_conflict", "unknown_bundle", "missing_idempotency_key"})
"""Problem codes of an order from a form that is outdated or was modified."""

_PROBLEMS: dict[type[Exception], tuple[int, str, str]] = {
    UnsendableError: (400, "bad_request", "The request cannot be forwarded"),
    RequestEntityTooLarge: (413, "payload_too_large", "The body is too large"),
    UnreachableError: (502, "try_again", "The shop cannot be reached"),
    TimedOutError: (504, "try_again", "The shop did not respond in time"),
}


class ForwardedResponse(Response):
    """A response without a default media type."""

    default_mimetype = None


def create_app(api: Upstream, issuer: Upstream | None) -> Flask:
    """Build the front door of `api`. It gets the fans' tokens from `issuer`; without one it signs no fan in."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    _add_own_routes(app, api, issuer)
    add_docs(app)

    @app.route("/", methods=METHODS, provide_automatic_options=False)
    @app.route("/<path:_path>", methods=METHODS, provide_automatic_options=False)
    def forward(_path: str = "") -> Response:
        try:
            body = request.get_data(cache=False, parse_form_data=False)
            return _forwarded(api.exchange(request.method, _raw_target(), _headers_for_api(), body))
        except (UpstreamError, RequestEntityTooLarge) as error:
            return _problem(error)

    return app


def _add_own_routes(app: Flask, api: Upstream, issuer: Upstream | None) -> None:
    @app.post("/sign-in")
    def sign_in() -> Response:
        return _guarded(lambda: _sign_in(issuer))

    @app.post("/sign-out")
    def sign_out() -> Response:
        return _guarded(_sign_out)

    @app.post("/buy")
    def buy() -> Response:
        return _guarded(lambda: _buy(api))


def _guarded(act: Callable[[], Response]) -> Response:
    """Run a form's action unless another site sent the form. Errors become pages, not JSON."""
    if not may_use_cookie(request.method, request.headers):
        return _page(403, "This form came from another site", "Nothing was changed. Start again from the shop.")
    try:
        return act()
    except (UpstreamError, RequestEntityTooLarge) as error:
        status, code, title = _PROBLEMS[type(error)]
        retry = html.retry_form(_order()) if code == "try_again" and request.path == "/buy" else ""
        return _page(status, title, "You were not charged. Trying again is safe.", retry)


def _sign_in(issuer: Upstream | None) -> Response:
    if issuer is None:
        text = (
            f"This shop takes the tokens of your own issuer: put one into the cookie `{COOKIE}`, or send it to the API."
        )
        return _page(501, "Sign in at your own issuer", text)
    name = request.form.get("name", "").strip()
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    reply = issuer.exchange("POST", "/token", headers, urlencode({"sub": name}).encode())
    if reply.status != 200:
        return _page(400, "This name cannot sign in", "Use another name.", html.SIGN_IN_FORM)
    token = json.loads(reply.body)
    response = _to("/")
    # Lax, not Strict: the browser must send the cookie when the payment provider redirects to the shop.
    response.set_cookie(
        COOKIE,
        token["access_token"],
        max_age=token["expires_in"],
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


def _sign_out() -> Response:
    response = _to("/")
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def _buy(api: Upstream) -> Response:
    token = request.cookies.get(COOKIE)
    if not token:
        return _page(401, "Sign in first", "Then choose your coins again.", html.SIGN_IN_FORM)
    order = _order()
    headers = [
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", order.pop("key", "")),
    ]
    numbers = {name: int(order[name]) for name in WHOLE_NUMBERS if order.get(name, "").isdecimal()}
    return _after_checkout(api.exchange("POST", "/v1/checkout-sessions", headers, json.dumps(order | numbers).encode()))


def _order() -> dict[str, str]:
    return {name: request.form[name] for name in ORDER_FIELDS if request.form.get(name)}


def _after_checkout(reply: UpstreamResponse) -> Response:
    """Redirect to the payment page, or to the success page if nothing is left to pay. Otherwise show the error."""
    session = _json_object(reply)
    if reply.status in {200, 201}:
        url = session.get("url")
        if url is None and session.get("id"):
            return _to("/success?" + urlencode({"purchase": str(session["id"])}))
        if _is_web_address(url):
            return _to(str(url))
        return _page(502, "The payment page cannot be reached", "You were not charged.", html.retry_form(_order()))
    if reply.status == 401:
        return _page(401, "Sign in again", "Then choose your coins again.", html.SIGN_IN_FORM)
    if session.get("code") in _STALE:
        return _page(reply.status, "This page is too old", "You were not charged. Choose your coins again in the shop.")
    retry = html.retry_form(_order()) if reply.status >= 500 else ""
    title = str(session.get("title") or "The purchase failed")
    return _page(reply.status, title, str(session.get("detail") or "You were not charged."), retry)


def _json_object(reply: UpstreamResponse) -> dict[str, object]:
    try:
        document = json.loads(reply.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_web_address(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _raw_target() -> str:
    """Return path and query as received. WSGI's PATH_INFO is decoded, which cannot be undone."""
    return str(request.environ["REQUEST_URI"])


def _headers_for_api() -> list[tuple[str, str]]:
    dropped = _NOT_FORWARDED | {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in dropped]
    token = request.cookies.get(COOKIE)
    if token and "Authorization" not in request.headers and may_use_cookie(request.method, request.headers):
        headers.append(("Authorization", f"Bearer {token}"))
    return headers


def _forwarded(reply: UpstreamResponse) -> Response:
    dropped = _HOP_BY_HOP | {
        listed.strip().lower()
        for name, value in reply.headers
        if name.lower() == "connection"
        for listed in value.split(",")
    }
    headers = [
        (RENAMED_HEADERS.get(name.lower(), name), value) for name, value in reply.headers if name.lower() not in dropped
    ]
    # A list, because Response computes Content-Length for bytes, which is wrong for the empty body of a HEAD.
    return ForwardedResponse([reply.body], reply.status, headers)


def _problem(error: Exception) -> Response:
    status, code, title = _PROBLEMS[type(error)]
    body = {"type": "about:blank", "title": title, "status": status, "detail": title + ".", "code": code}
    headers = {"Content-Type": "application/problem+json", "Access-Control-Allow-Origin": "*"}
    if code == "try_again":
        headers |= {"Retry-After": "1", "Access-Control-Expose-Headers": "Retry-After"}
    return Response(json.dumps(body), status, headers)


def _page(status: int, title: str, text: str, action: str = "") -> Response:
    return Response(html.page(title, text, action), status, html.HEADERS)


def _to(url: str) -> Response:
    response = redirect(url, 303, Response)
    assert isinstance(response, Response)
    response.headers["Cache-Control"] = "no-store"
    return response
