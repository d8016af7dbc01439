"""Memberships on the deployed stack: opened by a fan, paid at the sandbox, and read again."""

from typing import Any, cast

import msgspec

from infra.local.billed import Billed
from infra.local.client import Fan
from infra.local.stripe_side import StripeSide

ALLOWANCE, PRICE = 500, 499


class OpenedMembership(msgspec.Struct, frozen=True):
    """A membership as the API returns it when it is opened."""

    id: str
    status: str
    coins: int
    url: str | None


def open_membership(fan: Fan) -> OpenedMembership:
    """Open a membership, which has no subscription yet."""
    return fan.post("/memberships", {"plan_id": "coin_club", "currency": "usd"}).read(201, OpenedMembership)


def subscribe(stripe: StripeSide, membership: OpenedMembership) -> Billed:
    """Pay the membership's first month."""
    assert membership.url is not None
    assert stripe.pay_at(membership.url).status == 303
    return stripe.subscription_of(membership.id)


def read_membership(fan: Fan) -> dict[str, Any]:
    """Read the fan's membership."""
    answer = fan.get("/membership").read(200, dict[str, Any])
    return cast("dict[str, Any]", answer["membership"])


def state_of(fan: Fan) -> tuple[str, bool]:
    """Return the membership's status, and if it renews."""
    found = read_membership(fan)
    return found["status"], found["renews"]
