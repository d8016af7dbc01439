"""Budgets: a fan's own limits on coins and money by day, week and month of their time zone.

The wallet stores the amounts left, because a DynamoDB condition cannot add: every gift and checkout lowers them, and
they are reset when their period ends. Lower limits apply at once; higher limits, or none, apply a day later.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.periods import PERIODS, ByPeriod, is_zone, period_begins, period_ends
from chalicelib.errors import InvalidField

UNLIMITED: Final = 10**15
"""The value of a limit that is not set: more than can be spent in a period."""
MAX_LIMIT: Final = 999_999_999
"""The highest limit, in coins or in a currency's minor unit."""
MAX_DAYS: Final = 1826
"""The longest self-exclusion of one request: five years."""
COOL_OFF: Final = timedelta(hours=24)
"""Delay of less strict limits."""

T = TypeVar("T")
_MOMENT: Final = timedelta(milliseconds=1)


NO_LIMIT: Final = ByPeriod(UNLIMITED, UNLIMITED, UNLIMITED)


class Limits(Struct, frozen=True, kw_only=True):
    """A fan's limits on coins given and money paid, for each period in their time zone.

    `zone` is an IANA name. Limits on money are in minor units of `currency`, and refuse purchases in any other.
    """

    zone: str
    currency: str | None = None
    coins: ByPeriod[int] = NO_LIMIT
    money: ByPeriod[int] = NO_LIMIT


class PendingLimits(Struct, frozen=True, kw_only=True):
    """Less strict limits that apply from `at` on."""

    limits: Limits
    at: datetime


class Budget(Struct, frozen=True, kw_only=True):
    """The limits in force, what is left of them, and when each period ends.

    An amount left below zero counts as 0: the limit was lowered below the amount spent. `since` is the start of each
    period's count; that of money is `money_from`, if that is later: limits on money were new then, or in another
    currency. Changes increment `version`; spending does not.
    """

    limits: Limits
    coins_left: ByPeriod[int]
    money_left: ByPeriod[int]
    ends: ByPeriod[datetime]
    since: ByPeriod[datetime]
    version: int = 1
    pending: PendingLimits | None = None
    money_from: datetime | None = None


class BudgetChange(Struct, frozen=True, kw_only=True):
    """A replacement of the budget as last read (optimistic lock).

    Counters are changed by the difference between the two, so that spending since the read is kept.
    """

    seen: Budget | None
    budget: Budget

    @property
    def coins_gain(self) -> ByPeriod[int]:
        """The change of each counter of coins."""
        return _gain(self.budget.coins_left, self.seen.coins_left) if self.seen else ByPeriod(0, 0, 0)

    @property
    def money_gain(self) -> ByPeriod[int]:
        """The change of each counter of money."""
        return _gain(self.budget.money_left, self.seen.money_left) if self.seen else ByPeriod(0, 0, 0)


class SelfExclusion(Struct, frozen=True, kw_only=True):
    """A fan's self-exclusion from spending until a time. `key` is the idempotency key."""

    key: str
    user_id: str
    days: int
    until: datetime
    at: datetime


def _gain(new: ByPeriod[int], old: ByPeriod[int]) -> ByPeriod[int]:
    return ByPeriod(*(more - less for more, less in zip(new, old, strict=True)))


def require_limits(limits: Limits) -> Limits:
    """Return valid limits. Raises InvalidField."""
    if not is_zone(limits.zone):
        raise InvalidField("zone", "an IANA time zone, like Europe/Berlin")
    for what, amounts in (("coins", limits.coins), ("money", limits.money)):
        for period, amount in zip(PERIODS, amounts, strict=True):
            if amount != UNLIMITED and not 0 <= amount <= MAX_LIMIT:
                raise InvalidField(f"{what}.{period}", f"a whole number from 0 to {MAX_LIMIT}, or null")
    if limits.money == NO_LIMIT and limits.currency is not None:
        raise InvalidField("currency", "only with a limit on money")
    if limits.money != NO_LIMIT and limits.currency not in EXPONENTS:
        raise InvalidField("currency", "that of the limits on money: a lowercase ISO 4217 code, like usd")
    return limits


