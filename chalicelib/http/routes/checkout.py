"""Buying: the bundles on sale, and checkouts."""

from chalice.app import Blueprint

from chalicelib import services
from chalicelib.domain.purchases import CheckoutOrder, Purchase, require_market
from chalicelib.http import responses, routing
from chalicelib.http.responses import Answer
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import common
from chalicelib.usecases.checkout import open_checkout
from chalicelib.usecases.queries import read_entry

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/bundles", gives=common.BundlesAnswer, auth="none", query=("currency", "channel"))
def get_bundles(ask: Ask[None]) -> Answer:
    """The coin bundles on sale."""
    offers = services.catalogue().offers(*require_market(ask.query("currency", "usd"), ask.query("channel", "web")))
    return Answer(body=common.bundles(offers), cacheable=True)


@api.route("POST", "/v1/checkout-sessions", takes=common.CheckoutRequest, gives=common.CheckoutAnswer)
def post_checkout_session(ask: Ask[common.CheckoutRequest]) -> Answer:
    """Open a checkout for a bundle."""
    order = CheckoutOrder(
        purchase_id=ask.key,
        user_id=ask.fan,
        bundle_id=ask.body.bundle_id,
        currency=ask.body.currency,
        channel=ask.body.channel,
    )
    opened = open_checkout(
        order,
        catalogue=services.catalogue(),
        ledger=services.ledger(),
        gateway=services.gateway(),
        clock=services.clock(),
    )
    return responses.made(common.checkout(opened.purchase, opened.url), is_repeat=opened.is_repeat)


@api.route("GET", "/v1/checkout-sessions/{id}", gives=common.CheckoutAnswer)
def get_checkout_session(ask: Ask[None]) -> Answer:
    """What became of a checkout."""
    return Answer(body=common.checkout(read_entry(ask.fan, ask.path_id, Purchase, ledger=services.ledger())))
