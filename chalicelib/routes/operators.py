"""What operators do: the token's scope must list `operator`. Every act needs a key and a reason, and is kept."""

from typing import Any, Final

from chalice.app import Blueprint

from chalicelib import schemas, web, wiring
from chalicelib.answers import Answer, made
from chalicelib.domain.operators import Act, GrantOrder
from chalicelib.errors import InvalidField, NotFound
from chalicelib.routes import operator_schemas
from chalicelib.usecases.freeze_wallet import freeze_wallet
from chalicelib.usecases.grant_coins import grant_coins
from chalicelib.usecases.reverse_gift import reverse_gift
from chalicelib.usecases.settle_review import settle_review
from chalicelib.web import Ask

SCOPE: Final = "operator"

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/operator/reviews", gives=operator_schemas.ReviewsAnswer, scope=SCOPE, query=("month",))
def get_reviews(ask: Ask[None]) -> Answer:
    """The payments of a month that match no purchase of ours, settled or not."""
    month = ask.query("month", f"{wiring.clock().now():%Y-%m}")
    if not operator_schemas.is_month(month):
        raise InvalidField("month", "a month, like 2026-11")
    return Answer(body=operator_schemas.reviews(wiring.desk().list_reviews(month)))


@api.route(
    "POST",
    "/v1/operator/settlements",
    takes=operator_schemas.SettlementRequest,
    gives=operator_schemas.ReviewAnswer,
    scope=SCOPE,
)
def post_settlement(ask: Ask[operator_schemas.SettlementRequest]) -> Answer:
    """Settle a review: credit its coins, or refuse them."""
    month, _, payment_id = ask.body.review_id.partition(".")
    if not (operator_schemas.is_month(month) and operator_schemas.is_payment_id(payment_id)):
        raise NotFound("There is no such review.")
    review = settle_review(
        month, payment_id, ask.body.decision, _act(ask, ask.body.reason), desk=wiring.desk(), clock=wiring.clock()
    )
    return Answer(body=operator_schemas.review(review))


@api.route(
    "POST",
    "/v1/operator/freezes",
    takes=operator_schemas.FreezeRequest,
    gives=operator_schemas.FreezeAnswer,
    scope=SCOPE,
)
def post_freeze(ask: Ask[operator_schemas.FreezeRequest]) -> Answer:
    """Stop a wallet from spending, or let it spend again."""
    act = _act(ask, ask.body.reason)
    freeze_wallet(ask.body.user_id, act, is_frozen=ask.body.frozen, desk=wiring.desk(), clock=wiring.clock())
    return Answer(body=operator_schemas.FreezeAnswer(user_id=ask.body.user_id, frozen=ask.body.frozen))


@api.route("POST", "/v1/operator/grants", takes=operator_schemas.GrantRequest, gives=schemas.EntryAnswer, scope=SCOPE)
def post_grant(ask: Ask[operator_schemas.GrantRequest]) -> Answer:
    """Give a fan coins."""
    order = GrantOrder(act=_act(ask, ask.body.reason), user_id=ask.body.user_id, coins=ask.body.coins)
    granted = grant_coins(order, desk=wiring.desk(), clock=wiring.clock())
    return made(schemas.entry(granted.adjustment), is_repeat=granted.is_repeat)


@api.route(
    "POST", "/v1/operator/reversals", takes=operator_schemas.ReversalRequest, gives=schemas.EntryAnswer, scope=SCOPE
)
def post_reversal(ask: Ask[operator_schemas.ReversalRequest]) -> Answer:
    """Take a gift back: the fan has the coins again, and the creator no longer."""
    reversal = reverse_gift(
        ask.body.user_id,
        ask.body.gift_id,
        _act(ask, ask.body.reason),
        ledger=wiring.ledger(),
        desk=wiring.desk(),
        clock=wiring.clock(),
    )
    return made(schemas.entry(reversal.adjustment), is_repeat=reversal.is_repeat)


def _act(ask: Ask[Any], reason: str) -> Act:
    return Act(key=ask.key, actor=ask.fan, reason=reason)
