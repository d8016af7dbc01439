"""Budgets: what a fan allows himself to spend in a day, a week and a month of his own time zone.

The wallet counts down, because the condition of a write cannot add: what is left of each limit falls with every gift
and every checkout, and is the limit again when its period has ended. A limit can be lowered at any moment; raised, or
taken away, only a day later.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.money import EXPONENTS
from chalicelib.domain.periods import PERIODS, ByPeriod, is_zone, period_begins, period_ends
from chalicelib.errors import InvalidField

UNLIMITED: Final = 10**15
"""What a limit that is not set counts down from: more coins, and more money, than anybody spends in a period."""
MAX_LIMIT: Final = 999_999_999
"""The highest limit, in coins or in a currency's minor unit."""
MAX_DAYS: Final = 1826
"""How long a fan can shut himself out at once: five years."""
COOL_OFF: Final = timedelta(hours=24)
"""How long a wish to be less strict waits."""

T = TypeVar("T")
_MOMENT: Final = timedelta(milliseconds=1)


NO_LIMIT: Final = ByPeriod(UNLIMITED, UNLIMITED, UNLIMITED)


class Limits(Struct, frozen=True, kw_only=True):
    """What a fan set for himself: coins that may be given, and money that may be paid, in each period of his zone.

    `zone` is an IANA name. With limits on money there is a `currency`, and money are its minor units: while they
    stand, nothing can be bought in another.
    """

    zone: str
    currency: str | None = None
    coins: ByPeriod[int] = NO_LIMIT
    money: ByPeriod[int] = NO_LIMIT


class Wish(Struct, frozen=True, kw_only=True):
    """Less strict limits, and when they begin to count."""

    limits: Limits
    at: datetime


class Budget(Struct, frozen=True, kw_only=True):
    """The limits in force, what is left of them, and when each period ends.

    `left` below zero is nothing left: a limit that was lowered below what had been spent. `since` is when the
    money of each period began to be counted. Each change, though not each spending, makes the next `version`.
    """

    limits: Limits
    coins_left: ByPeriod[int]
    money_left: ByPeriod[int]
    ends: ByPeriod[datetime]
    since: ByPeriod[datetime]
    version: int = 1
    pending: Wish | None = None


class BudgetChange(Struct, frozen=True, kw_only=True):
    """A budget that takes the place of the one that was seen, if that is still the one.

    What was spent since it was seen is not forgotten: the counters are moved by the difference between the two.
    """

    seen: Budget | None
    budget: Budget

    @property
    def coins_gain(self) -> ByPeriod[int]:
        """By how much each of the coins' counters moves."""
        return _gain(self.budget.coins_left, self.seen.coins_left) if self.seen else ByPeriod(0, 0, 0)

    @property
    def money_gain(self) -> ByPeriod[int]:
        """By how much each of the money's counters moves."""
        return _gain(self.budget.money_left, self.seen.money_left) if self.seen else ByPeriod(0, 0, 0)


class SelfExclusion(Struct, frozen=True, kw_only=True):
    """A fan shut himself out from spending for some days, until a time. `key` names the act."""

    key: str
    user_id: str
    days: int
    until: datetime
    at: datetime


def _gain(new: ByPeriod[int], old: ByPeriod[int]) -> ByPeriod[int]:
    return ByPeriod(*(more - less for more, less in zip(new, old, strict=True)))


def require_limits(limits: Limits) -> Limits:
    """The limits, if they can be. Raises InvalidField."""
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
    """The budget of a fan who had none: it counts from now on."""
    now = _whole(now)
    ends = period_ends(now, limits.zone)
    return Budget(
        limits=limits, coins_left=limits.coins, money_left=limits.money, ends=ends, since=ByPeriod(now, now, now)
    )


def _whole(at: datetime) -> datetime:
    """Without what is below the millisecond: no ledger keeps it."""
    return at - timedelta(microseconds=at.microsecond % 1000)


def renewed(budget: Budget, now: datetime) -> Budget:
    """The budget as it is at `now`: a wish that has waited long enough is granted, and ended periods begin anew.

    The same at whatever moments it is asked in between. The very budget that was given when nothing is due.
    """
    wish = budget.pending
    fresh: Budget = _renewed(budget, now) if wish is None or wish.at > now else _renewed(_granted(budget, wish), now)
    return budget if fresh == budget else replace(fresh, version=budget.version + 1)


def due_change(budget: Budget | None, now: datetime) -> BudgetChange | None:
    """What has to be written before the budget is what it is at `now`; None when it is that already."""
    if budget is None or (fresh := renewed(budget, now)) is budget:
        return None
    return BudgetChange(seen=budget, budget=fresh)


