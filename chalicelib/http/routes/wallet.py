"""Wallet and statement."""

from chalice.app import Blueprint

from chalicelib.http import responses, routing
from chalicelib.http.responses import ApiResponse
from chalicelib.http.routing import ApiRequest
from chalicelib.http.schemas import common
from chalicelib.services import services
from chalicelib.usecases.queries import read_statement

api = routing.Api(Blueprint(__name__), services)


@api.route("GET", "/v1/wallet", response_model=common.WalletResponse)
def get_wallet(request: ApiRequest[None]) -> ApiResponse:
    """Show the caller's wallet."""
    return ApiResponse(body=common.wallet(services.ledger.read_wallet(request.user_id)))


@api.route("GET", "/v1/wallet/entries", response_model=common.EntriesResponse, query=("limit", "cursor"))
def get_wallet_entries(request: ApiRequest[None]) -> ApiResponse:
    """List the caller's entries, newest first."""
    limit = request.query_int("limit", 20, 1, 100)
    statement = read_statement(request.user_id, limit=limit, before=request.cursor(), ledger=services.ledger)
    return ApiResponse(body=common.entries(statement.entries, responses.cursor(statement.older_than)))
