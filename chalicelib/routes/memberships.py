"""Memberships, for fans."""

from chalice.app import Blueprint

from chalicelib import web, wiring
from chalicelib.answers import Answer, made
from chalicelib.domain.memberships import MembershipOrder
from chalicelib.domain.purchases import require_market
from chalicelib.routes import membership_schemas
from chalicelib.usecases.open_membership import open_membership
from chalicelib.usecases.open_portal import open_portal
from chalicelib.usecases.read_membership import read_membership
from chalicelib.web import Ask

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/membership-plans", gives=membership_schemas.PlansAnswer, auth="none", query=("currency",))
def get_membership_plans(ask: Ask[None]) -> Answer:
    """The memberships on sale."""
    currency, _ = require_market(ask.query("currency", "usd"), "web")
    on_sale = wiring.catalogue().plans(currency)
    return Answer(body=membership_schemas.plans(on_sale, currency), cacheable=True)


@api.route(
    "POST", "/v1/memberships", takes=membership_schemas.MembershipRequest, gives=membership_schemas.JoiningAnswer
)
def post_membership(ask: Ask[membership_schemas.MembershipRequest]) -> Answer:
    """Open a checkout in which the caller subscribes to a membership."""
    order = MembershipOrder(
        membership_id=ask.key, user_id=ask.fan, plan_id=ask.body.plan_id, currency=ask.body.currency
    )
    opened = open_membership(
        order,
        catalogue=wiring.catalogue(),
        ledger=wiring.ledger(),
        memberships=wiring.memberships(),
        subscriptions=wiring.subscriptions(),
        clock=wiring.clock(),
    )
    return made(membership_schemas.joining(opened.membership, opened.url), is_repeat=opened.is_repeat)


@api.route("GET", "/v1/membership", gives=membership_schemas.PresentMembershipAnswer)
def get_membership(ask: Ask[None]) -> Answer:
    """The caller's present membership."""
    membership = read_membership(ask.fan, memberships=wiring.memberships())
    return Answer(body=membership_schemas.present(membership, wiring.clock().now()))


@api.route("POST", "/v1/membership/portal-sessions", gives=membership_schemas.PortalAnswer)
def post_portal_session(ask: Ask[None]) -> Answer:
    """A page of the payment provider's on which the caller can end the membership."""
    url = open_portal(ask.fan, memberships=wiring.memberships(), subscriptions=wiring.subscriptions())
    return Answer(body=membership_schemas.PortalAnswer(url=url))
