"""Spending checks: budget, self-exclusion, freeze."""

from datetime import datetime
from typing import Final

from chalicelib.domain.budgets import Budget, exceeded, renewed
from chalicelib.domain.ids import iso
from chalicelib.domain.periods import PERIODS, ByPeriod
from chalicelib.domain.wallets import FreezeReason, Wallet
from chalicelib.errors import BudgetCurrency, BudgetReached, InsufficientCoins, Refusal, SelfExcluded, WalletFrozen


def spend_refusal(wallet: Wallet | None, coins: int, now: datetime) -> Refusal | None:
    """Return the refusal of a gift of `coins` from the wallet, or None.

    The budget is renewed to `now` first. It is checked before the coins, so that a fan whose budget is spent is not
    asked to buy more coins.
    """
    if wallet and (refusal := _barred(wallet, now)):
        return refusal
    if wallet and wallet.budget:
        budget = renewed(wallet.budget, now)
        if reached := _reached("coins", budget, budget.coins_left, coins):
            return reached
    held = wallet.coins if wallet else 0
    if held < coins:
        return InsufficientCoins(f"The gift costs {coins} coins.", coins=max(held, 0), needed=coins)
    return None


def payment_refusal(wallet: Wallet | None, amount_minor: int, currency: str, now: datetime) -> Refusal | None:
    """Return the refusal of a payment by freeze, self-exclusion or budget, or None."""
    if wallet is None:
        return None
    if refusal := _barred(wallet, now):
        return refusal
    if wallet.budget is None:
        return None
    budget = renewed(wallet.budget, now)
    allowed = budget.limits.currency
    if allowed is None:
        return None
    if currency != allowed:
        return BudgetCurrency(f"Buy in {allowed}, or change your budget.", currency=allowed)
    return _reached("money", budget, budget.money_left, amount_minor)


def is_barred(wallet: Wallet | None, now: datetime) -> bool:
    """Return True while a freeze or the fan's self-exclusion lasts."""
    return wallet is not None and _barred(wallet, now) is not None


def _barred(wallet: Wallet, now: datetime) -> Refusal | None:
    for reason in wallet.freeze_reasons:
        return WalletFrozen(_ENDS[reason], reason=reason.value)
    if wallet.excluded_until and wallet.excluded_until > now:
        return SelfExcluded("It cannot be undone early.", until=iso(wallet.excluded_until))
    return None


_ENDS: Final = {
    FreezeReason.OPERATOR: "Ask the platform's support.",
    FreezeReason.DISPUTE: "A payment is disputed at the bank. Ask the platform's support.",
}


def _reached(what: str, budget: Budget, left: ByPeriod[int], amount: int) -> Refusal | None:
    for place in exceeded(left, amount):
        period, ends = PERIODS[place], budget.ends[place]
        return BudgetReached(
            f"Your budget of this {period} has less left.",
            what=what,
            period=period,
            left=max(left[place], 0),
            resets_at=iso(ends),
        )
    return None
