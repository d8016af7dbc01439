"""Wire types of gifts and earnings."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from chalicelib.domain.catalogue import Catalogue
from chalicelib.domain.economy import CoinRules, Earnings, Economy, GiftRules, Text
from chalicelib.domain.gifts import Gift
from chalicelib.domain.ids import iso
from chalicelib.http.schemas.common import Price, address_of, price_of


class GiftRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Item of the catalogue, or coins with a message (cheer, super chat).

    A field that belongs to other kinds of gifts must be left out.
    """

    creator_id: str
    kind: str = "gift"
    item_id: str | UnsetType = UNSET
    quantity: int | UnsetType = UNSET
    coins: int | UnsetType = UNSET
    message: str = ""
    anonymous: bool = False
    sender_name: str = ""
    stream_id: str = ""
    streak_id: str | UnsetType = UNSET

    @property
    def fields_of_kind(self) -> dict[str, Any]:
        """The fields sent that not all kinds of gifts have."""
        fields = {name: getattr(self, name) for name in ("item_id", "quantity", "coins", "streak_id")}
        return {name: value for name, value in fields.items() if value is not UNSET}


class GiftResponse(Struct, kw_only=True):
    """Sent gift. `event_id` is its id in events. A super chat has a color and a pin time."""

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
    """Limits of a message; `max_emoji` is null if emoji are not counted."""

    max_characters: int
    max_bytes: int
    max_emoji: int | None


class TierResponse(TextResponse, kw_only=True):
    """Tier from `min_coins`."""

    min_coins: int
    color: str | None
    pin_seconds: int


class GiftRulesResponse(TextResponse, kw_only=True):
    """Gifts of the catalogue. `streak_seconds` is the pause that ends a streak; 0 without streaks."""

    max_quantity: int
    allows_anonymous: bool
    streak_seconds: int


class CoinRulesResponse(Struct, kw_only=True):
    """Rules for coins with a message."""

    max_coins: int
    allows_anonymous: bool
    tiers: list[TierResponse]


class ShareResponse(Struct, kw_only=True):
    """Creators' share: `units` of `unit` per `per_coins` coins; `worth_units` units are worth `worth`."""

    unit: str
    units: int
    per_coins: int
    worth_units: int
    worth: Price
    least_units: int


class UnitResponse(Struct, kw_only=True):
    """Names of one unit and of several; `image` is relative to the API's address, or absolute."""

    singular: str
    plural: str
    image: str | None


class EconomyResponse(Struct, kw_only=True):
    """Kinds of gifts, null if not offered, and the creators' share; figures as of a month."""

    name: str
    as_of: str
    gift: GiftRulesResponse | None
    cheer: CoinRulesResponse | None
    super_chat: CoinRulesResponse | None
    creator: ShareResponse
    unit: UnitResponse


class EarningsResponse(Struct, kw_only=True):
    """Lifetime `coins` of a creator, in payout units and in money, both rounded down."""

    coins: int
    unit: str
    units: int
    earned: Price
    can_withdraw: bool
    least_units: int


def gift(gift: Gift) -> GiftResponse:
    """Convert a gift for its sender."""
    return GiftResponse(
        id=gift.gift_id,
        event_id=gift.event_id,
        kind=gift.kind.value,
        coins=gift.price_coins,
        creator_id=gift.creator_id,
        item_id=gift.item_id,
        quantity=gift.quantity,
        message=gift.message,
        anonymous=gift.anonymous,
        sender_name=gift.sender_name,
        stream_id=gift.stream_id,
        streak_id=gift.streak_id,
        color=gift.color,
        pin_seconds=gift.pin_seconds,
        sent_at=iso(gift.posted_at),
    )


def economy(catalogue: Catalogue) -> EconomyResponse:
    """Convert a catalogue's economy."""
    economy, unit = catalogue.economy, catalogue.unit
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
        unit=UnitResponse(singular=unit.singular, plural=unit.plural, image=address_of(unit.image)),
    )


def earnings(earned: Earnings, economy: Economy) -> EarningsResponse:
    """Convert a creator's earnings."""
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
        TierResponse(min_coins=tier.min_coins, color=tier.color, pin_seconds=tier.pin_seconds, **_text(tier.text))
        for tier in rules.tiers
    ]
    return CoinRulesResponse(max_coins=rules.max_coins, allows_anonymous=rules.allows_anonymous, tiers=tiers)


def _text(text: Text) -> dict[str, Any]:
    return {"max_characters": text.max_characters, "max_bytes": text.max_bytes, "max_emoji": text.max_emoji}
