"""Memberships that end without a subscription, and the release of their price to the budget."""

from datetime import datetime
from typing import Final, Protocol

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.memberships import UNPAID, Membership, awaits_subscription, membership_as_unpaid
from chalicelib.errors import TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import Posted
from chalicelib.usecases.budgets import release_of

MAX_ATTEMPTS: Final = 5
MAX_ENDED: Final = 100
"""Memberships that are ended in one call. The rest is left to the next one."""


class UnpaidServices(Protocol):
    """Services that ending an unpaid membership needs."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def memberships(self) -> Memberships: ...

    @property
    def clock(self) -> Clock: ...


def end_stale_memberships(user_id: str, over: datetime, services: UnpaidServices) -> int:
    """End the fan's memberships whose sessions ended before `over` without a webhook, from the list of open ones.

    Returns:
        The number of memberships that ended.

    Raises:
        TryAgain: the outcome is unknown.
    """
    ended = 0
    for membership_id in services.memberships.list_open(user_id, over, MAX_ENDED):
        ended += end_unpaid_membership(user_id, membership_id, UNPAID, services)
        # Last, so that a call after one that failed finds the membership in the list.
        services.memberships.close_open(user_id, membership_id)
    return ended


def end_unpaid_membership(user_id: str, membership_id: str, reason: str, services: UnpaidServices) -> bool:
    """End a membership without a subscription, and release its first month's price to the budget.

    Returns:
        False if there is nothing to end: an event about its subscription prevails.

    Raises:
        TryAgain: the outcome is unknown, or the membership or the budget changed at every attempt.
    """
    for _ in range(MAX_ATTEMPTS):
        before = services.memberships.find_membership(user_id, membership_id)
        if before is None or not awaits_subscription(before):
            return False
        after = membership_as_unpaid(before, reason)
        match services.memberships.update_membership(before, after, None, freed_price(before, after, services)):
            case Posted():
                return True
    raise TryAgain("Others keep writing there.")


def freed_price(before: Membership, after: Membership, services: UnpaidServices) -> BudgetChange | None:
    """Build the change of the budget when the price of the first month counts no more. Costs one read only then."""
    if after.is_counted or not before.is_counted:
        return None
    seen = services.ledger.read_wallet(before.user_id).budget
    return release_of(before, seen, services.clock.now()) if seen else None
