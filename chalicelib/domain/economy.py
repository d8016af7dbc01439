"""Rules of an economy: kinds of gift, their limits, and the creators' share."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chalicelib.domain.ids import is_tag
from chalicelib.domain.messages import MAX_BYTES, MAX_CHARACTERS
from chalicelib.domain.money import EXPONENTS, MAX_AMOUNT


class GiftKind(StrEnum):
    """Kinds of gift: a catalogue item, coins with a message, or coins that pin a message in the chat."""

    GIFT = "gift"
    CHEER = "cheer"
    SUPER_CHAT = "super_chat"


MAX_QUANTITY: Final = 9_999
"""Upper bound of a gift's quantity in any economy."""
MAX_STREAK_SECONDS: Final = 600
"""Upper bound of a streak's pause in any economy. An SQS message can be delayed by at most 15 minutes."""


class CatalogueError(ValueError):
    """An invalid catalogue. The message names the place and the rule.

    `where` is the path in the file: names of members, and the id or index of an element in a list.
    """

    def __init__(self, where: Sequence[str | int], rule: str) -> None:
        super().__init__(f"{'.'.join(str(step) for step in where)}: {rule}")
        self.where = tuple(where)


class Text(Struct, frozen=True, kw_only=True):
    """Limits of a message; `max_bytes` in UTF-8, with the sender's name. `max_emoji` is None without a limit."""

    max_characters: int
    max_bytes: int
    max_emoji: int | None = None


class GiftRules(Struct, frozen=True, kw_only=True):
    """Rules for catalogue items. `streak_seconds` is the pause that ends a streak; 0: no streaks."""

    max_quantity: int
    text: Text
    allows_anonymous: bool
    streak_seconds: int


class Tier(Struct, frozen=True, kw_only=True):
    """The color, pin time and message limits of gifts from `min_coins` on. Cheers have no color and are not pinned."""

    min_coins: int
    text: Text
    color: str | None = None
    pin_seconds: int = 0


class CoinRules(Struct, frozen=True, kw_only=True):
    """Rules for cheers and super chats. `tiers` are in ascending order; a cheer has one."""

    tiers: Sequence[Tier]
    max_coins: int
    allows_anonymous: bool

    def tier(self, coins: int) -> Tier | None:
        """Return the highest tier that the coins reach, or None."""
        return next((tier for tier in reversed(self.tiers) if coins >= tier.min_coins), None)


class CreatorShare(Struct, frozen=True, kw_only=True):
    """The creators' share: `units` of the payout `unit` for every `per_coins` coins.

    `worth_units` are worth `worth_minor` in the minor unit of `currency`. `least_units` is the smallest payout.
    """

    unit: str
    units: int
    per_coins: int
    worth_units: int
    worth_minor: int
    currency: str
    least_units: int


class Earnings(Struct, frozen=True, kw_only=True):
    """A creator's earnings. `units` and `amount_minor` are rounded down; the platform keeps the rest."""

    coins: int
    units: int
    amount_minor: int
    currency: str
    can_withdraw: bool


class Economy(Struct, frozen=True, kw_only=True):
    """An economy's kinds of gift and its creators' share. `as_of` and `source` are the figures' date and origin.

    Raises:
        CatalogueError: a field breaks its rule.
    """

    name: str
    as_of: str
    source: str
    gift: GiftRules | None
    cheer: CoinRules | None
    super_chat: CoinRules | None
    share: CreatorShare

    def __post_init__(self) -> None:
        if not (self.gift or self.cheer or self.super_chat):
            raise CatalogueError(["kinds"], "at least one kind of giving")
        if self.gift:
            _check_gift(self.gift)
        for kind in (GiftKind.CHEER, GiftKind.SUPER_CHAT):
            if isinstance(rules := self.rules(kind), CoinRules):
                _check_tiers(("kinds", kind.value), rules)
        _check_share(self.share)

    def rules(self, kind: GiftKind) -> GiftRules | CoinRules | None:
        """Return the rules of a kind of gift, or None when it is not offered."""
        return {GiftKind.GIFT: self.gift, GiftKind.CHEER: self.cheer, GiftKind.SUPER_CHAT: self.super_chat}[kind]

    def earnings(self, coins: int) -> Earnings:
        """Compute the earnings of all coins that a creator received. A total below zero earns nothing."""
        share = self.share
        units = max(coins, 0) * share.units // share.per_coins
        return Earnings(
            coins=coins,
            units=units,
            amount_minor=units * share.worth_minor // share.worth_units,
            currency=share.currency,
            can_withdraw=units >= max(share.least_units, 1),
        )


def require_whole(where: Sequence[str | int], amount: int, least: int = 1, most: int = MAX_AMOUNT) -> None:
    """Raise CatalogueError when the amount is outside its limits."""
    if not least <= amount <= most:
        raise CatalogueError(where, f"a whole number from {least} to {most}")


def _check_gift(rules: GiftRules) -> None:
    where = ("kinds", "gift")
    require_whole([*where, "max_quantity"], rules.max_quantity, 1, MAX_QUANTITY)
    require_whole([*where, "streak_seconds"], rules.streak_seconds, 0, MAX_STREAK_SECONDS)
    _check_text(where, rules.text)


def _check_tiers(where: Sequence[str | int], rules: CoinRules) -> None:
    if not rules.tiers:
        raise CatalogueError([*where, "tiers"], "at least one tier")
    reached, longest = 0, 0
    for place, tier in enumerate(rules.tiers):
        here = (*where, "tiers", place)
        require_whole([*here, "min_coins"], tier.min_coins, reached + 1)
        if tier.color is not None and not is_tag(tier.color):
            raise CatalogueError([*here, "color"], "1-64 characters of A-Z a-z 0-9 _ -")
        require_whole([*here, "pin_seconds"], tier.pin_seconds, 0)
        _check_text(here, tier.text)
        # MessageTooLong says that more coins allow a longer message, so limits must not shrink with the tier.
        require_whole([*here, "max_characters"], tier.text.max_characters, longest, MAX_CHARACTERS)
        reached, longest = tier.min_coins, tier.text.max_characters
    require_whole([*where, "max_coins"], rules.max_coins, reached)


def _check_text(where: Sequence[str | int], text: Text) -> None:
    require_whole([*where, "max_characters"], text.max_characters, 0, MAX_CHARACTERS)
    require_whole([*where, "max_bytes"], text.max_bytes, 0, MAX_BYTES)
    if text.max_emoji is not None:
        require_whole([*where, "max_emoji"], text.max_emoji, 0, MAX_CHARACTERS)


def _check_share(share: CreatorShare) -> None:
    where = ("creator",)
    if not is_tag(share.unit):
        raise CatalogueError([*where, "unit"], "1-64 characters of A-Z a-z 0-9 _ -")
    for field in ("per_coins", "worth_units", "worth_minor"):
        require_whole([*where, field], getattr(share, field))
    require_whole([*where, "units"], share.units, 0)
    require_whole([*where, "least_units"], share.least_units, 0)
    if share.currency not in EXPONENTS:
        raise CatalogueError([*where, "currency"], "a lowercase ISO 4217 code that the payment provider takes")
