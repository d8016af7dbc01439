"""Memberships, for fans."""

from chalice.app import Blueprint

from chalicelib import services
from chalicelib.domain.memberships import MembershipOrder
from chalicelib.domain.purchases import require_market
from chalicelib.http import routing
from chalicelib.http.responses import Answer, made
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import memberships
from chalicelib.usecases.memberships import open_membership, open_portal
from chalicelib.usecases.queries import read_membership

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/membership-plans", gives=memberships.PlansAnswer, auth="none", query=("currency",))
def get_membership_plans(ask: Ask[None]) -> Answer:
    """The memberships on sale."""
    currency, _ = require_market(ask.query("currency", "usd"), "web")
    on_sale = services.catalogue().plans(currency)
    return Answer(body=memberships.plans(on_sale, currency), cacheable=True)


@api.route("POST", "/v1/memberships", takes=memberships.MembershipRequest, gives=memberships.JoiningAnswer)
def post_membership(ask: Ask[memberships.MembershipRequest]) -> Answer:
    """Open a checkout in which the caller subscribes to a membership."""
    order = MembershipOrder(
        membership_id=ask.key, user_id=ask.fan, plan_id=ask.body.plan_id, currency=ask.body.currency
    )
    opened = open_membership(
        order,
        catalogue=services.catalogue(),
        ledger=services.ledger(),
        memberships=services.memberships(),
        subscriptions=services.subscriptions(),
        clock=services.clock(),
    )
    return made(memberships.joining(opened.membership, opened.url), is_repeat=opened.is_repeat)


@api.route("GET", "/v1/membership", gives=memberships.PresentMembershipAnswer)
def get_membership(ask: Ask[None]) -> Answer:
    """The caller's present membership."""
    membership = read_membership(ask.fan, memberships=services.memberships())
    return Answer(body=memberships.present(membership, services.clock().now()))


@api.route("POST", "/v1/membership/portal-sessions", gives=memberships.PortalAnswer)
def post_portal_session(ask: Ask[None]) -> Answer:
    """A page of the payment provider's on which the caller can end the membership."""
    url = open_portal(ask.fan, memberships=services.memberships(), subscriptions=services.subscriptions())
    return Answer(body=memberships.PortalAnswer(url=url))
