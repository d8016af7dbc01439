"""The control API under /_sandbox: simulates payers, banks, networks and the passing of time.

README.md lists its routes. Requests and responses are JSON; errors have Stripe's shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from flask import Blueprint, Response, jsonify, request

from . import billing, checkout, disputes, payments, refunds
from .api import Api
from .billing_control import BillingControl
from .errors import ApiError, JsonObject
from .events import Event
from .session import Session
from .store import get, new_id
from .webhooks import WebhookSender

T = TypeVar("T")
Action = Callable[[JsonObject, str], object]


@dataclass
class Control(BillingControl):
    """The actions of the control API. Each takes the JSON body and the id in the path ("" if there is none)."""

    api: Api
    sender: WebhookSender

    def __post_init__(self) -> None:
        self.store, self.knobs = self.api.store, self.api.knobs
        self._initial_knobs = self.knobs.to_json()
        self._initial_url, self._initial_secrets = self.sender.url, list(self.sender.secrets)

    def show_knobs(self, _body: JsonObject, _id: str) -> JsonObject:
        return self.knobs.to_json()

    def set_knobs(self, body: JsonObject, _id: str) -> JsonObject:
        """Set the knobs in the body. Returns all of them."""
        self.knobs.update(body)
        return self.knobs.to_json()

    def reset(self, _body: JsonObject, _id: str) -> JsonObject:
        """Restore the state after the start: objects, keys, knobs, clock and webhook."""
        self.sender.clear()
        self.store.clear()
        self.api.reset()
        self.knobs.update(self._initial_knobs)
        self.sender.url, self.sender.secrets = self._initial_url, list(self._initial_secrets)
        return {}

    def set_webhook(self, body: JsonObject, _id: str) -> JsonObject:
        """Change the webhook endpoint's URL or its signing secrets."""
        url, secrets = _take(body, "url", str), _take(body, "secrets", list)
        self.sender.url = self.sender.url if url is None else url
        self.sender.secrets = self.sender.secrets if secrets is None else [str(secret) for secret in secrets]
        return {"url": self.sender.url, "secrets": len(self.sender.secrets)}

    def move_clock(self, body: JsonObject, _id: str) -> JsonObject:
        """Advance the sandbox's clock or set its offset from the machine's. Runs everything that is now due."""
        offset = _take(body, "offset_seconds", int)
        self.store.clock_offset_seconds = self.store.clock_offset_seconds if offset is None else offset
        self.store.clock_offset_seconds += _take(body, "advance_seconds", int) or 0
        checkout.expire_due(self.store)
        billing.run_due(self.store, self.knobs)
        return {"now": self.store.now(), "offset_seconds": self.store.clock_offset_seconds}

    def settle(self, _body: JsonObject, session_id: str) -> JsonObject:
        """Settle a session's bank debit."""
        session = self._session(session_id)
        payments.settle(self.store, session)
        return session.to_json()

    def fail(self, _body: JsonObject, session_id: str) -> JsonObject:
        """Fail a session's bank debit."""
        session = self._session(session_id)
        payments.fail(self.store, session)
        return session.to_json()

    def expire(self, _body: JsonObject, session_id: str) -> JsonObject:
        """Expire an open session before its `expires_at`."""
        session = self._session(session_id)
        if session.status != "open":
            raise ApiError(f"Checkout Session {session.id} is {session.status}.")
        payments.expire_session(self.store, session)
        return session.to_json()

    def open_refund(self, body: JsonObject, _id: str) -> JsonObject:
        """Refund a charge, as from the dashboard."""
        charge = refunds.find_charge(self.store, _take(body, "charge", str), _take(body, "payment_intent", str))
        status = refunds.check_status(_take(body, "status", str) or self.knobs.refund_status)
        amount, reason = _take(body, "amount", int), _take(body, "reason", str)
        return refunds.open_refund(self.store, charge, amount, reason, {}, status).to_json()

    def set_refund_status(self, body: JsonObject, refund_id: str) -> JsonObject:
        refund = get(self.store.refunds, "refund", refund_id)
        status = refunds.check_status(_require(body, "status"))
        refunds.set_refund_status(self.store, refund, status, _take(body, "failure_reason", str))
        return refund.to_json()

    def open_dispute(self, body: JsonObject, _id: str) -> JsonObject:
        """Open a dispute, or an inquiry if `status` begins with `warning_`."""
        charge = refunds.find_charge(self.store, _take(body, "charge", str), _take(body, "payment_intent", str))
        claim = disputes.Claim(
            amount=_take(body, "amount", int),
            reason=_take(body, "reason", str) or "fraudulent",
            status=_take(body, "status", str) or "needs_response",
            case_type=_take(body, "case_type", str) or "chargeback",
            currency=_take(body, "currency", str),
            settled_in=_take(body, "settled_in", str),
            rate=_take(body, "rate", float),
            is_refund=_take(body, "is_refund", bool) or False,
        )
        return disputes.open_dispute(self.store, charge, claim).to_json()

    def set_dispute_status(self, body: JsonObject, dispute_id: str) -> JsonObject:
        dispute = get(self.store.disputes, "dispute", dispute_id)
        rate, reinstated = _take(body, "rate", float), _take(body, "reinstated", int)
        disputes.set_dispute_status(self.store, dispute, _require(body, "status"), rate=rate, reinstated=reinstated)
        return dispute.to_json()

    def warn_of_fraud(self, body: JsonObject, _id: str) -> JsonObject:
        """Send the issuer's early fraud warning about a charge."""
        charge = refunds.find_charge(self.store, _take(body, "charge", str), _take(body, "payment_intent", str))
        return disputes.warn_of_fraud(self.store, charge, _take(body, "fraud_type", str) or "unauthorized_use_of_card")

    def list_events(self, _body: JsonObject, _id: str) -> JsonObject:
        """Return all events, oldest first, with their deliveries."""
        return {"events": [_with_deliveries(event) for event in self.store.events.values()]}

    def show_event(self, _body: JsonObject, event_id: str) -> JsonObject:
        return _with_deliveries(get(self.store.events, "event", event_id))

    def emit_event(self, body: JsonObject, _id: str) -> JsonObject:
        """Send an event of any type about any object, as other Stripe products do."""
        event = Event(
            id=_take(body, "id", str) or new_id("evt_1"),
            type=_require(body, "type"),
            created=_take(body, "created", int) or self.store.now(),
            data_object=cast("JsonObject", _take(body, "object", dict) or {}),
            previous_attributes=cast("JsonObject | None", _take(body, "previous_attributes", dict)),
            api_version=_take(body, "api_version", str) or self.store.api_version,
            account=_take(body, "account", str),
            livemode=_take(body, "livemode", bool) or False,
        )
        self.store.add_event(event)
        return _with_deliveries(event)

    def redeliver(self, body: JsonObject, event_id: str) -> JsonObject:
        """Send an event again, under its own id or as a new event about the same object."""
        event = get(self.store.events, "event", event_id)
        if _take(body, "fresh_id", bool):
            event = self.store.emit(event.type, event.data_object, event.previous_attributes)
        else:
            self.sender.enqueue(event)
        return _with_deliveries(event)

    def list_requests(self, _body: JsonObject, _id: str) -> JsonObject:
        """Return the log of API requests, oldest first."""
        return {"requests": list(self.api.log)}

    def health(self, _body: JsonObject, _id: str) -> JsonObject:
        return {"ok": True}

    def _session(self, session_id: str) -> Session:
        return get(self.store.sessions, "checkout.session", session_id, "session")


