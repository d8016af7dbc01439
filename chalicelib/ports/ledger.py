"""Wallets and entries."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Protocol

from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import BudgetChange, SelfExclusion
from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.notifications import NotificationEntry
from chalicelib.domain.open_windows import MAX_OPEN_CHECKOUTS, OpenCheckout
from chalicelib.domain.payments import CheckoutSession, PurchaseRef
from chalicelib.domain.posting import Posting
from chalicelib.domain.purchases import DisputeHold, Purchase, Status
from chalicelib.domain.reviews import Review
from chalicelib.domain.shards import ShardPosition
from chalicelib.domain.streaks import StreakEnd
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import AlreadyExists, Asking, Posted, Rejected, Repeated, Stale, Unchanged


class OpenList(Protocol):
    """Checkouts of one kind that a fan opened."""

    def list_open(self, user_id: str, since: datetime, before: datetime, limit: int) -> Sequence[OpenCheckout]:
        """List checkouts whose sessions end at `since` or later and before `before`, consistently, by id.

        Also those that were paid or ended, until `close_open`.
        """

    def close_open(self, checkout: OpenCheckout) -> None:
        """Remove a checkout from the list, once it is paid or ended and its session is over."""


class Ledger(OpenList, Protocol):
    """Wallets and entries. Each write is one round trip and carries its own conditions."""

    def open_purchase(
        self,
        purchase: Purchase,
        change: BudgetChange | None = None,
        return_url: str | None = None,
        limit: int = MAX_OPEN_CHECKOUTS,
    ) -> Posted | AlreadyExists | Rejected:
        """Write a pending purchase and deduct its price from the fan's budget, in one transaction.

        It counts in the fan's window of open checkouts, until it is paid or the window ends.

        Args:
            purchase: its `created_at` decides which budget periods are current.
            change: replaces the budget in the same transaction.
            return_url: page that the fan comes back to, kept while the checkout may be paid.
            limit: checkouts that may be open in one window.
        """

    def claim_asking(self, ref: PurchaseRef, at: datetime, last_before: datetime) -> Asking | Stale:
        """Note that the provider is asked about an open checkout at `at`.

        Only if it was not asked after `last_before`, so that one of many readers asks. Stale also if it is not open.
        """

    def post_purchase(self, session: CheckoutSession, posting: Posting) -> Posted | Unchanged:
        """Post the purchase that the paid session refers to and credit its coins, in one transaction.

        Only if it is unposted and its stored quote has the same coins, amount and currency. A price that was released
        to the fan's budget is deducted again, even below zero.

        Raises:
            NotFound: no such purchase.
        """

    def move_purchase(
        self,
        ref: PurchaseRef,
        to: Status,
        allowed: Sequence[Status],
        change: BudgetChange | None = None,
        reason: str | None = None,
    ) -> Posted | Unchanged:
        """Set the status of an unposted purchase, if it is one of `allowed`.

        `change` releases the price to the budget in the same transaction, once for each purchase. `reason` is that of a
        refusal by the provider: it is kept, and gives the place in the window of open checkouts back.

        Raises:
            NotFound: no such purchase.
            TryAgain: also when the budget has changed, or the price was released before.
        """

    def update_kept_amount(
        self,
        purchase: Purchase,
        kept_minor: int,
        adjustment: Adjustment | None,
        hold: DisputeHold | None = None,
        wallet: Wallet | None = None,
        returned: Set[str] = frozenset(),
    ) -> Posted | Stale:
        """Set how much of a posted purchase's price is kept, its disputes' hold and its `returned` payments.

        The coins move, and the wallet is frozen or released, in the same transaction. Only if the purchase still has
        the version that was read, and the wallet still has spent `coins_spent` of the adjustment. If the lost
        disputes of `wallet`, as it was read, are paid, that is noted. Stale if they changed, or it owes no longer.
        """

    def post_gift(
        self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None
    ) -> Posted | AlreadyExists | Rejected:
        """Debit the fan within the budget, write the gift and update its streak, in one transaction.

        Args:
            gift: its `posted_at` decides which budget periods are current. The first gift of a streak requires that
                no streak is active, any other gift of it that this one is.
            change: replaces the budget in the same transaction.
            ended: the active streak, which ends in the same transaction to allow the first gift of another.
        """

    def end_streak(self, user_id: str, ended: StreakEnd) -> Posted | Stale:
        """Remove the streak and write the notification of its end, in one transaction.

        Only if the streak is still as it was read.
        """

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        """Read an entry, consistently."""

    def read_wallet(self, user_id: str) -> Wallet:
        """Read a wallet, consistently. A fan without one has an empty one."""

    def list_entries(self, user_id: str, limit: int, before: str | None = None) -> Sequence[Entry]:
        """Read at most `limit` entries older than the entry id `before`, newest first."""

    def receive_gifts(
        self, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None = None
    ) -> Mapping[str, ShardPosition]:
        """Post entries to a creator's shard, each exactly once.

        Args:
            creator_id: the creator.
            shard: the shard.
            gifts: distinct, in the order of their sequence; with their streaks, 99 at most.
            run_id: the run of the relay, stored with each entry that this call receives.

        Returns:
            The position of each entry by event id, assigned by this call or an earlier one.
        """

    def creator_coins(self, creator_id: str) -> int:
        """Read the coins that a creator has received, over all possible shards, consistently."""

    def mark_run_published(self, run_id: str, at: datetime) -> None:
        """Store that a run of the relay published all entries that it received. Kept for four days."""

    def mark_gift_published(self, creator_id: str, shard: int, event_id: str, at: datetime) -> None:
        """Store that an entry of a creator's shard was published. A repeat keeps the first time."""

    def mark_published(self, user_id: str, entry_id: str, at: datetime) -> None:
        """Store that an entry without a creator was published. A repeat keeps the first time."""

    def may_publish_again(self, user_id: str, entry_id: str) -> bool:
        """Return True unless it is stored that the entry without a creator was published, consistently.

        Fails while `mark_published` would: what cannot be stored then must not be published over and over.
        """

    def file_review(self, review: Review) -> Posted | Repeated:
        """File a payment for review by an operator. One review for each payment and state of its money."""

    def has_moved_reviews(self, payment_id: str) -> bool:
        """Return True if money that moved on the payment was ever filed for review, consistently."""

    def change_budget(self, user_id: str, change: BudgetChange) -> Posted | Stale:
        """Replace the budget. Only if it still has the version that was read."""

    def exclude(self, exclusion: SelfExclusion) -> Posted | Repeated:
        """Extend the user's self-exclusion to `until` if that is later, and record the request under its key.

        Raises:
            IdempotencyConflict: the key names an exclusion for another time.
        """

    def post_notification(self, notification: NotificationEntry) -> Posted | Repeated:
        """Write a notification. One for each entry id."""
