"""Prices in the buyer's currency, and verification of offers."""

from typing import Final

from chalice.app import Blueprint
from msgspec import Struct

from chalicelib.domain.addresses import MAX_ADDRESS, origin_of
from chalicelib.domain.ladder import single_checkout
from chalicelib.domain.offers import Verdict, check_address, check_price, check_signed
from chalicelib.domain.prices import CostBasis
from chalicelib.domain.purchases import require_market
from chalicelib.domain.top_up import MAX_TOP_UP, cheapest_top_up
from chalicelib.errors import InvalidField
from chalicelib.http import routing
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common, offers, prices
from chalicelib.services import services
from chalicelib.usecases.queries import read_cost_basis, sign_offers

_LONGEST: Final = MAX_ADDRESS
"""Maximum characters of an address or a signed bundle; genuine ones have fewer than 600."""
_MOST: Final = 10**9 - 1

api = routing.Api(Blueprint(__name__), services)


@api.route(
    "GET", "/v1/gift-catalogue", response_model=prices.GiftCatalogueResponse, auth="optional", query=("currency",)
)
def get_gift_catalogue(request: ApiRequest[None]) -> ApiResponse:
    """List the gifts; with a currency, what each is worth to the caller."""
    gifts, currency = common.gift_catalogue(services.catalogue), request.query("currency", "")
    if not currency:
        return ApiResponse(body=prices.gift_catalogue(gifts), cacheable=True)
    return _in_own_money(request, prices.gift_catalogue(gifts, _cost_basis(request, currency)))


@api.route("GET", "/v1/worth", response_model=prices.WorthResponse, auth="optional", query=("coins", "currency"))
def get_worth(request: ApiRequest[None]) -> ApiResponse:
    """Show what a number of coins is worth to the caller."""
    coins = request.query_int("coins", 0, 1, _MOST)
    return _in_own_money(
        request,
        prices.worth(coins, _cost_basis(request, request.query("currency", services.catalogue.default_currency()))),
    )


@api.route("GET", "/v1/top-up", response_model=prices.TopUpResponse, auth="none", query=("for", "currency", "channel"))
def get_top_up(request: ApiRequest[None]) -> ApiResponse:
    """Find the checkout, and the cheapest bundles, that contain a number of coins."""
    needed = request.query_int("for", 0, 1, MAX_TOP_UP)
    currency, channel = request.market(services.catalogue.default_currency())
    found = cheapest_top_up(services.catalogue.offers(currency, channel), needed)
    checkout = single_checkout(services.catalogue, needed, currency) if channel == "web" else None
    return ApiResponse(body=prices.top_up(found, checkout, currency), cacheable=True)


@api.route("GET", "/v1/prices", response_model=prices.PricesResponse, auth="none", query=("channel",))
def get_prices(request: ApiRequest[None]) -> ApiResponse:
    """List all prices in all currencies with a dated reference rate."""
    rates = services.reference_rates
    _, channel = require_market(rates.base, request.query("channel", "web"))
    return ApiResponse(body=prices.prices(services.catalogue, rates, channel), cacheable=True)


@api.route("GET", "/v1/offers", response_model=offers.OffersResponse, auth="none", query=("currency", "channel"))
def get_offers(request: ApiRequest[None]) -> ApiResponse:
    """List the coin bundles on sale with signatures."""
    signed = sign_offers(
        services.catalogue.offers(*request.market(services.catalogue.default_currency())),
        issuer=origin_of(services.settings.success_url).url,
        is_live=services.livemode,
        signer=services.offer_signer,
        clock=services.clock,
    )
    # No ETag: every signature differs.
    return ApiResponse(body=offers.offers(signed), headers={"Cache-Control": "public, max-age=60"})


@api.route(
    "GET",
    "/v1/offers/verify",
    response_model=offers.VerdictResponse,
    auth="none",
    query=("url", "jws", "coins", "amount_minor", "currency", "channel"),
)
def get_verdict(request: ApiRequest[None]) -> ApiResponse:
    """Verify that an address, a price or a signed bundle is an offer of this shop."""
    return ApiResponse(body=offers.verdict(_verdict(request)))


@api.route("GET", "/.well-known/jwks.json", response_model=offers.KeySetResponse, auth="none")
def get_key_set(_request: ApiRequest[None]) -> ApiResponse:
    """Return the public keys of signed bundles."""
    return ApiResponse(body=offers.key_set(services.offer_signer.public_keys()), cacheable=True)


def _verdict(request: ApiRequest[None]) -> Verdict:
    url, jws, coins = request.query("url", "", _LONGEST), request.query("jws", "", _LONGEST), request.query("coins", "")
    if [bool(url), bool(jws), bool(coins)].count(True) != 1:
        raise InvalidField("url", "one of url, jws, or coins with amount_minor and currency")
    settings = services.settings
    if url:
        return check_address(url, {origin_of(settings.success_url), origin_of(settings.cancel_url)})
    if jws:
        return check_signed(
            services.offer_signer.read(jws),
            services.catalogue,
            issuer=origin_of(settings.success_url).url,
            is_live=settings.livemode,
            now=services.clock.now(),
        )
    channel = request.query("channel", "") or None
    currency, _ = require_market(request.query("currency", services.catalogue.default_currency()), channel or "web")
    claimed = request.query_int("coins", 0, 1, _MOST), request.query_int("amount_minor", 0, 1, _MOST)
    return check_price(services.catalogue, *claimed, currency, channel)


def _cost_basis(request: ApiRequest[None], currency: str) -> CostBasis:
    require_market(currency, "web")
    return read_cost_basis(request.optional_user_id, currency, catalogue=services.catalogue, ledger=services.ledger)


def _in_own_money(request: ApiRequest[None], body: Struct) -> ApiResponse:
    """Cache list prices publicly; prices that a fan paid are private, also after sign-out."""
    return ApiResponse(body=body, headers={"Vary": "Authorization"}, cacheable=not request.header("authorization"))
