"""Giving and earning: what a fan sends, and what its creator has of it."""

from typing import Final

from chalice.app import Blueprint

from chalicelib import answers, web, wiring
from chalicelib.answers import Answer
from chalicelib.domain.gifts import GiftOrder
from chalicelib.domain.ledger import Gift
from chalicelib.routes import gift_schemas
from chalicelib.usecases.read_entry import read_entry
from chalicelib.usecases.send_gift import send_gift
from chalicelib.web import Ask

CREATOR: Final = "creator"

api = web.Api(Blueprint(__name__), wiring.verify)


@api.route("GET", "/v1/economy", gives=gift_schemas.EconomyAnswer, auth="none")
def get_economy(_ask: Ask[None]) -> Answer:
    """How fans can give here, and what creators earn."""
    return Answer(body=gift_schemas.economy(wiring.catalogue().economy), cacheable=True)


@api.route("POST", "/v1/gifts", takes=gift_schemas.GiftRequest, gives=gift_schemas.GiftAnswer)
def post_gift(ask: Ask[gift_schemas.GiftRequest]) -> Answer:
    """Send a gift, a cheer or a super chat to a creator."""
    order = GiftOrder(
        gift_id=ask.key,
        user_id=ask.fan,
        creator_id=ask.body.creator_id,
        kind=ask.body.kind,
        item_id=ask.body.item_id,
        quantity=ask.body.quantity,
        coins=ask.body.coins,
        message=ask.body.message,
        anonymous=ask.body.anonymous,
        sender_name=ask.body.sender_name,
        stream_id=ask.body.stream_id,
        streak_id=ask.body.streak_id,
    )
    sent = send_gift(
        order,
        catalogue=wiring.catalogue(),
        ledger=wiring.ledger(),
        clock=wiring.clock(),
        creator_lanes=wiring.settings().creator_lanes,
    )
    return answers.made(gift_schemas.gift(sent.gift), is_repeat=sent.is_repeat)


@api.route("GET", "/v1/gifts/{id}", gives=gift_schemas.GiftAnswer)
def get_gift(ask: Ask[None]) -> Answer:
    """A gift that the caller sent."""
    return Answer(body=gift_schemas.gift(read_entry(ask.fan, ask.path_id, Gift, ledger=wiring.ledger())))


@api.route("GET", "/v1/creator/earnings", gives=gift_schemas.EarningsAnswer, scope=CREATOR)
def get_earnings(ask: Ask[None]) -> Answer:
    """What the caller, a creator, was given."""
    economy = wiring.catalogue().economy
    earned = economy.earnings(wiring.ledger().creator_coins(ask.fan))
    return Answer(body=gift_schemas.earnings(earned, economy))
