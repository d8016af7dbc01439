"""The shop's pages."""

from chalice.app import Blueprint
from msgspec import to_builtins

from chalicelib.domain.ids import is_uuid7
from chalicelib.domain.ladder import custom_range
from chalicelib.domain.purchases import Purchase
from chalicelib.errors import NotFound
from chalicelib.http import pages, routing
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common, memberships
from chalicelib.services import services
from chalicelib.usecases.queries import read_membership

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/", auth="optional", sharing="none", is_page=True)
def get_shop(request: ApiRequest[None]) -> ApiResponse:
    """Show the shop page."""
    catalogue = services.catalogue
    currency, channel = request.market(catalogue.default_currency())
    if channel != "web":
        raise NotFound("In-app prices have no page on the web.")
    custom = custom_range(catalogue, currency, channel)
    page = pages.shop(
        common.plain(common.bundles(catalogue.offers(currency, channel), custom).bundles),
        currency=currency,
        currencies=catalogue.currencies(channel),
        new_id=services.clock.new_id,
        fan=request.optional_user_id,
        custom=custom,
    )
    return ApiResponse(body=page, headers=pages.headers(services.settings.stripe_api_url))


@api.route("GET", "/success", auth="optional", query=("purchase", "membership"), sharing="none", is_page=True)
def get_success(request: ApiRequest[None]) -> ApiResponse:
    """Show the return page after payment. Credits nothing."""
    # Without JavaScript the page shows the current status and reloads until it is final.
    fan, membership_id = request.optional_user_id, request.query("membership", "")
    if membership_id:
        membership = read_membership(fan, memberships=services.memberships) if fan else None
        is_this = membership is not None and membership.membership_id == membership_id
        shown = memberships.present(membership if is_this else None, services.clock.now()).membership
        page = pages.joined(to_builtins(shown))
    else:
        purchase_id = request.query("purchase", "")
        entry = services.ledger.find_entry(fan, purchase_id) if fan and is_uuid7(purchase_id) else None
        page = pages.success(common.plain([common.checkout(entry)])[0] if isinstance(entry, Purchase) else None)
    return ApiResponse(body=page, headers=pages.headers(services.settings.stripe_api_url))


@api.route("GET", "/cancelled", auth="none", sharing="none", is_page=True)
def get_canceled(_request: ApiRequest[None]) -> ApiResponse:
    """Show the return page without payment."""
    return ApiResponse(body=pages.canceled(), headers=pages.headers(services.settings.stripe_api_url))


@api.route("GET", "/assets/{name}", auth="none", query=None, sharing="any")
def get_asset(request: ApiRequest[None]) -> ApiResponse:
    """Return an asset of the pages."""
    text, headers = pages.asset(request.path("name"))
    return ApiResponse(body=text, headers=headers)
