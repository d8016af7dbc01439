"""Wire types of memberships."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from chalicelib.domain.ids import iso
from chalicelib.domain.memberships import Membership
from chalicelib.domain.plans import Plan
from chalicelib.domain.purchases import SESSION_LIFE
from chalicelib.http.schemas.common import Price, price_of


class PlanResponse(Struct, kw_only=True):
    """Membership on sale: monthly `coins` for a monthly `price`."""

    plan_id: str
    name: str
    coins: int
    price: Price


class PlansResponse(Struct, kw_only=True):
    """Memberships on sale, smallest first."""

    plans: list[PlanResponse]


class MembershipRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Membership to join, at the catalogue's price and coins.

    `return_url` is the page to come back to, in one of the operator's origins.
    """

    plan_id: str
    currency: str | UnsetType = UNSET
    return_url: str = ""


class JoiningResponse(Struct, kw_only=True):
    """Opened membership. `url` is the subscription page, null when nothing is left to do."""

    id: str
    status: str
    plan_id: str
    coins: int
    price: Price
    expires_at: str
    url: str | None


class MembershipResponse(Struct, kw_only=True):
    """Membership: monthly `coins` for `price`; `active` while the fan is a member."""

    id: str
    plan_id: str
    status: str
    coins: int
    price: Price
    paid_until: str | None
    renews: bool
    active: bool


class PresentMembershipResponse(Struct, kw_only=True):
    """The fan's membership; null before the first."""

    membership: MembershipResponse | None


class PortalResponse(Struct, kw_only=True):
    """Short-lived address of the payment provider's portal."""

    url: str


def plans(on_sale: Sequence[Plan], currency: str) -> PlansResponse:
    """Convert plans with their prices in a currency that all have."""
    return PlansResponse(
        plans=[
            PlanResponse(
                plan_id=plan.plan_id,
                name=plan.name,
                coins=plan.coins,
                price=price_of(plan.prices[currency], currency),
            )
            for plan in on_sale
        ]
    )


def joining(membership: Membership, url: str | None) -> JoiningResponse:
    """Convert an opened membership."""
    return JoiningResponse(
        id=membership.membership_id,
        status=membership.status.value,
        plan_id=membership.plan_id,
        coins=membership.coins,
        price=price_of(membership.amount_minor, membership.currency),
        expires_at=iso(membership.created_at + SESSION_LIFE),
        url=url,
    )


def present(membership: Membership | None, now: datetime) -> PresentMembershipResponse:
    """Convert the fan's membership."""
    if membership is None:
        return PresentMembershipResponse(membership=None)
    return PresentMembershipResponse(
        membership=MembershipResponse(
            id=membership.membership_id,
            plan_id=membership.plan_id,
            status=membership.status.value,
            coins=membership.coins,
            price=price_of(membership.amount_minor, membership.currency),
            paid_until=iso(membership.paid_until) if membership.paid_until else None,
            renews=membership.renews,
            active=membership.is_active(now),
        )
    )
