"""Counting of payments against the budget, in the transaction that credits the coins."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.budget_expressions import count_money, to_budget
from chalicelib.adapters.dynamodb.models import WalletRow
from chalicelib.adapters.dynamodb.transactions import MAX_ATTEMPTS, RawItem, Refused
from chalicelib.domain.budgets import due_change
from chalicelib.errors import TryAgain

WALLET: Final = 1
"""Index of the wallet's action where an entry is the only one before it."""


def count_paid(
    write: Callable[[Sequence[Action], Condition | None], None],
    amount_minor: int,
    currency: str,
    now: datetime,
    wallet: int = WALLET,
) -> None:
    """Write a payment and count it in the periods of `now`, unless the budget is in another currency.

    The first attempt assumes an unchanged budget; the next follows a day that ended or another currency.

    Args:
        write: runs the transaction with the actions and condition for the wallet, which returns ALL_OLD.
        amount_minor: the payment in the minor unit of `currency`.
        currency: a lowercase ISO 4217 code.
        now: time of posting.
        wallet: index of the wallet's action in the transaction.

    Raises:
        Refused: a condition other than the wallet's failed.
        TryAgain: the budget kept changing.
    """
    actions, condition = _again(None, amount_minor, currency, now)
    for _ in range(MAX_ATTEMPTS):
        try:
            write(actions, condition)
        except Refused as refused:
            if not refused.failed[wallet] or sum(refused.failed) > 1:
                raise
            actions, condition = _again(refused.old_items[wallet], amount_minor, currency, now)
        else:
            return
    raise TryAgain("The budget has just been changed.")


def _again(
    wallet: RawItem | None, amount_minor: int, currency: str, now: datetime
) -> tuple[list[Action], Condition | None]:
    budget = to_budget(WalletRow.from_raw_data(wallet)) if wallet else None
    change = due_change(budget, now)
    current = change.budget if change else budget
    if current and current.limits.currency not in {None, currency}:
        return [], None
    return count_money(amount_minor, currency, now, change)
