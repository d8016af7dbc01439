"""Memberships beside the wallets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.memberships import Customer, Membership
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.open_windows import MAX_OPEN_MEMBERSHIPS
from chalicelib.domain.purchases import Purchase
from chalicelib.ports.ledger import OpenList
from chalicelib.ports.results import AlreadyExists, MembershipExists, Posted, Rejected, Stale, Unmatched


class Memberships(OpenList, Protocol):
    """The memberships of fans. Each write is one round trip and carries its own conditions."""

    def open_membership(
        self, membership: Membership, change: BudgetChange | None = None, limit: int = MAX_OPEN_MEMBERSHIPS
    ) -> Posted | MembershipExists | Rejected:
        """Write a pending membership and deduct its price from the fan's budget, in one transaction.

        It counts in the fan's window of open memberships, until its first month is paid or the window ends.

        Args:
            membership: its `created_at` decides which budget periods are current.
            change: replaces the budget in the same transaction.
            limit: memberships that may be open in one window.
        """

    def find_membership(self, user_id: str, membership_id: str) -> Membership | None:
        """Read a membership, consistently."""

    def list_memberships(self, user_id: str) -> Sequence[Membership]:
        """Read the newest memberships of a fan and all that were ever live, newest first, consistently.

        Memberships that were tried and never paid do not make it slower.
        """

    def list_opened(self, user_id: str, since: datetime) -> Sequence[Membership]:
        """Read all memberships of a fan that were opened at `since` or later, newest first, consistently."""

    def read_customer(self, user_id: str) -> Customer:
        """Read the fan's customer at the provider, consistently."""

    def keep_customer(self, user_id: str, customer_id: str) -> str:
        """Store the fan's customer unless there is one. Returns the stored one."""

    def forget_customer(self, user_id: str, customer_id: str) -> None:
        """Remove the fan's customer, which is gone at the provider. Only if it is this one."""

    def post_month(
        self, month: Purchase, subscription_id: str, customer_id: str | None
    ) -> Posted | AlreadyExists | Unmatched:
        """Post a paid month of a membership, credit its coins and count its price, in one transaction.

        The price is deducted from the fan's budget, even below zero, unless that is in another currency, or the month
        is the first and its price is counted since the opening.

        Only if its id names no entry, the membership's stored quote has the same plan, coins, amount and currency, and
        the membership has no other subscription.
        """

    def update_membership(
        self,
        before: Membership,
        after: Membership,
        notification: NotificationEntry | None,
        change: BudgetChange | None = None,
    ) -> Posted | Stale:
        """Write the membership's new state and, in the same transaction, the notification of it.

        `change` releases the price of the first month to the budget, once for each membership. One that the provider
        refused gives its place in the window of open memberships back, once as well. Only if the membership
        still has the version that was read and, with a `change`, its price still counts and the budget is as read.
        """
