"""Wallets and entries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import BudgetChange, SelfExclusion
from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.payments import CheckoutSession
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import Purchase, Status
from chalicelib.domain.reviews import Review
from chalicelib.domain.shards import ShardPosition
from chalicelib.domain.streaks import StreakEnd
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Repeated, Stale, Unchanged


class Ledger(Protocol):
    """Wallets and entries. Each write is one round trip whose conditions stand in the write itself."""

    def open_purchase(
        self, purchase: Purchase, change: BudgetChange | None = None
    ) -> Posted | AlreadyExists | Rejected:
        """Write a pending purchase and count its price down, if the fan's budget allows it, in one transaction.

        Args:
            purchase: the purchase; its `created_at` is the time by which the budget's periods have ended or not.
            change: the budget that takes the place of the one there is, in the same transaction.
        """

    def post_purchase(self, session: CheckoutSession, posting: Posting) -> Posted | Unchanged:
        """Post the purchase that the paid session claims and credit its coins, in one transaction.

        Only if the stored quote says the same coins, amount and currency, and nothing was posted yet. A price that was
        given back to the fan's budget counts again, whatever is left.

        Raises:
            NotFound: there is no such purchase.
        """

    def move_purchase(
        self, session: CheckoutSession, to: Status, allowed: Sequence[Status], change: BudgetChange | None = None
    ) -> Posted | Unchanged:
        """Set the status of an unposted purchase if it is one of `allowed`. Returns and raises as post_purchase.

        With a change of the budget, that one gives the price back: in the same transaction, and once a purchase.
        """

    def update_kept_amount(self, purchase: Purchase, kept_minor: int, adjustment: Adjustment | None) -> Posted | Stale:
        """Set how much of a posted purchase's price is kept and, in the same transaction, move the coins.

        Only if the purchase still has the version that was read.
        """

    def post_gift(
        self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None
    ) -> Posted | AlreadyExists | Rejected:
        """Debit the fan, within the fan's budget, and write the gift, in one transaction; a streak is counted in it.

        Args:
            gift: its `posted_at` is the time by which the budget's periods have ended or not. The first of a streak
                needs that none is under way; any other that its own is.
            change: the budget that takes the place of the one there is, in the same transaction.
            ended: the streak that is under way and in the way of the gift's: it ends in the same transaction.
        """

    def end_streak(self, user_id: str, ended: StreakEnd) -> Posted | Stale:
        """Remove the streak and write the notification of its end, in one transaction.

        Only if the streak is still as it was read.
        """

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        """The entry, consistently read."""

    def read_wallet(self, user_id: str) -> Wallet:
        """The wallet, consistently read; a fan without one has an empty one."""

    def list_entries(self, user_id: str, limit: int, before: str | None = None) -> Sequence[Entry]:
        """At most `limit` entries, newest first, those older than the entry id `before`."""

    def receive_gifts(self, creator_id: str, shard: int, gifts: Sequence[ShardEntry]) -> Mapping[str, ShardPosition]:
        """Post entries of one shard to the creator's side, each exactly once however often it is told.

        Args:
            creator_id: the creator.
            shard: the shard.
            gifts: distinct, in the order that they take their sequence; with their streaks, 99 at most.

        Returns:
            The position of each by its event_id, whether it was given now or before.
        """

    def creator_coins(self, creator_id: str) -> int:
        """All the coins that a creator has received, over all shards there can be, consistently read."""

    def mark_announced(self, user_id: str, entry_id: str, at: datetime) -> None:
        """Note that an entry without a creator was published. Noting it twice keeps the first time."""

    def file_review(self, review: Review) -> Posted | Repeated:
        """File a payment for review by an operator. One review for each `payment_id`."""

    def change_budget(self, user_id: str, change: BudgetChange) -> Posted | Stale:
        """Replace the budget. Only if it still has the version that was read."""

    def exclude(self, exclusion: SelfExclusion) -> Posted | Repeated:
        """Extend the user's self-exclusion to `until` if that is later, and record the request under its key.

        Raises:
            IdempotencyConflict: the key names an exclusion for another time.
        """

    def post_notification(self, notification: NotificationEntry) -> Posted | Repeated:
        """Write a notification. One for each entry id."""
