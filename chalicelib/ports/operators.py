"""Operators' acts and reviews."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.reviews import Freeze, Review, ReviewPage, ReviewRef, Settlement
from chalicelib.domain.settlements import Credit
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted, Repeated, Stale


class OperatorLedger(Protocol):
    """Operators' acts on the ledger. Each is one transaction and is recorded under its idempotency key."""

    def grant(self, adjustment: Adjustment, wallet: Wallet | None = None) -> Posted | AlreadyExists | Stale | Conflict:
        """Credit or take coins. A conflict: the key names another act, such as a grant to another fan.

        If the lost disputes of `wallet`, as it was read, are paid, that is noted. Stale if its disputes changed, or it
        owes no longer.
        """

    def reverse_gift(
        self, adjustment: Adjustment, change: BudgetChange | None = None, streak_id: str | None = None
    ) -> Posted | AlreadyReversed | Stale | Conflict:
        """Return a gift's coins to its sender.

        Args:
            adjustment: its `about` is the gift's entry id.
            change: returns the coins to the budget in the same transaction.
            streak_id: the active streak, whose total loses the gift in the same transaction.
        """

    def freeze(self, freeze: Freeze) -> Posted | Repeated:
        """Freeze or unfreeze a wallet, and record the act under its key.

        Raises:
            IdempotencyConflict: the key names another act.
        """

    def list_reviews(self, month: str, after: str | None, limit: int, *, is_any_age: bool = False) -> ReviewPage:
        """Read at most `limit` reviews that were opened in a month, yyyy-mm, by the time of opening.

        With `is_any_age` the open ones are those of all months. The last page also has the month's reviews of the
        first release that were not copied.
        """

    def list_open_reviews(self, after: str | None, limit: int) -> ReviewPage:
        """Read at most `limit` open reviews of any age, by the time of opening."""

    def list_old_reviews(self, month: str) -> Sequence[Review]:
        """Read the first release's reviews of payments of a month that were not copied."""

    def copy_old_reviews(self, month: str) -> int:
        """Copy the first release's reviews of payments of a month to their present form. Idempotent.

        A payment whose coins an operator of the first release granted is stamped on its unposted purchase.

        Returns:
            The number of reviews of that month.
        """

    def find_review(self, ref: ReviewRef) -> Review | None:
        """Read a review, consistently."""

    def close_review(self, review: Review, settlement: Settlement) -> None:
        """Settle an open review without an act of an operator. Nothing happens if it is settled."""

    def settle_review(
        self, review: Review, settlement: Settlement, credit: Credit | None
    ) -> Posted | AlreadySettled | Stale | Conflict:
        """Settle a review and, in the same transaction, post its credit if there is one.

        The credit's purchase and membership must be as they were read: Stale if they are not. A conflict: there is no
        such review, or the key names another act.
        """
