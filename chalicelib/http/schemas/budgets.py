"""Budgets and self-exclusions."""

from typing import Annotated

from msgspec import Meta, Struct, field

from chalicelib.domain.budgets import MAX_LIMIT, NO_LIMIT, UNLIMITED, Limits, PendingLimits
from chalicelib.domain.ids import iso
from chalicelib.domain.memberships import Membership
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.wallets import Wallet

Amount = Annotated[int, Meta(ge=0, le=MAX_LIMIT)]


class Amounts(Struct, forbid_unknown_fields=True, kw_only=True):
    """Limit per period, in coins or minor units; null for no limit."""

    day: Amount | None = None
    week: Amount | None = None
    month: Amount | None = None


class BudgetRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Complete set of limits. `currency` belongs to the money limits and is required only with them."""

    zone: str
    currency: str | None = None
    coins: Amounts = field(default_factory=Amounts)
    money: Amounts = field(default_factory=Amounts)


class ExclusionRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Number of days to exclude the caller from spending."""

    days: int


class LimitResponse(Struct, kw_only=True):
    """A limit, its remainder and the time of its renewal."""

    limit: int
    left: int
    resets_at: str


class LimitsResponse(Struct, kw_only=True):
    """Limit per period; null for no limit."""

    day: LimitResponse | None
    week: LimitResponse | None
    month: LimitResponse | None


class PendingResponse(Struct, kw_only=True):
    """Less strict limits that apply from `applies_at`."""

    zone: str
    currency: str | None
    coins: Amounts
    money: Amounts
    applies_at: str


class BudgetResponse(Struct, kw_only=True):
    """The fan's limits. `zone` is null before the first."""

    zone: str | None
    currency: str | None
    coins: LimitsResponse
    money: LimitsResponse
    pending: PendingResponse | None
    excluded_until: str | None


class OngoingMembershipResponse(Struct, kw_only=True):
    """A membership that renews in spite of the exclusion, and the route of the portal that ends it."""

    id: str
    paid_until: str | None
    portal: str


class ExclusionResponse(Struct, kw_only=True):
    """End of the self-exclusion, and payments that can still be made.

    `checkouts_closed` payment pages were closed. `checkouts_open` could not be closed, and end at `open_until`.
    """

    excluded_until: str
    checkouts_closed: int
    checkouts_open: int
    open_until: str | None
    membership: OngoingMembershipResponse | None


def ongoing(membership: Membership) -> OngoingMembershipResponse:
    """Convert a membership that renews."""
    return OngoingMembershipResponse(
        id=membership.membership_id,
        paid_until=iso(membership.paid_until) if membership.paid_until else None,
        portal="/v1/membership/portal-sessions",
    )


def limits(request: BudgetRequest) -> Limits:
    """Convert the requested limits."""
    return Limits(
        zone=request.zone, currency=request.currency, coins=_wished(request.coins), money=_wished(request.money)
    )


def budget(wallet: Wallet) -> BudgetResponse:
    """Convert a current budget."""
    until = iso(wallet.excluded_until) if wallet.excluded_until else None
    budget = wallet.budget
    if budget is None:
        none = LimitsResponse(day=None, week=None, month=None)
        return BudgetResponse(zone=None, currency=None, coins=none, money=none, pending=None, excluded_until=until)
    ends = ByPeriod(*map(iso, budget.ends))
    return BudgetResponse(
        zone=budget.limits.zone,
        currency=budget.limits.currency,
        coins=_limits(budget.limits.coins, budget.coins_left, ends),
        money=_limits(budget.limits.money, budget.money_left, ends),
        pending=_pending(budget.pending) if budget.pending else None,
        excluded_until=until,
    )


def _limits(limits: ByPeriod[int], left: ByPeriod[int], ends: ByPeriod[str]) -> LimitsResponse:
    day, week, month = (
        None if limit == UNLIMITED else LimitResponse(limit=limit, left=max(rest, 0), resets_at=end)
        for limit, rest, end in zip(limits, left, ends, strict=True)
    )
    return LimitsResponse(day=day, week=week, month=month)


def _pending(pending: PendingLimits) -> PendingResponse:
    return PendingResponse(
        zone=pending.limits.zone,
        currency=pending.limits.currency,
        coins=_amounts(pending.limits.coins),
        money=_amounts(pending.limits.money),
        applies_at=iso(pending.at),
    )


def _amounts(limits: ByPeriod[int]) -> Amounts:
    day, week, month = (None if limit == UNLIMITED else limit for limit in limits)
    return Amounts(day=day, week=week, month=month)


def _wished(amounts: Amounts) -> ByPeriod[int]:
    asked = (amounts.day, amounts.week, amounts.month)
    return ByPeriod(*(none if amount is None else amount for amount, none in zip(asked, NO_LIMIT, strict=True)))
