"""Spending, however much of the fan's budget is due to be renewed."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from chalicelib.domain.budgets import BudgetChange, due_change
from chalicelib.domain.ledger import GiftRefused, Wallet
from chalicelib.domain.spending import PurchaseRefused
from chalicelib.errors import Refusal, TryAgain

TRIES: Final = 4


Refused = TypeVar("Refused", GiftRefused, PurchaseRefused)


def spend_within_budget(
    write: Callable[[BudgetChange | None, Wallet | None], Refused | None],
    why_not: Callable[[Wallet | None], Refusal | None],
    now: datetime,
) -> Refused | None:
    """Write what spends; when the budget is what stands in the way, and is due to be renewed, renew it with the write.

    So the first spending of a new period takes two round trips, and the one that a granted wish allows; no other does,
    but for a streak that begins while another is under way.

    Args:
        write: the write, which may put a budget in the place of the one there is; given the wallet that came back with
            the refusal before, if there was one.
        why_not: what speaks against it, by the wallet that came back; the budget taken as it is at `now`.
        now: the time that the write goes by.

    Returns:
        None when it was written; else the refusal, with the entry that already has the id.

    Raises:
        Refusal: what `why_not` says.
        TryAgain: the wallet kept changing.
    """
    change, wallet = None, None
    for _ in range(TRIES):
        refused = write(change, wallet)
        if refused is None or refused.entry is not None:
            return refused
        wallet = refused.wallet
        if refusal := why_not(wallet):
            raise refusal
        # Nothing speaks against it any more: the budget is due, or the wallet changed since the write looked at it.
        change = due_change(wallet.budget if wallet else None, now)
    raise TryAgain("The wallet is busy.")
