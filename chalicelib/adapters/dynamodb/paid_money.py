"""Money that was paid counts against its fan's budget, in the transaction that credits its coins."""

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
"""Which action of such a transaction is the wallet's."""


def count_paid(
    write: Callable[[Sequence[Action], Condition | None], None], amount_minor: int, currency: str, now: datetime
) -> None:
    """Write what was paid and count it: in the periods of `now`, unless the budget is in another currency.

    One try, where the budget is as it usually is; another where its day has ended since, or its currency is another.

    Args:
        write: the transaction, with these actions on the wallet under that condition, which comes back with ALL_OLD.
        amount_minor: what was paid, in the minor unit of `currency`.
        currency: a lowercase ISO 4217 code.
        now: when it was posted.

    Raises:
        Refused: something else than the wallet speaks against it.
        TryAgain: the budget kept changing.
    """
    actions, condition = _again(None, amount_minor, currency, now)
    for _ in range(MAX_ATTEMPTS):
        try:
            write(actions, condition)
        except Refused as refused:
            if not refused.failed[WALLET] or sum(refused.failed) > 1:
                raise
            actions, condition = _again(refused.old_items[WALLET], amount_minor, currency, now)
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
