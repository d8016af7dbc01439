"""The API under /v1: the routes, and the checks that each request passes before its handler."""

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from . import (
    checkout,
    customers,
    disputes,
    endpoints,
    intents,
    invoices,
    portals,
    products,
    reads,
    refunds,
    subscriptions,
)
from .auth import check_headers
from .call import Call, Handler
from .errors import ApiError, JsonObject, ParamError
from .idempotency import ApiResponse, IdempotencyKeys
from .knobs import FailNext, Knobs
from .store import Cause, Store, new_id

_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/checkout/sessions", checkout.create_session),
    ("GET", "/v1/checkout/sessions", checkout.list_sessions),
    ("GET", "/v1/checkout/sessions/{id}", checkout.retrieve_session),
    ("GET", "/v1/checkout/sessions/{id}/line_items", checkout.list_line_items),
    ("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire),
    ("POST", "/v1/payment_intents", intents.create_intent),
    ("POST", "/v1/payment_intents/{id}/confirm", intents.confirm_intent),
    ("POST", "/v1/payment_intents/{id}/cancel", intents.cancel_intent),
    ("POST", "/v1/payment_methods", intents.create_method),
    ("GET", "/v1/payment_methods/{id}", intents.retrieve_method),
    ("GET", "/v1/payment_pages/{id}", intents.retrieve_page),
    ("POST", "/v1/payment_pages/{id}/confirm", intents.confirm_page),
    ("POST", "/v1/products", products.create_product),
    ("GET", "/v1/products", products.list_products),
    ("GET", "/v1/products/{id}", products.retrieve_product),
    ("POST", "/v1/prices", products.create_price),
    ("GET", "/v1/prices", products.list_prices),
    ("GET", "/v1/prices/{id}", products.retrieve_price),
    ("POST", "/v1/webhook_endpoints", endpoints.create_endpoint),
    ("GET", "/v1/webhook_endpoints", endpoints.list_endpoints),
    ("GET", "/v1/webhook_endpoints/{id}", endpoints.retrieve_endpoint),
    ("POST", "/v1/webhook_endpoints/{id}", endpoints.update_endpoint),
    ("DELETE", "/v1/webhook_endpoints/{id}", endpoints.delete_endpoint),
    ("GET", "/v1/payment_intents", reads.list_payment_intents),
    ("GET", "/v1/payment_intents/{id}", reads.retrieve_payment_intent),
    ("GET", "/v1/charges", reads.list_charges),
    ("GET", "/v1/charges/{id}", reads.retrieve_charge),
    ("POST", "/v1/refunds", refunds.create_refund),
    ("GET", "/v1/refunds", refunds.list_refunds),
    ("GET", "/v1/refunds/{id}", refunds.retrieve_refund),
    ("POST", "/v1/refunds/{id}", refunds.update_refund),
    ("POST", "/v1/refunds/{id}/cancel", refunds.cancel_refund),
    ("GET", "/v1/disputes", disputes.list_disputes),
    ("GET", "/v1/disputes/{id}", disputes.retrieve_dispute),
    ("POST", "/v1/disputes/{id}", disputes.update_dispute),
    ("POST", "/v1/disputes/{id}/close", disputes.close_dispute),
    ("POST", "/v1/customers", customers.create_customer),
    ("POST", "/v1/customers/{id}", customers.update_customer),
    ("GET", "/v1/customers", customers.list_customers),
    ("GET", "/v1/customers/{id}", customers.retrieve_customer),
    ("GET", "/v1/subscriptions", subscriptions.list_subscriptions),
    ("GET", "/v1/subscriptions/{id}", subscriptions.retrieve_subscription),
    ("POST", "/v1/subscriptions/{id}", subscriptions.update_subscription),
    ("DELETE", "/v1/subscriptions/{id}", subscriptions.cancel_subscription),
    ("GET", "/v1/invoices", invoices.list_invoices),
    ("GET", "/v1/invoices/{id}", invoices.retrieve_invoice),
    ("GET", "/v1/invoice_payments", invoices.list_invoice_payments),
    ("GET", "/v1/invoice_payments/{id}", invoices.retrieve_invoice_payment),
    ("POST", "/v1/billing_portal/sessions", portals.create_portal_session),
    ("GET", "/v1/events", reads.list_events),
    ("GET", "/v1/events/{id}", reads.retrieve_event),
)
_COMPILED = tuple(
    (method, re.compile(template.replace("{id}", r"(?P<id>[\w-]+)")), handler) for method, template, handler in _ROUTES
)


