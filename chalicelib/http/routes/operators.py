"""What operators do: the token's scope must list `operator`. Every act needs a key and a reason, and is kept."""

from typing import Any, Final

from chalice.app import Blueprint

from chalicelib import services
from chalicelib.domain.operators import Act, GrantOrder
from chalicelib.errors import InvalidField, NotFound
from chalicelib.http import routing
from chalicelib.http.responses import Answer, made
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import common, operators
from chalicelib.usecases.operators import freeze_wallet, grant_coins, reverse_gift, settle_review

SCOPE: Final = "operator"

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/operator/reviews", gives=operators.ReviewsAnswer, scope=SCOPE, query=("month",))
def get_reviews(ask: Ask[None]) -> Answer:
    """The payments of a month that match no purchase of ours, settled or not."""
    month = ask.query("month", f"{services.clock().now():%Y-%m}")
    if not operators.is_month(month):
        raise InvalidField("month", "a month, like 2026-11")
    return Answer(body=operators.reviews(services.desk().list_reviews(month)))


@api.route(
    "POST",
    "/v1/operator/settlements",
    takes=operators.SettlementRequest,
    gives=operators.ReviewAnswer,
    scope=SCOPE,
)
def post_settlement(ask: Ask[operators.SettlementRequest]) -> Answer:
    """Settle a review: credit its coins, or refuse them."""
    month, _, payment_id = ask.body.review_id.partition(".")
    if not (operators.is_month(month) and operators.is_payment_id(payment_id)):
        raise NotFound("There is no such review.")
    review = settle_review(
        month, payment_id, ask.body.decision, _act(ask, ask.body.reason), desk=services.desk(), clock=services.clock()
    )
    return Answer(body=operators.review(review))


@api.route(
    "POST",
    "/v1/operator/freezes",
    takes=operators.FreezeRequest,
    gives=operators.FreezeAnswer,
    scope=SCOPE,
)
def post_freeze(ask: Ask[operators.FreezeRequest]) -> Answer:
    """Stop a wallet from spending, or let it spend again."""
    act = _act(ask, ask.body.reason)
    freeze_wallet(ask.body.user_id, act, is_frozen=ask.body.frozen, desk=services.desk(), clock=services.clock())
    return Answer(body=operators.FreezeAnswer(user_id=ask.body.user_id, frozen=ask.body.frozen))


@api.route("POST", "/v1/operator/grants", takes=operators.GrantRequest, gives=common.EntryAnswer, scope=SCOPE)
def post_grant(ask: Ask[operators.GrantRequest]) -> Answer:
    """Give a fan coins."""
    order = GrantOrder(act=_act(ask, ask.body.reason), user_id=ask.body.user_id, coins=ask.body.coins)
    granted = grant_coins(order, desk=services.desk(), clock=services.clock())
    return made(common.entry(granted.adjustment), is_repeat=granted.is_repeat)


@api.route("POST", "/v1/operator/reversals", takes=operators.ReversalRequest, gives=common.EntryAnswer, scope=SCOPE)
def post_reversal(ask: Ask[operators.ReversalRequest]) -> Answer:
    """Take a gift back: the fan has the coins again, and the creator no longer."""
    reversal = reverse_gift(
        ask.body.user_id,
        ask.body.gift_id,
        _act(ask, ask.body.reason),
        ledger=services.ledger(),
        desk=services.desk(),
        clock=services.clock(),
    )
    return made(common.entry(reversal.adjustment), is_repeat=reversal.is_repeat)


def _act(ask: Ask[Any], reason: str) -> Act:
    return Act(key=ask.key, actor=ask.fan, reason=reason)
