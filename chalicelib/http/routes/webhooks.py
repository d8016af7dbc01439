"""Stripe's webhook."""

from chalice.app import Blueprint

from chalicelib import telemetry
from chalicelib.http import routing
from chalicelib.http.bodies import MAX_WEBHOOK_BYTES
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common
from chalicelib.services import services
from chalicelib.usecases.stripe_events import receive_webhook

api = routing.Api(Blueprint(__name__), services)


@api.route(
    "POST",
    "/v1/webhooks/stripe",
    response_model=common.WebhookResponse,
    auth="none",
    raw_bytes=MAX_WEBHOOK_BYTES,
    query=None,
    sharing="none",
)
def post_stripe_webhook(request: ApiRequest[bytes]) -> ApiResponse:
    """Receive a signed event of the payment provider."""
    outcome = receive_webhook(request.body, request.header("stripe-signature"), services)
    telemetry.count_outcome(outcome)
    return ApiResponse(body=common.WebhookResponse(outcome=outcome.value))
