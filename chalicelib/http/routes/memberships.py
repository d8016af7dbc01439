"""Memberships."""

from chalice.app import Blueprint

from chalicelib.domain.addresses import require_return_url
from chalicelib.domain.memberships import MembershipOrder
from chalicelib.domain.purchases import require_market
from chalicelib.http import routing
from chalicelib.http.responses import ApiResponse, created
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common, memberships
from chalicelib.services import services
from chalicelib.usecases.memberships import open_membership, open_portal
from chalicelib.usecases.queries import read_membership

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/v1/membership-plans", response_model=memberships.PlansResponse, auth="none", query=("currency",))
def get_membership_plans(request: ApiRequest[None]) -> ApiResponse:
    """List the memberships on sale."""
    currency, _ = require_market(request.query("currency", services.catalogue.default_currency()), "web")
    on_sale = services.catalogue.plans(currency)
    return ApiResponse(body=memberships.plans(on_sale, currency), cacheable=True)


@api.route(
    "POST", "/v1/memberships", request_model=memberships.MembershipRequest, response_model=memberships.JoiningResponse
)
def post_membership(request: ApiRequest[memberships.MembershipRequest]) -> ApiResponse:
    """Open a checkout in which the caller subscribes to a membership."""
    order = MembershipOrder(
        membership_id=request.idempotency_key,
        user_id=request.user_id,
        plan_id=request.body.plan_id,
        currency=common.named_or(request.body.currency, services.catalogue.default_currency()),
        return_url=require_return_url(request.body.return_url or None, services.return_origins),
    )
    opened = open_membership(order, services)
    return created(memberships.joining(opened.membership, opened.url), is_repeat=opened.is_repeat)


@api.route("GET", "/v1/membership", response_model=memberships.PresentMembershipResponse)
def get_membership(request: ApiRequest[None]) -> ApiResponse:
    """Show the caller's current membership."""
    membership = read_membership(request.user_id, memberships=services.memberships)
    return ApiResponse(body=memberships.present(membership, services.clock.now()))


@api.route("POST", "/v1/membership/portal-sessions", response_model=memberships.PortalResponse)
def post_portal_session(request: ApiRequest[None]) -> ApiResponse:
    """Open the payment provider's portal, where the caller can end the membership."""
    url = open_portal(request.user_id, memberships=services.memberships, subscriptions=services.subscriptions)
    return ApiResponse(body=memberships.PortalResponse(url=url))
