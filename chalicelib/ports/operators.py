"""Operators' acts and reviews."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.reviews import Freeze, Review, Settlement
from chalicelib.domain.settlements import Credit
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted, Repeated, Stale


class OperatorLedger(Protocol):
    """Operators' acts on the ledger. Each is one transaction and is recorded under its idempotency key."""

    def grant(self, adjustment: Adjustment) -> Posted | AlreadyExists | Conflict:
        """Credit coins. A conflict: the key names another act, such as a grant to another fan."""

    def reverse_gift(self, adjustment: Adjustment) -> Posted | AlreadyReversed | Conflict:
        """Return a gift's coins to its sender. `about` is the gift's entry id."""

    def freeze(self, freeze: Freeze) -> Posted | Repeated:
        """Freeze or unfreeze a wallet, and record the act under its key.

        Raises:
            IdempotencyConflict: the key names another act.
        """

    def list_reviews(self, month: str) -> Sequence[Review]:
        """Read the reviews of a month, yyyy-mm."""

    def find_review(self, month: str, payment_id: str) -> Review | None:
        """Read a review, consistently."""

    def settle_review(
        self, review: Review, settlement: Settlement, credit: Credit | None
    ) -> Posted | AlreadySettled | Stale | Conflict:
        """Settle a review and, in the same transaction, post its credit if there is one.

        The credit's purchase and membership must be as they were read: Stale if they are not. A conflict: there is no
        such review, or the key names another act.
        """
