"""A fan sets limits for himself."""

from typing import Final

from chalicelib.domain.budgets import BudgetChange, Limits, changed, require_limits
from chalicelib.errors import TryAgain
from chalicelib.ports import Clock, Ledger

TRIES: Final = 5


def set_budget(user_id: str, wish: Limits, *, ledger: Ledger, clock: Clock) -> None:
    """Make what is stricter hold at once, and let the rest wait for a day. The same wish again changes nothing.

    Gifts that are sent meanwhile are not forgotten: the write moves the counters, and sets them only for a first
    budget. It holds only for the budget that was read, so it may take a few tries.

    Raises:
        InvalidField: these can be no limits.
        TryAgain: the outcome is not known, or the budget kept changing.
    """
    require_limits(wish)
    now = clock.now()
    for _ in range(TRIES):
        seen = ledger.read_wallet(user_id).budget
        budget = changed(seen, wish, now)
        if budget is seen or ledger.change_budget(user_id, BudgetChange(seen=seen, budget=budget)):
            return
    raise TryAgain("The budget kept changing.")
