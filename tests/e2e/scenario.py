"""What scenarios of economies are made of: what is sold, given, refused and earned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LETTER = "ん"
"""Messages are counted in characters where a tier says so: this one has three bytes."""


@dataclass(frozen=True, kw_only=True)
class Sold:
    """A bundle on sale. `coins` counts the bonus."""

    bundle_id: str
    coins: int
    amount_minor: int
    bonus_coins: int = 0


@dataclass(frozen=True, kw_only=True)
class Give:
    """A gift, a cheer or a super chat, and what it costs; a super chat's tier also has a color.

    `told` is the message that the world hears, where cleaning changes it.
    """

    wish: Mapping[str, Any]
    coins: int
    told: str | None = None
    color: str | None = None
    pin_seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Tap:
    """A streak: one item, tap by tap. `coins` in all."""

    item_id: str
    times: int
    coins: int


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """What the economy does not have, or not so."""

    wish: Mapping[str, Any]
    code: str
    status: int = 422
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Earn:
    """What the creator then sees of it all."""

    coins: int
    units: int
    amount_minor: int
    can_withdraw: bool = True


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is on sale by channel, what the fan buys on the web, and what happens then; it ends with what is earned."""

    name: str
    currency: str
    sold: Mapping[str, Sequence[Sold]]
    bought: Sold
    steps: Sequence[Give | Tap | Refuse | Earn]
    unit: str
    creator_currency: str
    left: int


def gift(item_id: str, quantity: int, coins: int, **wish: Any) -> Give:
    return Give(wish={"item_id": item_id, "quantity": quantity} | wish, coins=coins)


def cheer(coins: int, **wish: Any) -> Give:
    return Give(wish={"kind": "cheer", "coins": coins} | wish, coins=coins)


def chat(coins: int, color: str, pin_seconds: int, characters: int = 0) -> Give:
    """A super chat with the longest message that its tier takes."""
    return Give(wish=wish_of_chat(coins, LETTER * characters), coins=coins, color=color, pin_seconds=pin_seconds)


def too_long(coins: int, characters: int, enough: int) -> Refuse:
    """One coin below a tier, with a message that the tier would take: the answer names the tier."""
    return Refuse(
        wish=wish_of_chat(coins, LETTER * characters), code="message_too_long", facts={"coins_needed": enough}
    )


def too_dear(coins: int, characters: int) -> Refuse:
    """The same message at the tier: nothing speaks against it but the wallet."""
    wish = wish_of_chat(coins, LETTER * characters)
    return Refuse(wish=wish, code="insufficient_coins", status=402, facts={"needed": coins})


def no_such(what: str, /, **wish: Any) -> Refuse:
    return Refuse(wish=wish, code="not_offered", facts={"what": what})


def out_of_range(kind: str, coins: int, least: int, most: int) -> Refuse:
    facts = {"min_coins": least, "max_coins": most}
    return Refuse(wish={"kind": kind, "coins": coins}, code="coins_out_of_range", facts=facts)


def wish_of_chat(coins: int, message: str) -> dict[str, Any]:
    return {"kind": "super_chat", "coins": coins, "message": message}