def first_budget(limits: Limits, now: datetime) -> Budget:
    """Build a fan's first budget, which counts from now on."""
    now = _to_milliseconds(now)
    ends = period_ends(now, limits.zone)
    return Budget(
        limits=limits, coins_left=limits.coins, money_left=limits.money, ends=ends, since=ByPeriod(now, now, now)
    )


def _to_milliseconds(at: datetime) -> datetime:
    """Truncate to milliseconds, as the ledger stores times."""
    return at - timedelta(microseconds=at.microsecond % 1000)


def _next_second(at: datetime) -> datetime:
    """Round up to a whole second, as the ledger stores `money_from`."""
    whole = at.replace(microsecond=0)
    return whole if whole == at else whole + timedelta(seconds=1)


def renewed(budget: Budget, now: datetime) -> Budget:
    """Return the budget as of `now`: pending limits that are due are applied, and ended periods restarted.

    Renewing in several steps gives the same result as in one. Returns `budget` itself when nothing is due.
    """
    pending = budget.pending
    fresh: Budget = (
        _restart_periods(budget, now)
        if pending is None or pending.at > now
        else _restart_periods(_apply_pending(budget, pending), now)
    )
    return budget if fresh == budget else replace(fresh, version=budget.version + 1)


def due_change(budget: Budget | None, now: datetime) -> BudgetChange | None:
    """Return the write that brings the stored budget to `now`, or None."""
    if budget is None or (fresh := renewed(budget, now)) is budget:
        return None
    return BudgetChange(seen=budget, budget=fresh)


def _restart_periods(budget: Budget, now: datetime) -> Budget:
    zone = budget.limits.zone
    # A change of time zone can make a period end after the regular start of the next.
    begins = ByPeriod(*map(max, budget.ends, period_begins(now, zone)))
    over = [end <= now for end in budget.ends]

    def restart(new: ByPeriod[T], old: ByPeriod[T]) -> ByPeriod[T]:
        return ByPeriod(*(begun if ended else kept for begun, kept, ended in zip(new, old, over, strict=True)))

    since = restart(begins, budget.since)
    return replace(
        budget,
        coins_left=restart(budget.limits.coins, budget.coins_left),
        money_left=restart(budget.limits.money, budget.money_left),
        ends=restart(period_ends(now, zone), budget.ends),
        since=since,
        money_from=_later_than(since, budget.money_from),
    )


def _apply_pending(budget: Budget, pending: PendingLimits) -> Budget:
    """Apply the pending limits at the time they are due."""
    before = _restart_periods(budget, pending.at)
    ends = before.ends
    if pending.limits.zone != before.limits.zone:
        # A current period ends with the new zone's day that its end falls in: less than a day later than before, and
        # never earlier, so that changing the zone gains no extra budget.
        ends = ByPeriod(*(period_ends(end - _MOMENT, pending.limits.zone).day for end in ends))
    return replace(_change_limits(before, pending.limits, pending.at), ends=ends, pending=None)


def _change_limits(budget: Budget, limits: Limits, now: datetime) -> Budget:
    """Change the limits. Spending in the current periods stays counted, except for money of another currency."""
    is_same_money = limits.currency == budget.limits.currency
    return replace(
        budget,
        limits=limits,
        coins_left=_shift(budget.coins_left, budget.limits.coins, limits.coins),
        money_left=_shift(budget.money_left, budget.limits.money, limits.money) if is_same_money else limits.money,
        money_from=budget.money_from if is_same_money else _later_than(budget.since, _next_second(now)),
    )


def _later_than(since: ByPeriod[datetime], money_from: datetime | None) -> datetime | None:
    """Return the start of the count of money if it is later than that of a period."""
    return money_from if money_from and money_from > min(since) else None


