"""Memberships that end without a subscription, and the release of their price to the budget."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.memberships import UNPAID, Membership, awaits_subscription, membership_as_unpaid
from chalicelib.errors import TryAgain
from chalicelib.ports.clock import Clock
from chalicelib.ports.ledger import Ledger, OpenList
from chalicelib.ports.memberships import Memberships
from chalicelib.ports.results import Posted
from chalicelib.usecases.budgets import release_of

MAX_ATTEMPTS: Final = 5
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""A time before any checkout."""
MAX_ENDED: Final = 100
"""Open checkouts that are read at once."""
MAX_PAGES: Final = 5
"""Pages of checkouts that were paid or ended before, of which one call reads on. The rest is left to the next call."""


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

    def end(membership_id: str) -> bool:
        return end_unpaid_membership(user_id, membership_id, UNPAID, services)

    return end_listed(services.memberships, user_id, over, end)


def end_listed(opened: OpenList, user_id: str, over: datetime, end: Callable[[str], bool]) -> int:
    """End what was opened and whose session ended before `over`, until a page has one that was not ended before.

    Args:
        opened: the list.
        user_id: the fan.
        over: a time.
        end: ends what has the id. Returns False if there is nothing to end.

    Returns:
        The number of those that ended.
    """
    ended = 0
    for _ in range(MAX_PAGES):
        listed = opened.list_open(user_id, LONG_AGO, over, MAX_ENDED)
        for checkout in listed:
            ended += end(checkout.opened_id)
            # Last, so that a call after one that failed finds the checkout in the list.
            opened.close_open(checkout)
        if ended or len(listed) < MAX_ENDED:
            break
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
