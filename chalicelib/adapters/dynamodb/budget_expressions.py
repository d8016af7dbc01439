"""Update and condition expressions for the budget stored on the wallet row.

Each limit has a counter of its remainder. Every spending decrements the counters, with or without a budget, so that
one statement serves every fan in one round trip; the condition applies only to a wallet with a budget, that is, with
`day_ends`. The day is the first period to end, so a condition checks only its end. The fields that no condition needs
share one short text, because the row must stay below 1,024 bytes.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.attributes import from_epoch, require, to_epoch
from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.domain.budgets import UNLIMITED, Budget, BudgetChange, Limits, PendingLimits
from chalicelib.domain.periods import ByPeriod

_COINS: Final = (WalletRow.coin_day, WalletRow.coin_week, WalletRow.coin_month)
_MONEY: Final = (WalletRow.money_day, WalletRow.money_week, WalletRow.money_month)

_SECOND: Final = timedelta(seconds=1)

_Three = tuple[int | None, int | None, int | None]


class _Pending(msgspec.Struct, array_like=True):
    zone: str
    currency: str | None
    coins: _Three
    money: _Three
    at: int


class _Kept(msgspec.Struct, array_like=True):
    """Budget fields stored as one text; times in milliseconds. Counters, day end and currency have attributes.

    `money_from` is in whole seconds before the first second after the month: the row has no room for more. It is left
    out if 0.
    """

    zone: str
    coins: _Three
    money: _Three
    week_ends: int
    month_ends: int
    since: tuple[int, int, int]
    pending: _Pending | None
    money_from: int = 0


DECODERS: Final = [msgspec.json.Decoder(_Kept)]
"""Built at import, by one thread: msgspec 0.22 crashes when two threads describe a type at the same time."""


def to_budget(row: WalletRow) -> Budget | None:
    """Parse the row's budget, if there is one.

    Raises:
        ValueError: the row has another form.
    """
    text: str | None = row.budget
    if text is None:
        return None
    kept = msgspec.json.decode(text, type=_Kept)
    pending, month_ends = kept.pending, from_epoch(kept.month_ends)
    return Budget(
        limits=Limits(
            zone=kept.zone, currency=row.money_currency, coins=_amounts(kept.coins), money=_amounts(kept.money)
        ),
        coins_left=ByPeriod(require(row.coin_day), require(row.coin_week), require(row.coin_month)),
        money_left=ByPeriod(require(row.money_day), require(row.money_week), require(row.money_month)),
        ends=ByPeriod(require(row.day_ends), from_epoch(kept.week_ends), month_ends),
        since=ByPeriod(*map(from_epoch, kept.since)),
        version=require(row.budget_version),
        pending=PendingLimits(
            limits=Limits(
                zone=pending.zone,
                currency=pending.currency,
                coins=_amounts(pending.coins),
                money=_amounts(pending.money),
            ),
            at=from_epoch(pending.at),
        )
        if pending
        else None,
        money_from=month_ends - timedelta(seconds=kept.money_from - 1) if kept.money_from else None,
    )


def spend_coins(coins: int, now: datetime, change: BudgetChange | None = None) -> tuple[list[Action], Condition]:
    """Build the actions and the condition that spend coins within the fan's budget.

    Args:
        coins: number of coins.
        now: the time that decides which periods have ended.
        change: replaces the stored budget in the same write.
    """
    return _spend(now, change, coins=coins)


def spend_money(
    amount_minor: int, currency: str, now: datetime, change: BudgetChange | None = None
) -> tuple[list[Action], Condition]:
    """Build the same for a payment; its currency must be the budget's, if that has one."""
    actions, condition = _spend(now, change, money=amount_minor)
    return actions, condition if change is not None else condition & is_money_of(currency)


def is_money_of(currency: str) -> Condition:
    """Require that money limits, if any, are in the currency."""
    is_money: Condition = WalletRow.money_currency.does_not_exist() | (WalletRow.money_currency == currency)
    return is_money


