"""Giving and earning: what a fan sends, and what its creator has of it."""

from typing import Final

from chalice.app import Blueprint

from chalicelib import services
from chalicelib.domain.gifts import Gift, GiftOrder
from chalicelib.http import responses, routing
from chalicelib.http.responses import Answer
from chalicelib.http.routing import Ask
from chalicelib.http.schemas import gifts
from chalicelib.usecases.gifts import send_gift
from chalicelib.usecases.queries import read_entry

CREATOR: Final = "creator"

api = routing.Api(Blueprint(__name__), services.verify)


@api.route("GET", "/v1/economy", gives=gifts.EconomyAnswer, auth="none")
def get_economy(_ask: Ask[None]) -> Answer:
    """How fans can give here, and what creators earn."""
    return Answer(body=gifts.economy(services.catalogue().economy), cacheable=True)


@api.route("POST", "/v1/gifts", takes=gifts.GiftRequest, gives=gifts.GiftAnswer)
def post_gift(ask: Ask[gifts.GiftRequest]) -> Answer:
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
        catalogue=services.catalogue(),
        ledger=services.ledger(),
        clock=services.clock(),
        creator_lanes=services.settings().creator_lanes,
    )
    return responses.made(gifts.gift(sent.gift), is_repeat=sent.is_repeat)


@api.route("GET", "/v1/gifts/{id}", gives=gifts.GiftAnswer)
def get_gift(ask: Ask[None]) -> Answer:
    """A gift that the caller sent."""
    return Answer(body=gifts.gift(read_entry(ask.fan, ask.path_id, Gift, ledger=services.ledger())))


@api.route("GET", "/v1/creator/earnings", gives=gifts.EarningsAnswer, scope=CREATOR)
def get_earnings(ask: Ask[None]) -> Answer:
    """What the caller, a creator, was given."""
    economy = services.catalogue().economy
    earned = economy.earnings(services.ledger().creator_coins(ask.fan))
    return Answer(body=gifts.earnings(earned, economy))
