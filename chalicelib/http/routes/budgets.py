"""Budgets and self-exclusions."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.ids import iso
from chalicelib.http import routing
from chalicelib.http.responses import ApiResponse, created
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import budgets
from chalicelib.services import services
from chalicelib.usecases.budgets import exclude_fan, set_budget
from chalicelib.usecases.exclusions import close_open_checkouts
from chalicelib.usecases.queries import read_budget

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/v1/budgets", response_model=budgets.BudgetResponse)
def get_budgets(request: ApiRequest[None]) -> ApiResponse:
    """Show the caller's limits and their remainders."""
    return _budget(request)


@api.route("PUT", "/v1/budgets", request_model=budgets.BudgetRequest, response_model=budgets.BudgetResponse)
def put_budgets(request: ApiRequest[budgets.BudgetRequest]) -> ApiResponse:
    """Set limits. Stricter ones apply at once, others after 24 hours."""
    set_budget(request.user_id, budgets.limits(request.body), ledger=services.ledger, clock=services.clock)
    return _budget(request)


@api.route(
    "POST", "/v1/self-exclusions", request_model=budgets.ExclusionRequest, response_model=budgets.ExclusionResponse
)
def post_self_exclusion(request: ApiRequest[budgets.ExclusionRequest]) -> ApiResponse:
    """Exclude the caller from spending for a number of days, and close open payment pages. Cannot be undone early."""
    excluded = exclude_fan(
        request.user_id, request.idempotency_key, request.body.days, ledger=services.ledger, clock=services.clock
    )
    after = close_open_checkouts(request.user_id, services)
    response = budgets.ExclusionResponse(
        excluded_until=iso(excluded.until),
        checkouts_closed=after.closed,
        checkouts_open=after.still_open,
        open_until=iso(after.open_until) if after.open_until else None,
        membership=budgets.ongoing(after.membership) if after.membership else None,
    )
    return created(response, is_repeat=excluded.is_repeat)


def _budget(request: ApiRequest[Any]) -> ApiResponse:
    return ApiResponse(body=budgets.budget(read_budget(request.user_id, ledger=services.ledger, clock=services.clock)))
