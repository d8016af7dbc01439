"""What memberships are on sale."""

from collections.abc import Mapping

from msgspec import Struct


class Plan(Struct, frozen=True, kw_only=True):
    """A membership that is paid by the month: `coins` each month, for `prices[currency]` in minor units."""

    plan_id: str
    name: str
    coins: int
    prices: Mapping[str, int]
