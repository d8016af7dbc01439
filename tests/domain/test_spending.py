from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.domain.budgets import UNLIMITED, Budget, Limits, PendingLimits, first_budget
from chalicelib.domain.periods import ByPeriod
from chalicelib.domain.spending import is_barred, payment_refusal, spend_refusal
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import BudgetCurrency, BudgetReached, InsufficientCoins, Refusal, SelfExcluded, WalletFrozen
from tests.domain.builders import FAN
from tests.fakes import START

MOMENT = timedelta(milliseconds=1)
TONIGHT, DECEMBER = "2026-11-23T00:00:00.000Z", "2026-12-01T00:00:00.000Z"
MIDNIGHT = START + timedelta(hours=12)


def a_budget(**limits: Any) -> Budget:
    return first_budget(Limits(zone="UTC", **limits), START)


def a_wallet(**changes: Any) -> Wallet:
    return replace(Wallet(user_id=FAN, coins=1_000), **changes)


def facts(refusal: Refusal | None) -> dict[str, Any]:
    assert refusal
    return refusal.extensions


COINS = a_budget(coins=ByPeriod(100, 300, 1_000))
MONEY = a_budget(currency="usd", money=ByPeriod(100, 300, 1_000))


def test_spend_refusal_starts_beyond_the_last_coin_of_the_budget() -> None:
    wallet = a_wallet(budget=COINS)
    assert spend_refusal(wallet, 100, START) is None
    refusal = spend_refusal(wallet, 101, START)
    assert isinstance(refusal, BudgetReached)
    assert refusal.extensions == {"what": "coins", "period": "day", "left": 100, "resets_at": TONIGHT}


def test_spend_refusal_names_the_period_that_ends_last() -> None:
    budget = replace(COINS, coins_left=ByPeriod(-5, 3, 2))
    refusal = spend_refusal(a_wallet(budget=budget), 4, START)
    assert facts(refusal) == {"what": "coins", "period": "month", "left": 2, "resets_at": DECEMBER}
    assert facts(spend_refusal(a_wallet(budget=budget), 1, START)) == {
        "what": "coins",
        "period": "day",
        "left": 0,
        "resets_at": TONIGHT,
    }


def test_spend_refusal_renews_the_budget_first() -> None:
    wallet = a_wallet(budget=replace(COINS, coins_left=ByPeriod(0, 300, 1_000)))
    assert isinstance(spend_refusal(wallet, 1, MIDNIGHT - MOMENT), BudgetReached)
    assert spend_refusal(wallet, 100, MIDNIGHT) is None
    assert isinstance(spend_refusal(wallet, 101, MIDNIGHT), BudgetReached)


def test_spend_refusal_applies_a_due_raise() -> None:
    pending = PendingLimits(limits=replace(COINS.limits, coins=ByPeriod(200, 300, 1_000)), at=START + MOMENT)
    wallet = a_wallet(budget=replace(COINS, pending=pending))
    assert isinstance(spend_refusal(wallet, 200, START), BudgetReached)
    assert spend_refusal(wallet, 200, START + MOMENT) is None


def test_spend_refusal_checks_freeze_exclusion_and_budget_before_coins() -> None:
    short = a_wallet(coins=0, is_frozen_by_operator=True, excluded_until=START + MOMENT, budget=COINS)
    assert isinstance(spend_refusal(short, 101, START), WalletFrozen)
    assert isinstance(spend_refusal(replace(short, is_frozen_by_operator=False), 101, START), SelfExcluded)
    free = replace(short, is_frozen_by_operator=False, excluded_until=None)
    assert isinstance(spend_refusal(free, 101, START), BudgetReached)
    assert isinstance(spend_refusal(free, 100, START), InsufficientCoins)


def test_spend_refusal_of_an_excluded_fan_has_the_end() -> None:
    wallet = a_wallet(excluded_until=MIDNIGHT)
    for refusal in (spend_refusal(wallet, 1, MIDNIGHT - MOMENT), payment_refusal(wallet, 1, "usd", MIDNIGHT - MOMENT)):
        assert isinstance(refusal, SelfExcluded)
        assert refusal.extensions == {"until": TONIGHT}
    assert spend_refusal(wallet, 1, MIDNIGHT) is None
    assert payment_refusal(wallet, 1, "usd", MIDNIGHT) is None


@pytest.mark.parametrize("wallet", [None, a_wallet(coins=9), a_wallet(coins=-4)], ids=str)
def test_spend_refusal_of_too_few_coins_has_balance_and_need(wallet: Wallet | None) -> None:
    refusal = spend_refusal(wallet, 10, START)
    assert isinstance(refusal, InsufficientCoins)
    assert refusal.extensions == {"coins": max(wallet.coins, 0) if wallet else 0, "needed": 10}


def test_payment_refusal_starts_beyond_the_last_cent_of_the_budget() -> None:
    wallet = a_wallet(coins=0, budget=MONEY)
    assert payment_refusal(wallet, 100, "usd", START) is None
    assert facts(payment_refusal(wallet, 101, "usd", START)) == {
        "what": "money",
        "period": "day",
        "left": 100,
        "resets_at": TONIGHT,
    }


def test_payment_refusal_in_another_currency_names_the_budgets() -> None:
    refusal = payment_refusal(a_wallet(budget=MONEY), 1, "eur", START)
    assert isinstance(refusal, BudgetCurrency)
    assert refusal.extensions == {"currency": "usd"}


@pytest.mark.parametrize(
    "wallet", [None, a_wallet(), a_wallet(budget=COINS), a_wallet(lost_disputes=1)], ids=lambda wallet: str(wallet)[:40]
)
def test_payment_refusal_without_money_limits_is_none(wallet: Wallet | None) -> None:
    assert payment_refusal(wallet, UNLIMITED, "eur", START) is None


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"is_frozen_by_operator": True}, ["operator"]),
        ({"open_disputes": 1}, ["dispute"]),
        ({"open_disputes": 2, "is_frozen_by_operator": True}, ["operator", "dispute"]),
        ({"lost_disputes": 1, "coins": -1}, ["dispute"]),
        ({"lost_disputes": 1, "coins": 0}, []),
        ({"lost_disputes": 1, "paid_disputes": 1, "coins": -1}, []),
        ({"lost_disputes": 2, "paid_disputes": 1, "coins": -1}, ["dispute"]),
        ({"lost_disputes": 0, "coins": -1}, []),
    ],
)
def test_frozen_wallet_neither_spends_nor_buys(changes: dict[str, Any], reasons: list[str]) -> None:
    wallet = a_wallet(**changes)
    assert wallet.freeze_reasons == reasons
    assert is_barred(wallet, START) is bool(reasons)
    refusals = [spend_refusal(wallet, 1, START), payment_refusal(wallet, 1, "usd", START)]
    for refusal in refusals if reasons else []:
        assert isinstance(refusal, WalletFrozen)
        assert refusal.extensions == {"reason": reasons[0]}


def test_is_barred_without_a_wallet_is_false() -> None:
    assert not is_barred(None, START)
