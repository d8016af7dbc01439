"""What a fan has, and how it came about."""

from chalice.app import Blueprint

from chalicelib import services
from chalicelib.http import responses, routing
from chalicelib.http.responses import Answer
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import common
from chalicelib.usecases.queries import read_statement

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/wallet", gives=common.WalletAnswer)
def get_wallet(ask: Ask[None]) -> Answer:
    """The caller's coins."""
    return Answer(body=common.wallet(services.ledger().read_wallet(ask.fan)))


@api.route("GET", "/v1/wallet/entries", gives=common.EntriesAnswer, query=("limit", "cursor"))
def get_wallet_entries(ask: Ask[None]) -> Answer:
    """How the caller's balance came about."""
    limit = ask.query_int("limit", 20, 1, 100)
    statement = read_statement(ask.fan, limit=limit, before=ask.cursor(), ledger=services.ledger())
    return Answer(body=common.entries(statement.entries, responses.cursor(statement.older_than)))