def _shift(left: ByPeriod[int], old: ByPeriod[int], new: ByPeriod[int]) -> ByPeriod[int]:
    return ByPeriod(*(rest + after - before for rest, before, after in zip(left, old, new, strict=True)))


def changed(budget: Budget | None, requested: Limits, now: datetime) -> Budget:
    """Request other limits: stricter ones apply at once, the rest become pending.

    A request replaces the pending limits; repeating the same request does not extend their delay.
    """
    if budget is None:
        return first_budget(requested, now)
    now = _to_milliseconds(now)
    current = renewed(budget, now)
    at_once = _stricter(current.limits, requested)
    pending = None if at_once == requested else PendingLimits(limits=requested, at=_applies_at(current, requested, now))
    if pending and current.pending and current.pending.limits == requested:
        pending = current.pending
    after: Budget = replace(_change_limits(current, at_once, now), pending=pending)
    return budget if after == budget else replace(after, version=budget.version + 1)


def _stricter(limits: Limits, requested: Limits) -> Limits:
    """Return the part of the requested limits that applies at once."""
    coins = ByPeriod(*map(min, limits.coins, requested.coins))
    if limits.currency is None:
        return Limits(zone=limits.zone, currency=requested.currency, coins=coins, money=requested.money)
    is_comparable = limits.currency == requested.currency
    money = ByPeriod(*map(min, limits.money, requested.money)) if is_comparable else limits.money
    return Limits(zone=limits.zone, currency=limits.currency, coins=coins, money=money)


def _applies_at(budget: Budget, requested: Limits, now: datetime) -> datetime:
    """Return the time from which less strict limits apply.

    Amounts of two currencies cannot be compared, so a change of currency waits until every limited period has ended.
    """
    at = now + COOL_OFF
    if requested.currency is None or requested.currency == budget.limits.currency:
        return at
    return max([at, *(end for end, limit in zip(budget.ends, budget.limits.money, strict=True) if limit != UNLIMITED)])


def released(budget: Budget, amount_minor: int, currency: str, opened_at: datetime, now: datetime) -> Budget | None:
    """Return the budget without an unpaid purchase, or None when the purchase does not count in it.

    Only the periods in which the purchase was opened are changed, up to their limits.
    """
    current: Budget = renewed(budget, now)
    counted = [max(since, current.money_from or since) <= opened_at for since in current.since]
    if currency != current.limits.currency or not any(counted):
        return None
    money = _given_back(current.money_left, current.limits.money, counted, amount_minor)
    return replace(current, money_left=money, version=budget.version + 1)


def returned(budget: Budget, coins: int, given_at: datetime, now: datetime) -> Budget | None:
    """Return the budget without a gift that was reversed, or None when the gift does not count in it.

    Only the periods in which the gift was sent are changed, up to their limits.
    """
    current: Budget = renewed(budget, now)
    counted = [since <= given_at for since in current.since]
    if not any(counted):
        return None
    left = _given_back(current.coins_left, current.limits.coins, counted, coins)
    return replace(current, coins_left=left, version=budget.version + 1)


def _given_back(left: ByPeriod[int], limits: ByPeriod[int], counted: Iterable[bool], amount: int) -> ByPeriod[int]:
    return ByPeriod(
        *(
            min(rest + amount, limit) if is_counted else rest
            for rest, limit, is_counted in zip(left, limits, counted, strict=True)
        )
    )


def exceeded(left: ByPeriod[int], amount: int) -> Iterator[int]:
    """Yield the indexes of the periods with less left than the amount, longest period first."""
    yield from (place for place in (2, 1, 0) if left[place] < amount)


def exclusion(user_id: str, key: str, days: int, now: datetime) -> SelfExclusion:
    """Build a self-exclusion that starts now. Raises InvalidField."""
    if not 1 <= days <= MAX_DAYS:
        raise InvalidField("days", f"a whole number from 1 to {MAX_DAYS}")
    return SelfExclusion(
        key=key, user_id=user_id, days=days, until=_to_milliseconds(now) + timedelta(days=days), at=now
    )
