"""What a fan has, and how it came about."""

from chalice.app import Blueprint

from chalicelib import answers, schemas, web, wiring
from chalicelib.answers import Answer
from chalicelib.usecases.read_statement import read_statement
from chalicelib.web import Ask

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/wallet", gives=schemas.WalletAnswer)
def get_wallet(ask: Ask[None]) -> Answer:
    """The caller's coins."""
    return Answer(body=schemas.wallet(wiring.ledger().read_wallet(ask.fan)))


@api.route("GET", "/v1/wallet/entries", gives=schemas.EntriesAnswer, query=("limit", "cursor"))
def get_wallet_entries(ask: Ask[None]) -> Answer:
    """How the caller's balance came about."""
    limit = ask.query_int("limit", 20, 1, 100)
    statement = read_statement(ask.fan, limit=limit, before=ask.cursor(), ledger=wiring.ledger())
    return Answer(body=schemas.entries(statement.entries, answers.cursor(statement.older_than)))
