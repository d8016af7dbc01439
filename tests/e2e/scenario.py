"""The parts of a scenario of an economy: bundles on sale, gifts, rejected requests and earnings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LETTER = "ん"
"""A character of three bytes in UTF-8, for limits in characters."""


@dataclass(frozen=True, kw_only=True)
class Sold:
    """A bundle on sale. `coins` includes the bonus."""

    bundle_id: str
    coins: int
    amount_minor: int
    bonus_coins: int = 0


@dataclass(frozen=True, kw_only=True)
class Give:
    """A gift, cheer or super chat that succeeds, its cost, and the color of a super chat's tier.

    `published_message` is the published message where it differs from the request's.
    """

    request: Mapping[str, Any]
    coins: int
    published_message: str | None = None
    color: str | None = None
    pin_seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Streak:
    """A streak of one item: `times` gifts that cost `coins` in all."""

    item_id: str
    times: int
    coins: int


@dataclass(frozen=True, kw_only=True)
class Reject:
    """A request that the economy rejects."""

    request: Mapping[str, Any]
    code: str
    status: int = 422
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Earn:
    """The creator's earnings at this point."""

    coins: int
    units: int
    amount_minor: int
    can_withdraw: bool = True


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The bundles on sale by channel, the bundle that the fan buys on the web, and the steps after that."""

    name: str
    currency: str
    sold: Mapping[str, Sequence[Sold]]
    bought: Sold
    steps: Sequence[Give | Streak | Reject | Earn]
    unit: str
    creator_currency: str
    coins_left: int


def gift(item_id: str, quantity: int, coins: int, **request: Any) -> Give:
    return Give(request={"item_id": item_id, "quantity": quantity} | request, coins=coins)


def cheer(coins: int, **request: Any) -> Give:
    return Give(request={"kind": "cheer", "coins": coins} | request, coins=coins)


def chat(coins: int, color: str, pin_seconds: int, characters: int = 0) -> Give:
    """Build a super chat with the longest message of its tier."""
    return Give(request=chat_request(coins, LETTER * characters), coins=coins, color=color, pin_seconds=pin_seconds)


def too_long(coins: int, characters: int, coins_needed: int) -> Reject:
    """Build a super chat one coin below a tier with that tier's message length: the problem names the tier's coins."""
    return Reject(
        request=chat_request(coins, LETTER * characters), code="message_too_long", fields={"coins_needed": coins_needed}
    )


def unaffordable(coins: int, characters: int) -> Reject:
    """Build a super chat with the same message at the tier, which only the wallet does not cover."""
    request = chat_request(coins, LETTER * characters)
    return Reject(request=request, code="insufficient_coins", status=402, fields={"needed": coins})


def not_offered(what: str, /, **request: Any) -> Reject:
    return Reject(request=request, code="not_offered", fields={"what": what})


def out_of_range(kind: str, coins: int, minimum: int, maximum: int) -> Reject:
    fields = {"min_coins": minimum, "max_coins": maximum}
    return Reject(request={"kind": kind, "coins": coins}, code="coins_out_of_range", fields=fields)


def chat_request(coins: int, message: str) -> dict[str, Any]:
    return {"kind": "super_chat", "coins": coins, "message": message}
