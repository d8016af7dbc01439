"""Membership plans."""

from collections.abc import Mapping

from msgspec import Struct


class Plan(Struct, frozen=True, kw_only=True):
    """A monthly membership: `coins` each month, for `prices[currency]` in minor units."""

    plan_id: str
    name: str
    coins: int
    prices: Mapping[str, int]
