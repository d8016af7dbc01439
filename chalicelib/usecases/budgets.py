"""Budgets: limits that fans set for themselves, and spending within them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from msgspec import Struct

from chalicelib.domain.budgets import (
    Budget,
    BudgetChange,
    Limits,
    SelfExclusion,
    changed,
    due_change,
    exclusion,
    released,
    require_limits,
)
from chalicelib.domain.memberships import Membership
from chalicelib.domain.purchases import Purchase
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import Refusal, TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Rejected, Repeated

MAX_ATTEMPTS: Final = 5


def set_budget(user_id: str, limits: Limits, *, ledger: Ledger, clock: Clock) -> None:
    """Apply stricter limits at once and looser ones after a day. A repeat changes nothing.

    The write adds to the counters, so concurrent gifts stay counted; only a first budget sets them. It is conditional
    on the budget that was read, and retried when that has changed.

    Raises:
        InvalidField: invalid limits.
        TryAgain: the outcome is unknown, or the budget changed at every attempt.
    """
    require_limits(limits)
    now = clock.now()
    for _ in range(MAX_ATTEMPTS):
        seen = ledger.read_wallet(user_id).budget
        budget = changed(seen, limits, now)
        if budget is seen:
            return
        match ledger.change_budget(user_id, BudgetChange(seen=seen, budget=budget)):
            case Posted():
                return
    raise TryAgain("The budget kept changing.")


class Excluded(Struct, frozen=True, kw_only=True):
    """The end of a self-exclusion. `is_repeat`: the key was used before."""

    until: datetime
    is_repeat: bool


def exclude_fan(user_id: str, key: str, days: int, *, ledger: Ledger, clock: Clock) -> Excluded:
    """Extend the fan's self-exclusion to `days` from now, if that is later. It cannot be shortened.

    A repeat changes nothing at any age of its key, because keys are kept forever.

    Raises:
        InvalidField: `days` is out of range.
        IdempotencyConflict: the key names another number of days.
        TryAgain: the outcome is unknown.
    """
    requested: SelfExclusion = exclusion(user_id, key, days, clock.now())
    result = ledger.exclude(requested)
    until = ledger.read_wallet(user_id).excluded_until
    if until is None:
        raise TryAgain("The exclusion is not visible yet.")
    return Excluded(until=until, is_repeat=isinstance(result, Repeated))


def release_of(unpaid: Purchase | Membership, seen: Budget, now: datetime) -> BudgetChange | None:
    """Build the release of a price that was counted at the opening. None if it does not count in the budget."""
    budget = released(seen, unpaid.amount_minor, unpaid.currency, unpaid.created_at, now)
    return BudgetChange(seen=seen, budget=budget) if budget else None


Known = TypeVar("Known", AlreadyExists, MembershipExists)


def spend_within_budget(
    write: Callable[[BudgetChange | None, Wallet | None], Posted | Known | Rejected],
    refusal_of: Callable[[Wallet | None], Refusal | None],
    now: datetime,
) -> Posted | Known:
    """Run a write that spends. When it is rejected by a budget that is due for renewal, renew it in a second write.

    One round trip, but two for the first spending of a period or after a pending change of limits, and for a streak
    that begins while another is active.

    Args:
        write: called with the budget change to apply, and the wallet that rejected the previous attempt, if any.
        refusal_of: the refusal that the rejecting wallet implies, with its budget renewed to `now`.
        now: the posting time.

    Raises:
        Refusal: from `refusal_of`.
        TryAgain: the wallet changed at every attempt.
    """
    change, wallet = None, None
    for _ in range(MAX_ATTEMPTS):
        match write(change, wallet):
            case Rejected() as rejected:
                wallet = rejected.wallet
            case done:
                return done
        if refusal := refusal_of(wallet):
            raise refusal
        # Reachable when the budget is due for renewal, or the wallet changed after the write was rejected.
        change = due_change(wallet.budget if wallet else None, now)
    raise TryAgain("The wallet is busy.")
