"""Operators' acts. The token needs scope `operator`; every act needs a key and a reason and is recorded."""

from typing import Any, Final

from chalice.app import Blueprint

from chalicelib.domain.operators import Act, GrantOrder
from chalicelib.errors import InvalidField, NotFound
from chalicelib.http import responses, routing
from chalicelib.http.responses import ApiResponse, created
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common, operators
from chalicelib.services import services
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift
from chalicelib.usecases.reviews import settle_review

SCOPE: Final = "operator"

api = routing.Api(Blueprint(__name__), services)


@api.route(
    "GET",
    "/v1/operator/reviews",
    response_model=operators.ReviewsResponse,
    scope=SCOPE,
    query=("month", "limit", "cursor"),
)
def get_reviews(request: ApiRequest[None]) -> ApiResponse:
    """List the payments that match no purchase, by the time of filing.

    With a month: those filed in it, settled or open. Else: all open ones, and those settled that were filed this month.
    """
    this_month = f"{services.clock.now():%Y-%m}"
    month = request.query("month", "")
    if not operators.is_month(month or this_month):
        raise InvalidField("month", "a month, like 2026-11")
    page = services.operators.list_reviews(
        month or this_month,
        request.cursor(operators.is_position),
        request.query_int("limit", 100, 1, 100),
        is_any_age=not month,
    )
    return ApiResponse(body=operators.reviews(page.reviews, responses.cursor(page.after)))


@api.route(
    "POST",
    "/v1/operator/settlements",
    request_model=operators.SettlementRequest,
    response_model=operators.ReviewResponse,
    scope=SCOPE,
)
def post_settlement(request: ApiRequest[operators.SettlementRequest]) -> ApiResponse:
    """Settle a review: credit its coins, or refuse them."""
    ref = operators.review_ref(request.body.review_id)
    if ref is None:
        raise NotFound("There is no such review.")
    act = _act(request, request.body.reason)
    review = settle_review(ref, request.body.decision, act, services)
    return ApiResponse(body=operators.review(review))


@api.route(
    "POST",
    "/v1/operator/freezes",
    request_model=operators.FreezeRequest,
    response_model=operators.FreezeResponse,
    scope=SCOPE,
)
def post_freeze(request: ApiRequest[operators.FreezeRequest]) -> ApiResponse:
    """Freeze or unfreeze a wallet."""
    act = _act(request, request.body.reason)
    freeze_wallet(
        request.body.user_id, act, is_frozen=request.body.frozen, operators=services.operators, clock=services.clock
    )
    return ApiResponse(body=operators.FreezeResponse(user_id=request.body.user_id, frozen=request.body.frozen))


@api.route(
    "POST",
    "/v1/operator/grants",
    request_model=operators.GrantRequest,
    response_model=common.EntryResponse,
    scope=SCOPE,
)
def post_grant(request: ApiRequest[operators.GrantRequest]) -> ApiResponse:
    """Grant coins to a fan."""
    order = GrantOrder(act=_act(request, request.body.reason), user_id=request.body.user_id, coins=request.body.coins)
    granted = grant_coins(order, ledger=services.ledger, operators=services.operators, clock=services.clock)
    return created(common.entry(granted.adjustment), is_repeat=granted.is_repeat)


@api.route(
    "POST",
    "/v1/operator/reversals",
    request_model=operators.ReversalRequest,
    response_model=common.EntryResponse,
    scope=SCOPE,
)
def post_reversal(request: ApiRequest[operators.ReversalRequest]) -> ApiResponse:
    """Reverse a gift: return its coins to the fan."""
    reversal = reverse_gift(
        request.body.user_id,
        request.body.gift_id,
        _act(request, request.body.reason),
        ledger=services.ledger,
        operators=services.operators,
        clock=services.clock,
    )
    return created(common.entry(reversal.adjustment), is_repeat=reversal.is_repeat)


def _act(request: ApiRequest[Any], reason: str) -> Act:
    return Act(key=request.idempotency_key, actor=request.user_id, reason=reason)
