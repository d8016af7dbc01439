"""The truth in prices: what things cost in the buyer's own money."""

from chalice.app import Blueprint

from chalicelib import schemas, web, wiring
from chalicelib.answers import Answer
from chalicelib.domain.purchases import require_market
from chalicelib.domain.top_up import MAX_TOP_UP, cheapest_top_up
from chalicelib.routes import price_schemas
from chalicelib.web import Ask

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/gift-catalogue", gives=schemas.GiftCatalogueAnswer, auth="none")
def get_gift_catalogue(_ask: Ask[None]) -> Answer:
    """The gifts that can be sent."""
    return Answer(body=schemas.gift_catalogue(wiring.catalogue()), cacheable=True)


@api.route("GET", "/v1/top-up", gives=price_schemas.TopUpAnswer, auth="none", query=("for", "currency", "channel"))
def get_top_up(ask: Ask[None]) -> Answer:
    """The cheapest bundles that hold so many coins."""
    needed = ask.query_int("for", 0, 1, MAX_TOP_UP)
    currency, channel = require_market(ask.query("currency", "usd"), ask.query("channel", "web"))
    found = cheapest_top_up(wiring.catalogue().offers(currency, channel), needed)
    return Answer(body=price_schemas.top_up(found, currency), cacheable=True)
