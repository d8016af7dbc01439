"""What the routes of giving and earning take and give, as types."""

from typing import Any

from msgspec import Struct

from chalicelib.domain.economy import CoinRules, Earnings, Economy, GiftRules, Text
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.http.schemas.common import Price, price_of


class GiftRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to send: an item of the catalogue, or, as a cheer or a super chat, coins with a message."""

    creator_id: str
    kind: str = "gift"
    item_id: str = ""
    quantity: int = 1
    coins: int = 0
    message: str = ""
    anonymous: bool = False
    sender_name: str = ""
    stream_id: str = ""
    streak_id: str = ""


class GiftResponse(Struct, kw_only=True):
    """What was sent. `event_id` is what the world knows it by. A super chat has a color, and is pinned so long."""

    id: str
    event_id: str
    kind: str
    coins: int
    creator_id: str
    item_id: str | None
    quantity: int
    message: str
    anonymous: bool
    sender_name: str | None
    stream_id: str | None
    streak_id: str | None
    color: str | None
    pin_seconds: int
    sent_at: str


class TextResponse(Struct, kw_only=True):
    """How long a message may be; null where emoji are not counted."""

    max_characters: int
    max_bytes: int
    max_emoji: int | None


class TierResponse(TextResponse, kw_only=True):
    """What at least `min_coins` get."""

    min_coins: int
    color: str | None
    pin_seconds: int


class GiftRulesResponse(TextResponse, kw_only=True):
    """Gifts out of the catalogue. `streak_seconds` is the pause that ends a streak; 0: there are none."""

    max_quantity: int
    allows_anonymous: bool
    streak_seconds: int


class CoinRulesResponse(Struct, kw_only=True):
    """Coins with a message."""

    max_coins: int
    allows_anonymous: bool
    tiers: list[TierResponse]


class ShareResponse(Struct, kw_only=True):
    """What creators earn: `units` of `unit` for `per_coins` coins; `worth_units` of them are worth `worth`."""

    unit: str
    units: int
    per_coins: int
    worth_units: int
    worth: Price
    least_units: int


class EconomyResponse(Struct, kw_only=True):
    """The kinds of giving, null where there are none, and the creators' share; figures as of a month."""

    name: str
    as_of: str
    gift: GiftRulesResponse | None
    cheer: CoinRulesResponse | None
    super_chat: CoinRulesResponse | None
    creator: ShareResponse


class EarningsResponse(Struct, kw_only=True):
    """All that a creator was given: `coins`, what they come to in payout units, and in money; both rounded down."""

    coins: int
    unit: str
    units: int
    earned: Price
    can_withdraw: bool
    least_units: int


def gift(gift: Gift) -> GiftResponse:
    """A sent gift as the API shows it to its sender."""
    return GiftResponse(
        id=gift.gift_id,
        event_id=gift.event_id,
        kind=gift.kind.value,
        coins=gift.price_coins,
        creator_id=gift.creator_id,
        item_id=gift.item_id or None,
        quantity=gift.quantity,
        message=gift.message,
        anonymous=gift.anonymous,
        sender_name=gift.sender_name or None,
        stream_id=gift.stream_id or None,
        streak_id=gift.streak_id or None,
        color=gift.color or None,
        pin_seconds=gift.pin_seconds,
        sent_at=iso(gift.posted_at),
    )


def economy(economy: Economy) -> EconomyResponse:
    """An economy as the API shows it."""
    share = economy.share
    return EconomyResponse(
        name=economy.name,
        as_of=economy.as_of,
        gift=_gift_rules(economy.gift) if economy.gift else None,
        cheer=_coin_rules(economy.cheer) if economy.cheer else None,
        super_chat=_coin_rules(economy.super_chat) if economy.super_chat else None,
        creator=ShareResponse(
            unit=share.unit,
            units=share.units,
            per_coins=share.per_coins,
            worth_units=share.worth_units,
            worth=price_of(share.worth_minor, share.currency),
            least_units=share.least_units,
        ),
    )


def earnings(earned: Earnings, economy: Economy) -> EarningsResponse:
    """A creator's earnings as the API shows them."""
    return EarningsResponse(
        coins=earned.coins,
        unit=economy.share.unit,
        units=earned.units,
        earned=price_of(earned.amount_minor, earned.currency),
        can_withdraw=earned.can_withdraw,
        least_units=economy.share.least_units,
    )


def _gift_rules(rules: GiftRules) -> GiftRulesResponse:
    return GiftRulesResponse(
        max_quantity=rules.max_quantity,
        allows_anonymous=rules.allows_anonymous,
        streak_seconds=rules.streak_seconds,
        **_text(rules.text),
    )


def _coin_rules(rules: CoinRules) -> CoinRulesResponse:
    tiers = [
        TierResponse(
            min_coins=tier.min_coins, color=tier.color or None, pin_seconds=tier.pin_seconds, **_text(tier.text)
        )
        for tier in rules.tiers
    ]
    return CoinRulesResponse(max_coins=rules.max_coins, allows_anonymous=rules.allows_anonymous, tiers=tiers)


def _text(text: Text) -> dict[str, Any]:
    return {"max_characters": text.max_characters, "max_bytes": text.max_bytes, "max_emoji": text.max_emoji}
