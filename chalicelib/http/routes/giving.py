"""Gifts and creators' earnings."""

from typing import Final

from chalice.app import Blueprint

from chalicelib.domain.gifts import Gift, GiftOrder, require_fields_of
from chalicelib.http import responses, routing
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import gifts
from chalicelib.services import services
from chalicelib.usecases.gifts import send_gift
from chalicelib.usecases.queries import read_entry

CREATOR: Final = "creator"

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/v1/economy", response_model=gifts.EconomyResponse, auth="none")
def get_economy(_request: ApiRequest[None]) -> ApiResponse:
    """Show the kinds of gifts and the creators' share."""
    return ApiResponse(body=gifts.economy(services.catalogue), cacheable=True)


@api.route("POST", "/v1/gifts", request_model=gifts.GiftRequest, response_model=gifts.GiftResponse)
def post_gift(request: ApiRequest[gifts.GiftRequest]) -> ApiResponse:
    """Send a gift, a cheer or a super chat to a creator."""
    fields_of_kind = request.body.fields_of_kind
    require_fields_of(request.body.kind, fields_of_kind)
    order = GiftOrder(
        gift_id=request.idempotency_key,
        user_id=request.user_id,
        creator_id=request.body.creator_id,
        kind=request.body.kind,
        message=request.body.message,
        anonymous=request.body.anonymous,
        sender_name=request.body.sender_name or None,
        stream_id=request.body.stream_id or None,
        **fields_of_kind,
    )
    sent = send_gift(
        order,
        catalogue=services.catalogue,
        ledger=services.ledger,
        clock=services.clock,
        creator_shards=services.settings.creator_lanes,
    )
    return responses.created(gifts.gift(sent.gift), is_repeat=sent.is_repeat)


@api.route("GET", "/v1/gifts/{id}", response_model=gifts.GiftResponse)
def get_gift(request: ApiRequest[None]) -> ApiResponse:
    """Show a gift that the caller sent."""
    return ApiResponse(body=gifts.gift(read_entry(request.user_id, request.path_id, Gift, ledger=services.ledger)))


@api.route("GET", "/v1/creator/earnings", response_model=gifts.EarningsResponse, scope=CREATOR)
def get_earnings(request: ApiRequest[None]) -> ApiResponse:
    """Show the earnings of the caller, a creator."""
    economy = services.catalogue.economy
    earned = economy.earnings(services.ledger.creator_coins(request.user_id))
    return ApiResponse(body=gifts.earnings(earned, economy))
