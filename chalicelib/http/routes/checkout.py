"""Bundles and checkouts."""

from chalice.app import Blueprint

from chalicelib import telemetry
from chalicelib.domain.addresses import require_return_url
from chalicelib.domain.ladder import custom_range
from chalicelib.domain.purchases import CheckoutOrder, Purchase
from chalicelib.http import responses, routing
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common
from chalicelib.services import services
from chalicelib.usecases.checkout import open_checkout
from chalicelib.usecases.queries import read_entry
from chalicelib.usecases.stripe_events import ask_about

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/v1/bundles", response_model=common.BundlesResponse, auth="none", query=("currency", "channel"))
def get_bundles(request: ApiRequest[None]) -> ApiResponse:
    """List the coin bundles on sale."""
    catalogue = services.catalogue
    market = request.market(catalogue.default_currency())
    body = common.bundles(catalogue.offers(*market), custom_range(catalogue, *market))
    return ApiResponse(body=body, cacheable=True)


@api.route(
    "POST", "/v1/checkout-sessions", request_model=common.CheckoutRequest, response_model=common.CheckoutResponse
)
def post_checkout_session(request: ApiRequest[common.CheckoutRequest]) -> ApiResponse:
    """Open a checkout for a bundle or an amount of coins."""
    order = CheckoutOrder(
        purchase_id=request.idempotency_key,
        user_id=request.user_id,
        bundle_id=request.body.bundle_id or None,
        quantity=request.body.quantity,
        coins=request.body.coins,
        currency=common.named_or(request.body.currency, services.catalogue.default_currency()),
        channel=request.body.channel,
        return_url=require_return_url(request.body.return_url or None, services.return_origins),
    )
    opened = open_checkout(order, services)
    return responses.created(common.checkout(opened.purchase, opened.url), is_repeat=opened.is_repeat)


@api.route("GET", "/v1/checkout-sessions/{id}", response_model=common.CheckoutResponse)
def get_checkout_session(request: ApiRequest[None]) -> ApiResponse:
    """Show a checkout and its status. If that is pending for over 20 seconds, the payment provider is asked first."""
    purchase = read_entry(request.user_id, request.path_id, Purchase, ledger=services.ledger)
    outcome = None if request.is_speculative else ask_about(purchase, services)
    if outcome is not None:
        telemetry.count_outcome(outcome)
        purchase = read_entry(request.user_id, request.path_id, Purchase, ledger=services.ledger)
    return ApiResponse(body=common.checkout(purchase))
