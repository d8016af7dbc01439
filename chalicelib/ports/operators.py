"""Operators' acts and reviews."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.reviews import Freeze, Review, Settlement
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted, Repeated


class OperatorLedger(Protocol):
    """Operators' acts on the ledger. Each is one transaction, and its id is its idempotency key."""

    def grant(self, adjustment: Adjustment) -> Posted | AlreadyExists:
        """Credit coins."""

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
        self, review: Review, settlement: Settlement, adjustment: Adjustment | None
    ) -> Posted | AlreadySettled | Conflict:
        """Settle a review and, in the same transaction, post the adjustment if there is one."""
