"""What the membership routes take and give, as types."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from chalicelib.domain.ids import iso
from chalicelib.domain.memberships import Membership
from chalicelib.domain.plans import Plan
from chalicelib.domain.purchases import SESSION_LIFE
from chalicelib.http.schemas.common import Price, price_of


class PlanResponse(Struct, kw_only=True):
    """A membership on sale: `coins` each month for `price` each month."""

    plan_id: str
    name: str
    coins: int
    price: Price


class PlansResponse(Struct, kw_only=True):
    """The memberships on sale, smallest first."""

    plans: list[PlanResponse]


class MembershipRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A membership to join. The price and the coins are ours to say."""

    plan_id: str
    currency: str = "usd"


class JoiningResponse(Struct, kw_only=True):
    """A membership that was asked for. `url` is where to subscribe; null when there is nothing to do there any more."""

    id: str
    status: str
    plan_id: str
    coins: int
    price: Price
    expires_at: str
    url: str | None


class MembershipResponse(Struct, kw_only=True):
    """A membership. `coins` come with each month for `price`; `active` says whether its holder is a member now."""

    id: str
    plan_id: str
    status: str
    coins: int
    price: Price
    paid_until: str | None
    renews: bool
    active: bool


class PresentMembershipResponse(Struct, kw_only=True):
    """The fan's membership; null for who never asked for one."""

    membership: MembershipResponse | None


class PortalResponse(Struct, kw_only=True):
    """Where the membership can be seen and ended, for a while."""

    url: str


def plans(on_sale: Sequence[Plan], currency: str) -> PlansResponse:
    """The plans as the API shows them, at their prices in a currency that all of them are on sale in."""
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
    """A membership as its order is answered."""
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
    """The fan's membership as the API shows it."""
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
