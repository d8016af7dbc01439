"""Budgets: limits that fans set for themselves, and spending within them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec import Struct

from chalicelib.domain.budgets import (
    BudgetChange,
    Limits,
    SelfExclusion,
    changed,
    due_change,
    exclusion,
    require_limits,
)
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import Refusal, TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Repeated

MAX_ATTEMPTS: Final = 5


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
    for _ in range(MAX_ATTEMPTS):
        seen = ledger.read_wallet(user_id).budget
        budget = changed(seen, wish, now)
        if budget is seen:
            return
        match ledger.change_budget(user_id, BudgetChange(seen=seen, budget=budget)):
            case Posted():
                return
    raise TryAgain("The budget kept changing.")


class Excluded(Struct, frozen=True, kw_only=True):
    """Until when the fan is shut out. `is_repeat`: the key was known already."""

    until: datetime
    is_repeat: bool


def exclude_fan(user_id: str, key: str, days: int, *, ledger: Ledger, clock: Clock) -> Excluded:
    """Shut the fan out for so many days from now, unless it is for longer already. Nobody can undo it early.

    A repeat changes nothing, however old its key is: what the key did is kept.

    Raises:
        InvalidField: not so many days.
        IdempotencyConflict: the key names another number of days.
        TryAgain: the outcome is not known.
    """
    asked: SelfExclusion = exclusion(user_id, key, days, clock.now())
    result = ledger.exclude(asked)
    until = ledger.read_wallet(user_id).excluded_until
    if until is None:
        raise TryAgain("The exclusion is not visible yet.")
    return Excluded(until=until, is_repeat=isinstance(result, Repeated))


def spend_within_budget(
    write: Callable[[BudgetChange | None, Wallet | None], Posted | AlreadyExists | Rejected],
    why_not: Callable[[Wallet | None], Refusal | None],
    now: datetime,
) -> Posted | AlreadyExists:
    """Write what spends; when the budget is what stands in the way, and is due to be renewed, renew it with the write.

    So the first spending of a new period takes two round trips, and the one that a granted wish allows; no other does,
    but for a streak that begins while another is under way.

    Args:
        write: the write, which may put a budget in the place of the one there is; given the wallet that came back with
            the refusal before, if there was one.
        why_not: what speaks against it, by the wallet that came back; the budget taken as it is at `now`.
        now: the time that the write goes by.

    Raises:
        Refusal: what `why_not` says.
        TryAgain: the wallet kept changing.
    """
    change, wallet = None, None
    for _ in range(MAX_ATTEMPTS):
        match write(change, wallet):
            case Rejected() as rejected:
                wallet = rejected.wallet
            case done:
                return done
        if refusal := why_not(wallet):
            raise refusal
        # Nothing speaks against it any more: the budget is due, or the wallet changed since the write looked at it.
        change = due_change(wallet.budget if wallet else None, now)
    raise TryAgain("The wallet is busy.")