def _renewed(budget: Budget, now: datetime) -> Budget:
    zone = budget.limits.zone
    # A period that somebody's moving made longer ends later than the next would have begun.
    begins = ByPeriod(*map(max, budget.ends, period_begins(now, zone)))
    over = [end <= now for end in budget.ends]

    def anew(new: ByPeriod[T], old: ByPeriod[T]) -> ByPeriod[T]:
        return ByPeriod(*(begun if ended else kept for begun, kept, ended in zip(new, old, over, strict=True)))

    return replace(
        budget,
        coins_left=anew(budget.limits.coins, budget.coins_left),
        money_left=anew(budget.limits.money, budget.money_left),
        ends=anew(period_ends(now, zone), budget.ends),
        since=anew(begins, budget.since),
    )


def _granted(budget: Budget, wish: Wish) -> Budget:
    """The budget at the moment at which its wish is granted."""
    before = _renewed(budget, wish.at)
    ends = before.ends
    if wish.limits.zone != before.limits.zone:
        # A period that is under way ends with the day there that its end is in: less than a day later than it would
        # have, and never sooner, so that nobody gains anything by moving.
        ends = ByPeriod(*(period_ends(end - _MOMENT, wish.limits.zone).day for end in ends))
    return replace(_limited(before, wish.limits, wish.at), ends=ends, pending=None)


def _limited(budget: Budget, limits: Limits, now: datetime) -> Budget:
    """The budget under other limits: what was spent in its periods stays spent, but for money of another currency."""
    is_same_money = limits.currency == budget.limits.currency
    return replace(
        budget,
        limits=limits,
        coins_left=_moved(budget.coins_left, budget.limits.coins, limits.coins),
        money_left=_moved(budget.money_left, budget.limits.money, limits.money) if is_same_money else limits.money,
        since=budget.since if is_same_money else ByPeriod(now, now, now),
    )


def _moved(left: ByPeriod[int], old: ByPeriod[int], new: ByPeriod[int]) -> ByPeriod[int]:
    return ByPeriod(*(rest + after - before for rest, before, after in zip(left, old, new, strict=True)))


def changed(budget: Budget | None, wish: Limits, now: datetime) -> Budget:
    """The budget when its fan wishes other limits: what is stricter at once, the rest as its pending wish.

    A new wish takes the place of one that is pending; the same wish again does not make it wait any longer.
    """
    if budget is None:
        return first_budget(wish, now)
    now = _whole(now)
    current = renewed(budget, now)
    at_once = _stricter(current.limits, wish)
    pending = None if at_once == wish else Wish(limits=wish, at=_granted_at(current, wish, now))
    if pending and current.pending and current.pending.limits == wish:
        pending = current.pending
    after: Budget = replace(_limited(current, at_once, now), pending=pending)
    return budget if after == budget else replace(after, version=budget.version + 1)


def _stricter(limits: Limits, wish: Limits) -> Limits:
    """What of a wish can be done at once."""
    coins = ByPeriod(*map(min, limits.coins, wish.coins))
    if limits.currency is None:
        return Limits(zone=limits.zone, currency=wish.currency, coins=coins, money=wish.money)
    is_comparable = limits.currency == wish.currency
    money = ByPeriod(*map(min, limits.money, wish.money)) if is_comparable else limits.money
    return Limits(zone=limits.zone, currency=limits.currency, coins=coins, money=money)


def _granted_at(budget: Budget, wish: Limits, now: datetime) -> datetime:
    """When a less strict wish is granted.

    Money of one currency cannot be held against another's: to change it, every period that limits it must have ended.
    """
    at = now + COOL_OFF
    if wish.currency is None or wish.currency == budget.limits.currency:
        return at
    return max([at, *(end for end, limit in zip(budget.ends, budget.limits.money, strict=True) if limit != UNLIMITED)])


def released(budget: Budget, amount_minor: int, currency: str, opened_at: datetime, now: datetime) -> Budget | None:
    """The budget when a purchase that counted against its money ended unpaid; None when it leaves the budget alone.

    Only in the periods that the purchase was opened in, and never more than their limits.
    """
    current: Budget = renewed(budget, now)
    counted = [since <= opened_at for since in current.since]
    if currency != current.limits.currency or not any(counted):
        return None
    money = ByPeriod(
        *(
            min(left + amount_minor, limit) if is_counted else left
            for left, limit, is_counted in zip(current.money_left, current.limits.money, counted, strict=True)
        )
    )
    return replace(current, money_left=money, version=budget.version + 1)


def exceeded(left: ByPeriod[int], amount: int) -> Iterator[int]:
    """The places of the periods that have less left than the amount, the one that ends last first."""
    yield from (place for place in (2, 1, 0) if left[place] < amount)


def exclusion(user_id: str, key: str, days: int, now: datetime) -> SelfExclusion:
    """The act of shutting oneself out from now on. Raises InvalidField."""
    if not 1 <= days <= MAX_DAYS:
        raise InvalidField("days", f"a whole number from 1 to {MAX_DAYS}")
    return SelfExclusion(key=key, user_id=user_id, days=days, until=_whole(now) + timedelta(days=days), at=now)
