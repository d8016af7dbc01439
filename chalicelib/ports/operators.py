"""Operators' acts and reviews."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.entries import Entry
from chalicelib.domain.reviews import Freeze, Review, Settlement


class OperatorLedger(Protocol):
    """What operators do to the ledger. Each act is one transaction, and its id is an idempotency key, too."""

    def grant(self, adjustment: Adjustment) -> Entry | None:
        """Credit coins. None when it was done, else the entry that already has its id."""

    def reverse_gift(self, adjustment: Adjustment) -> str | None:
        """Give a gift's coins back: `about` is the gift, which must be there.

        Returns:
            None when it was done; else the id of the entry that reversed the gift before.
        """

    def freeze(self, freeze: Freeze) -> None:
        """Set whether a wallet is frozen, and keep who said so. The same act twice is one."""

    def list_reviews(self, month: str) -> Sequence[Review]:
        """The reviews of a month, yyyy-mm."""

    def find_review(self, month: str, payment_id: str) -> Review | None:
        """The review, consistently read."""

    def settle_review(self, review: Review, settlement: Settlement, adjustment: Adjustment | None) -> Review | None:
        """Settle a review and, in the same transaction, credit the coins if there are any to credit.

        Returns:
            None when it was done; else the review as it was settled before.
        """
