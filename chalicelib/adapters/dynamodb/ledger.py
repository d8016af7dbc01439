"""The ledger in DynamoDB. Every write is one round trip with its conditions in the write."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.budget_expressions import spend_coins
from chalicelib.adapters.dynamodb.budgets import DynamoBudgets
from chalicelib.adapters.dynamodb.freeze_expressions import may_spend
from chalicelib.adapters.dynamodb.keys import (
    ENTRIES,
    MOVED,
    RELAY_RUN,
    WALLET,
    entry_key,
    received_key,
    relay_run_key,
    review_keys,
    shard_key,
    wallet_key,
)
from chalicelib.adapters.dynamodb.mapping import gift_row, notification_row, to_entry, to_wallet
from chalicelib.adapters.dynamodb.models import CreatorEntryRow, EntryRow, RelayRunRow, ReviewRow, WalletRow, bind
from chalicelib.adapters.dynamodb.purchases import DynamoPurchases, spending_refusal
from chalicelib.adapters.dynamodb.review_lists import is_filed_by_first_release
from chalicelib.adapters.dynamodb.review_rows import review_row
from chalicelib.adapters.dynamodb.shards import creator_coins, receive_gifts
from chalicelib.adapters.dynamodb.streak_expressions import follow_streak, forgotten, is_as_seen
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions, is_done, transient_errors
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.entries import Entry, ShardEntry
from chalicelib.domain.gifts import Gift
from chalicelib.domain.reviews import Review
from chalicelib.domain.shards import ShardPosition
from chalicelib.domain.streaks import StreakEnd
from chalicelib.domain.wallets import Wallet
from chalicelib.ports.results import AlreadyExists, Posted, Rejected, Repeated, Stale

_RUNS_KEPT: Final = timedelta(days=4)
"""Retention of the mark of a run, well beyond the second walk of the sweep."""


class DynamoLedger(DynamoPurchases, DynamoBudgets):
    """The Ledger port over PynamoDB.

    Args:
        table_name: the table.
        pause: waits between two tries of a write that met another one; given the seconds.
    """

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._connection = bind(table_name)
        self._transactions = Transactions(self._connection, pause)
        # PynamoDB creates the client at its first use, which would be inside a request.
        self._client = self._connection.client

    def post_gift(
        self, gift: Gift, change: BudgetChange | None = None, ended: StreakEnd | None = None
    ) -> Posted | AlreadyExists | Rejected:
        """Cost: 4 write units and 1 for the journal; 3 more when a streak ends."""
        counted, is_within_budget = spend_coins(gift.price_coins, gift.posted_at, change)
        rowed, is_in_row = follow_streak(gift, ended)
        allows = may_spend(gift.price_coins) & is_within_budget
        if is_in_row is not None:
            allows &= is_in_row
        wallet = WalletRow(wallet_key(gift.user_id), WALLET)

        def write(transaction: TransactWrite) -> None:
            transaction.save(gift_row(gift), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
            if ended:
                transaction.save(notification_row(ended.notification), EntryRow.pk.does_not_exist())
            actions = [WalletRow.coins.add(-gift.price_coins), *counted, *rowed]
            transaction.update(wallet, actions, allows, return_values="ALL_OLD")

        try:
            self._transactions.write(write)
        except Refused as refused:
            return spending_refusal(gift.user_id, refused.old_items[0], refused.old_items[-1])
        return Posted()

    def end_streak(self, user_id: str, ended: StreakEnd) -> Posted | Stale:
        """Cost: 4 write units and 1 for the journal."""

        def write(transaction: TransactWrite) -> None:
            transaction.save(notification_row(ended.notification), EntryRow.pk.does_not_exist())
            transaction.update(WalletRow(wallet_key(user_id), WALLET), forgotten(), is_as_seen(ended))

        try:
            self._transactions.write(write)
        except Refused:
            return Stale()
        return Posted()

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        with transient_errors():
            try:
                return to_entry(EntryRow.get(wallet_key(user_id), entry_key(entry_id), consistent_read=True))
            except DoesNotExist:
                return None

    def read_wallet(self, user_id: str) -> Wallet:
        with transient_errors():
            try:
                return to_wallet(user_id, WalletRow.get(wallet_key(user_id), WALLET, consistent_read=True))
            except DoesNotExist:
                return Wallet(user_id=user_id)

    def list_entries(self, user_id: str, limit: int, before: str | None = None) -> Sequence[Entry]:
        older = EntryRow.sk.between(ENTRIES, entry_key(before)) if before else EntryRow.sk.startswith(ENTRIES)
        # BETWEEN includes its end, and the page starts after it: one more row is read and dropped.
        wanted = limit + (before is not None)
        with transient_errors():
            rows = EntryRow.query(
                wallet_key(user_id),
                older,
                consistent_read=True,
                scan_index_forward=False,
                limit=wanted,
                page_size=wanted,
            )
            entries = [to_entry(row) for row in rows]
        return [entry for entry in entries if entry.entry_id != before][:limit]

    def receive_gifts(
        self, creator_id: str, shard: int, gifts: Sequence[ShardEntry], run_id: str | None = None
    ) -> Mapping[str, ShardPosition]:
        return receive_gifts(self._transactions, creator_id, shard, gifts, run_id)

    def creator_coins(self, creator_id: str) -> int:
        """Cost: 1 round trip."""
        return creator_coins(creator_id)

    def mark_run_published(self, run_id: str, at: datetime) -> None:
        """Cost: 1 write unit."""
        ttl = int((at + _RUNS_KEPT).timestamp())
        with transient_errors():
            RelayRunRow(relay_run_key(run_id), RELAY_RUN).update([RelayRunRow.ttl.set(ttl)])

    def mark_gift_published(self, creator_id: str, shard: int, event_id: str, at: datetime) -> None:
        """Cost: 1 write unit."""
        row = CreatorEntryRow(shard_key(creator_id, shard), received_key(event_id))
        first = CreatorEntryRow.published_at | at
        is_done(lambda: row.update([CreatorEntryRow.published_at.set(first)], CreatorEntryRow.pk.exists()))

    def mark_published(self, user_id: str, entry_id: str, at: datetime) -> None:
        """Cost: 1 write unit. A deleted entry is skipped: an update would create a partial item."""
        row = EntryRow(wallet_key(user_id), entry_key(entry_id))
        is_done(lambda: row.update([EntryRow.published_at.set(EntryRow.published_at | at)], EntryRow.pk.exists()))

    def may_publish_again(self, user_id: str, entry_id: str) -> bool:
        """Cost: 1 write unit, of a write that changes nothing."""
        row = EntryRow(wallet_key(user_id), entry_key(entry_id))
        is_left = EntryRow.pk.exists() & EntryRow.published_at.does_not_exist()
        return is_done(lambda: row.update([EntryRow.published_at.remove()], is_left))

    def file_review(self, review: Review) -> Posted | Repeated:
        """Cost: 1 write unit and 1 for the index, after 1 read for a review of the first release."""
        row = review_row(review)
        with transient_errors():
            if is_filed_by_first_release(review):
                return Repeated()
        return Posted() if is_done(lambda: row.save(ReviewRow.pk.does_not_exist())) else Repeated()

    def has_moved_reviews(self, payment_id: str) -> bool:
        """Cost: 1 read."""
        with transient_errors():
            moved = ReviewRow.sk.startswith(MOVED)
            return any(ReviewRow.query(review_keys(payment_id, None)[0], moved, consistent_read=True, limit=1))
