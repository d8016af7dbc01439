"""The hosted billing portal: HTML without JavaScript."""

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from .billing import end_with_period, resume
from .currency import format_price
from .pay_page import CSP
from .portal import PortalSession
from .store import Store
from .subscription import Subscription


def portal_blueprint(store: Store) -> Blueprint:
    """Serve GET and POST /portal/<portal session id>."""
    blueprint = Blueprint("portal", __name__, template_folder="pages")

    @blueprint.get("/portal/<session_id>")
    def show(session_id: str) -> AnyResponse:
        with store.lock:
            return _page(store, store.portal_sessions.get(session_id))

    @blueprint.post("/portal/<session_id>")
    def submit(session_id: str) -> AnyResponse:
        with store.lock:
            session = store.portal_sessions.get(session_id)
            return _page(store, None) if session is None else _act(store, session)

    return blueprint


def _act(store: Store, session: PortalSession) -> AnyResponse:
    wanted, choice = request.form.get("subscription"), request.form.get("choice", "")
    chosen = [each for each in _live(store, session) if wanted in (None, each.id)]
    if choice not in ("cancel", "keep") or not chosen:
        return _page(store, session, 400, "Choose what to do, and with which subscription.")
    for subscription in chosen:
        before = subscription.to_json()
        if choice == "cancel":
            end_with_period(store, subscription, by_flag=False)
        else:
            resume(subscription)
        store.emit_change("customer.subscription.updated", subscription, before)
    return redirect(session.return_url or session.url, 303)


def _live(store: Store, session: PortalSession) -> list[Subscription]:
    owned = (each for each in store.subscriptions.values() if each.customer == session.customer)
    return [subscription for subscription in owned if subscription.status != "canceled"]


def _page(store: Store, session: PortalSession | None, status: int = 200, alert: str = "") -> Response:
    html = render_template(
        "portal.html",
        session=session,
        subscriptions=[] if session is None else _live(store, session),
        alert=alert,
        format_price=format_price,
    )
    response = make_response(html, 404 if session is None else status)
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Cache-Control"] = "no-store"
    return response
