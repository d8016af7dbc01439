"""The hosted payment page: HTML without JavaScript."""

from typing import cast, get_args

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from .currency import format_price
from .errors import ApiError
from .objects import Method
from .payments import decline, pay
from .session import Session
from .store import Store

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
"""Allows the sandbox's own style sheet only."""


def pages_blueprint(store: Store) -> Blueprint:
    """Serve GET and POST /pay/<session id>."""
    blueprint = Blueprint("pages", __name__, template_folder="pages", static_folder="pages", static_url_path="/pages")

    @blueprint.get("/pay/<session_id>")
    def show(session_id: str) -> AnyResponse:
        with store.lock:
            return _page(store.sessions.get(session_id))

    @blueprint.post("/pay/<session_id>")
    def submit(session_id: str) -> AnyResponse:
        # Read and write under one lock: the second of two clicks finds the session complete.
        with store.lock:
            session = store.sessions.get(session_id)
            if session is None or session.status != "open":
                return _page(session)
            return _act(store, session, request.form.get("outcome", ""))

    return blueprint


def _act(store: Store, session: Session, outcome: str) -> AnyResponse:
    if outcome == "cancel":
        return redirect(session.cancel_url or session.url, 303)
    if outcome == "declined":
        decline(store, session)
        return _page(session, 402, "Your card was declined. Try another way to pay.")
    if outcome not in get_args(Method):
        return _page(session, 400, "Choose how to pay.")
    try:
        pay(store, session, cast("Method", outcome))
    except ApiError as error:
        return _page(session, error.status, error.message)
    return redirect(session.success_url.replace("{CHECKOUT_SESSION_ID}", session.id), 303)


def _page(session: Session | None, status: int = 200, alert: str = "") -> Response:
    if session is None:
        status = 404
    html = render_template("pay.html", session=session, alert=alert, format_price=format_price)
    response = make_response(html, status)
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Cache-Control"] = "no-store"
    return response