def count_money(
    amount_minor: int, currency: str, now: datetime, change: BudgetChange | None = None
) -> tuple[list[Action], Condition]:
    """Build actions that count a payment already made, without a limit.

    The condition only requires that the periods of `now` and limits in the same currency are counted.
    """
    if change is not None:
        return _changed(change, coins=0, money=amount_minor), _is_seen(change)
    counted: list[Action] = [counter.set((counter | UNLIMITED) - amount_minor) for counter in _MONEY]
    is_now: Condition = WalletRow.day_ends.does_not_exist() | (WalletRow.day_ends > now)
    return counted, is_now & is_money_of(currency)


def change_budget(change: BudgetChange) -> tuple[list[Action], Condition]:
    """Build the actions that replace the budget, conditional on the version that was read."""
    return _changed(change, coins=0, money=0), _is_seen(change)


def not_excluded(now: datetime) -> Condition:
    """Require that no self-exclusion is in force."""
    is_over: Condition = WalletRow.excluded_until.does_not_exist() | (WalletRow.excluded_until <= now)
    return is_over


def _spend(
    now: datetime, change: BudgetChange | None, *, coins: int = 0, money: int = 0
) -> tuple[list[Action], Condition]:
    counters, amount = (_COINS, coins) if coins else (_MONEY, money)
    if change is None:
        is_left: Condition = WalletRow.day_ends > now
        for counter in counters:
            is_left &= counter >= amount
        counted: list[Action] = [counter.set((counter | UNLIMITED) - amount) for counter in counters]
        return counted, (WalletRow.day_ends.does_not_exist() | is_left) & not_excluded(now)
    gains = change.coins_gain if coins else change.money_gain
    condition = _is_seen(change) & not_excluded(now)
    for counter, gain in zip(counters, gains, strict=True):
        condition &= counter >= amount - gain
    return _changed(change, coins=coins, money=money), condition


def _is_seen(change: BudgetChange) -> Condition:
    if change.seen is None:
        return WalletRow.budget_version.does_not_exist()
    return WalletRow.budget_version == change.seen.version


def _changed(change: BudgetChange, *, coins: int, money: int) -> list[Action]:
    budget = change.budget
    gains = [*(gain - coins for gain in change.coins_gain), *(gain - money for gain in change.money_gain)]
    fresh = [*budget.coins_left, *budget.money_left]
    actions = [
        counter.set(counter + gain) if change.seen else counter.set(value)
        for counter, gain, value in zip((*_COINS, *_MONEY), gains, fresh, strict=True)
    ]
    currency = budget.limits.currency
    return [
        *actions,
        WalletRow.day_ends.set(budget.ends.day),
        WalletRow.budget.set(budget_text(budget)),
        WalletRow.budget_version.set(budget.version),
        WalletRow.money_currency.set(currency) if currency else WalletRow.money_currency.remove(),
    ]


def budget_text(budget: Budget) -> str:
    """Encode the budget fields that have no attribute of their own."""
    limits, pending = budget.limits, budget.pending
    day_since, week_since, month_since = map(to_epoch, budget.since)
    kept = _Kept(
        zone=limits.zone,
        coins=_short(limits.coins),
        money=_short(limits.money),
        week_ends=to_epoch(budget.ends.week),
        month_ends=to_epoch(budget.ends.month),
        since=(day_since, week_since, month_since),
        pending=_Pending(
            zone=pending.limits.zone,
            currency=pending.limits.currency,
            coins=_short(pending.limits.coins),
            money=_short(pending.limits.money),
            at=to_epoch(pending.at),
        )
        if pending
        else None,
        money_from=(budget.ends.month - budget.money_from) // _SECOND + 1 if budget.money_from else 0,
    )
    fields = msgspec.structs.astuple(kept)
    return msgspec.json.encode(fields if kept.money_from else fields[:-1]).decode()


def _short(amounts: ByPeriod[int]) -> _Three:
    day, week, month = (None if amount == UNLIMITED else amount for amount in amounts)
    return day, week, month


def _amounts(short: _Three) -> ByPeriod[int]:
    return ByPeriod(*(UNLIMITED if amount is None else amount for amount in short))
