"""The truth in prices: what things cost in the buyer's own money."""

from chalice.app import Blueprint
from msgspec import Struct

from chalicelib import schemas, web, wiring
from chalicelib.answers import Answer
from chalicelib.domain.prices import CostBasis
from chalicelib.domain.purchases import require_market
from chalicelib.domain.top_up import MAX_TOP_UP, cheapest_top_up
from chalicelib.routes import price_schemas
from chalicelib.usecases.read_cost_basis import read_cost_basis
from chalicelib.web import Ask

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/gift-catalogue", gives=price_schemas.GiftCatalogueAnswer, auth="optional", query=("currency",))
def get_gift_catalogue(ask: Ask[None]) -> Answer:
    """The gifts that can be sent, and with a currency what each is worth to the caller."""
    gifts, currency = schemas.gift_catalogue(wiring.catalogue()), ask.query("currency", "")
    if not currency:
        return Answer(body=price_schemas.gift_catalogue(gifts), cacheable=True)
    return _in_own_money(ask, price_schemas.gift_catalogue(gifts, _cost_basis(ask, currency)))


@api.route("GET", "/v1/worth", gives=price_schemas.WorthAnswer, auth="optional", query=("coins", "currency"))
def get_worth(ask: Ask[None]) -> Answer:
    """What any number of coins is worth to the caller."""
    coins = ask.query_int("coins", 0, 1, 10**9 - 1)
    return _in_own_money(ask, price_schemas.worth(coins, _cost_basis(ask, ask.query("currency", "usd"))))


@api.route("GET", "/v1/top-up", gives=price_schemas.TopUpAnswer, auth="none", query=("for", "currency", "channel"))
def get_top_up(ask: Ask[None]) -> Answer:
    """The cheapest bundles that hold so many coins."""
    needed = ask.query_int("for", 0, 1, MAX_TOP_UP)
    currency, channel = require_market(ask.query("currency", "usd"), ask.query("channel", "web"))
    found = cheapest_top_up(wiring.catalogue().offers(currency, channel), needed)
    return Answer(body=price_schemas.top_up(found, currency), cacheable=True)


@api.route("GET", "/v1/prices", gives=price_schemas.PricesAnswer, auth="none", query=("channel",))
def get_prices(ask: Ask[None]) -> Answer:
    """Every price in every currency, beside a dated reference rate."""
    rates = wiring.reference_rates()
    _, channel = require_market(rates.base, ask.query("channel", "web"))
    return Answer(body=price_schemas.prices(wiring.catalogue(), rates, channel), cacheable=True)


def _cost_basis(ask: Ask[None], currency: str) -> CostBasis:
    require_market(currency, "web")
    return read_cost_basis(ask.fan_if_known, currency, catalogue=wiring.catalogue(), ledger=wiring.ledger())


def _in_own_money(ask: Ask[None], body: Struct) -> Answer:
    """List prices are everybody's; what a fan paid is nobody else's, not even that same browser's after signing out."""
    return Answer(body=body, headers={"Vary": "Authorization"}, cacheable=not ask.header("authorization"))