def control_blueprint(control: Control) -> Blueprint:
    """Route /_sandbox/... to the control's actions, each under the store's lock."""
    blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")
    routes: tuple[tuple[str, str, Action], ...] = (
        ("GET", "/health", control.health),
        ("GET", "/knobs", control.show_knobs),
        ("PUT", "/knobs", control.set_knobs),
        ("POST", "/reset", control.reset),
        ("PUT", "/webhook", control.set_webhook),
        ("POST", "/clock", control.move_clock),
        ("POST", "/sessions/<object_id>/settle", control.settle),
        ("POST", "/sessions/<object_id>/fail", control.fail),
        ("POST", "/sessions/<object_id>/expire", control.expire),
        ("POST", "/refunds", control.open_refund),
        ("POST", "/refunds/<object_id>", control.set_refund_status),
        ("POST", "/disputes", control.open_dispute),
        ("POST", "/disputes/<object_id>", control.set_dispute_status),
        ("POST", "/early_fraud_warnings", control.warn_of_fraud),
        *control.billing_routes(),
        ("GET", "/events", control.list_events),
        ("POST", "/events", control.emit_event),
        ("GET", "/events/<object_id>", control.show_event),
        ("POST", "/events/<object_id>/redeliver", control.redeliver),
        ("GET", "/requests", control.list_requests),
    )
    for method, rule, action in routes:
        blueprint.add_url_rule(rule, f"{method} {rule}".replace(".", "_"), _view(control, action), methods=[method])

    @blueprint.post("/wait_idle")
    def wait_idle() -> Response:
        # Not under the lock: the sender needs the lock to become idle.
        timeout_seconds = _take(_read_body(), "timeout_seconds", float) or 10.0
        pending = control.sender.wait_idle(timeout_seconds)
        return jsonify({"idle": pending == 0, "pending": pending})

    return blueprint


def _view(control: Control, action: Action) -> Callable[..., Response]:
    def view(object_id: str = "") -> Response:
        body = _read_body()
        with control.store.lock:
            return jsonify(action(body, object_id))

    return view


def _read_body() -> JsonObject:
    body: object = request.get_json(silent=True, force=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise ApiError("The body is a JSON object.")
    return body


def _take(body: JsonObject, name: str, wanted: type[T]) -> T | None:
    """Read an optional field. Raises ApiError if its type is not `wanted`."""
    value = body.get(name)
    if wanted is float and type(value) is int:
        value = float(value)
    if value is None or type(value) is wanted:
        return value
    raise ApiError(f"{name} is a {wanted.__name__}", param=name)


def _require(body: JsonObject, name: str) -> str:
    value = _take(body, name, str)
    if value is None:
        raise ApiError(f"Missing {name}", param=name)
    return value


def _with_deliveries(event: Event) -> JsonObject:
    return {"event": event.to_json(), "deliveries": [delivery.to_json() for delivery in event.deliveries]}