@dataclass(frozen=True)
class ApiRequest:
    """A parsed HTTP request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    pairs: tuple[tuple[str, str], ...]

    @property
    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key` of a POST; None for other methods."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None


@dataclass
class Api:
    """Serves requests one at a time under the store's lock. The log holds neither bodies nor API keys."""

    store: Store
    knobs: Knobs
    base_url: str = ""
    log: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=10_000))

    def __post_init__(self) -> None:
        self.keys, self.resets = IdempotencyKeys(self.store.lock), 0

    def serve(self, request: ApiRequest) -> ApiResponse:
        """Respond to a request. Errors become responses in Stripe's shape."""
        request_id, resets = new_id("req_", 14), self.resets
        try:
            response = self._admit(request, request_id)
        except ApiError as error:
            response = ApiResponse(error.status, error.to_json(), error.headers)
        headers = {"Request-Id": request_id, "Stripe-Version": self._version(request), **response.headers}
        if request.idempotency_key:
            headers["Idempotency-Key"] = request.idempotency_key
        if resets == self.resets:
            self._record(request, request_id, response)
        return ApiResponse(response.status, response.body, headers)

    def reset(self) -> None:
        """Forget the keys and the log, also of requests that are in progress: these do no work any more."""
        self.resets += 1
        self.keys.clear()
        self.log.clear()

    def drops_response(self, request: ApiRequest) -> bool:
        """Count down the knob `lost_answers`. Returns True if the response to this POST must not be sent."""
        with self.store.lock:
            lost = request.method == "POST" and self.knobs.lost_answers > 0
            self.knobs.lost_answers -= lost
        return lost

    def finds_connection_dead(self) -> bool:
        """Count down the knob `dead_connections`. Returns True if this request must break its connection."""
        with self.store.lock:
            is_dead = self.knobs.dead_connections > 0
            self.knobs.dead_connections -= is_dead
        return is_dead

    def _admit(self, request: ApiRequest, request_id: str) -> ApiResponse:
        if self.knobs.down:
            raise ApiError("Stripe is down for the moment.", 503, "api_error")
        check_headers(request.headers, self.store.account_id)
        if any(request.path.startswith(path) for path in self.knobs.denied_paths):
            raise _denied(self.store.account_id)
        handler, object_id = _find_route(request)
        version = request.headers.get("stripe-version", "")
        call = Call(self.store, self.knobs, self.base_url, request.path, object_id, request.pairs, version)
        work = self._bind(request, request_id, lambda: handler(call))
        if request.idempotency_key is None:
            return work()
        return self.keys.run(request.idempotency_key, request.path, request.pairs, self.store.now(), work)

    def _bind(
        self, request: ApiRequest, request_id: str, handle: Callable[[], JsonObject]
    ) -> Callable[[], ApiResponse]:
        def work() -> ApiResponse:
            # Delays and planned failures happen after the key is taken, as they would inside Stripe.
            plan = self.knobs.fail_next  # a plan that is set during the delay is for later requests
            resets = self.resets
            time.sleep(self.knobs.slow_seconds)
            with self.store.lock:
                if resets != self.resets:
                    raise ApiError("The sandbox was reset during this request.", 503, "api_error")
                failure = _next_failure(plan, request)
                if failure is not None and not failure.after_work:
                    return _failed(failure)
                self.store.cause = Cause(request_id, request.idempotency_key)
                try:
                    response = _run(handle)
                finally:
                    self.store.cause = Cause()
            return response if failure is None else _failed(failure)

        return work

    def _version(self, request: ApiRequest) -> str:
        return request.headers.get("stripe-version", self.store.api_version)

    def _record(self, request: ApiRequest, request_id: str, response: ApiResponse) -> None:
        entry: JsonObject = {
            "method": request.method,
            "path": request.path,
            "status": response.status,
            "request_id": request_id,
            "idempotency_key": request.idempotency_key,
            "replayed": "Idempotent-Replayed" in response.headers,
            "at": time.time(),
        }
        with self.store.lock:
            self.log.append(entry)


def _run(handle: Callable[[], JsonObject]) -> ApiResponse:
    """Turn the handler's result or error into a response. ParamError propagates, so that its key stays free."""
    try:
        return ApiResponse(200, handle())
    except ParamError:
        raise
    except ApiError as error:
        return ApiResponse(error.status, error.to_json(), error.headers)


def _next_failure(plan: FailNext, request: ApiRequest) -> FailNext | None:
    """Count a plan down if it is for this request. Returns the plan, or None."""
    if plan.times and plan.method in ("", request.method) and request.path.startswith(plan.path):
        plan.times -= 1
        return plan
    return None


def _failed(failure: FailNext) -> ApiResponse:
    kind = "api_error" if failure.status >= 500 else "invalid_request_error"
    error = ApiError("The sandbox is set to fail this request.", failure.status, kind, failure.code or None)
    headers = {"Stripe-Should-Retry": failure.should_retry} if failure.should_retry else {}
    if failure.retry_after:
        headers["Retry-After"] = str(failure.retry_after)
    return ApiResponse(failure.status, error.to_json(), headers)


def _denied(account_id: str) -> ApiError:
    """Build the error for a restricted key. The 403 is documented; that it precedes the idempotency key is assumed.

    https://docs.stripe.com/keys/restricted-api-keys and https://docs.stripe.com/api/errors
    """
    message = f"The provided key 'rk_test_****' lacks the required permissions for this endpoint on '{account_id}'."
    return ApiError(message, 403)


def _find_route(request: ApiRequest) -> tuple[Handler, str]:
    for method, pattern, handler in _COMPILED:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            return handler, match.groupdict().get("id", "")
    message = f"Unrecognized request URL ({request.method}: {request.path})."
    raise ApiError(message, 404)
