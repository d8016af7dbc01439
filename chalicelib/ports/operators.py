"""Operators' acts and reviews."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.reviews import Freeze, Review, Settlement
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted, Repeated


class OperatorLedger(Protocol):
    """What operators do to the ledger. Each act is one transaction, and its id is an idempotency key, too."""

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
        """The reviews of a month, yyyy-mm."""

    def find_review(self, month: str, payment_id: str) -> Review | None:
        """The review, consistently read."""

    def settle_review(
        self, review: Review, settlement: Settlement, adjustment: Adjustment | None
    ) -> Posted | AlreadySettled | Conflict:
        """Settle a review and, in the same transaction, post the adjustment if there is one."""
