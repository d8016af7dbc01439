"""The ledger in DynamoDB. Every write is one round trip, and what must be true stands in its condition."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.budget_expressions import spend_coins
from chalicelib.adapters.budget_store import DynamoBudgets
from chalicelib.adapters.purchase_store import DynamoPurchases
from chalicelib.adapters.rows import gift_row, review_row, to_entry, to_wallet
from chalicelib.adapters.tables import (
    CreatorEntryRow,
    EntryRow,
    LaneRow,
    ReviewRow,
    WalletRow,
    bind,
    entry_key,
    key,
    lane_key,
    wallet_key,
)
from chalicelib.adapters.transactions import TRIES, Refused, Transactions, is_refused, transient_errors
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.ledger import (
    Adjustment,
    Entry,
    Gift,
    GiftRefused,
    LaneEntry,
    Review,
    Wallet,
)
from chalicelib.errors import TryAgain


class DynamoLedger(DynamoPurchases, DynamoBudgets):
    """The Ledger port over PynamoDB.

    Args:
        table_name: the table.
        pause: waits between two tries of a write that met another one; given the seconds.
    """

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._connection = bind(table_name)
        self._transactions = Transactions(self._connection, pause)
        # PynamoDB makes the client when it is first used, which would be inside somebody's request.
        assert self._connection.client is not None

    def post_gift(self, gift: Gift, change: BudgetChange | None = None) -> GiftRefused | None:
        """See the port. Four write units, and one of the journal."""
        counted, is_within_budget = spend_coins(gift.price_coins, gift.posted_at, change)

        def write(transaction: TransactWrite) -> None:
            transaction.save(gift_row(gift), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
            transaction.update(
                WalletRow(wallet_key(gift.user_id), "WALLET"),
                [WalletRow.coins.add(-gift.price_coins), *counted],
                (WalletRow.coins >= gift.price_coins) & WalletRow.frozen_at.does_not_exist() & is_within_budget,
                return_values="ALL_OLD",
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            entry, wallet = refused.old_items
            return GiftRefused(
                entry=to_entry(EntryRow.from_raw_data(entry)) if entry else None,
                wallet=to_wallet(gift.user_id, WalletRow.from_raw_data(wallet)) if wallet else None,
            )
        return None

    def find_entry(self, user_id: str, entry_id: str) -> Entry | None:
        """See the port."""
        with transient_errors():
            try:
                return to_entry(EntryRow.get(wallet_key(user_id), entry_key(entry_id), consistent_read=True))
            except DoesNotExist:
                return None

    def read_wallet(self, user_id: str) -> Wallet:
        """See the port."""
        with transient_errors():
            try:
                return to_wallet(user_id, WalletRow.get(wallet_key(user_id), "WALLET", consistent_read=True))
            except DoesNotExist:
                return Wallet(user_id=user_id)

    def list_entries(self, user_id: str, limit: int, before: str | None = None) -> Sequence[Entry]:
        """See the port."""
        older = EntryRow.sk.between("ENTRY#", entry_key(before)) if before else EntryRow.sk.startswith("ENTRY#")
        # BETWEEN includes its end, and the page begins behind it: one more is asked for, and dropped.
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

    def receive_gifts(self, creator_id: str, lane: int, gifts: Sequence[LaneEntry]) -> Mapping[str, int]:
        """See the port. Two write units a gift, and two for the lane."""
        received: dict[str, int] = {}
        for _ in range(TRIES):
            missing = [gift for gift in gifts if gift.event_id not in received]
            if not missing:
                return received
            seen = self._last_sequence(creator_id, lane)
            try:
                self._transactions.write(_receive(creator_id, lane, missing, seen))
            except Refused as refused:
                # Received by an earlier delivery of the same record: such a gift keeps the sequence that it has.
                for gift, old_item in zip(missing, refused.old_items, strict=False):
                    if old_item:
                        received[gift.event_id] = CreatorEntryRow.from_raw_data(old_item).sequence
                if refused.failed[-1]:
                    self._transactions.wait()  # another batch took these places meanwhile
            else:
                given = {gift.event_id: seen + place for place, gift in enumerate(missing, start=1)}
                return received | given
        raise TryAgain("The creator's lane is busy.")

    def mark_announced(self, user_id: str, entry_id: str, at: datetime) -> None:
        """See the port. One write unit. An entry that is gone by now is left alone: a note would be half an entry."""
        row = EntryRow(wallet_key(user_id), entry_key(entry_id))
        with transient_errors():
            try:
                row.update([EntryRow.announced_at.set(EntryRow.announced_at | at)], EntryRow.pk.exists())
            except PynamoDBException as error:
                if not is_refused(error):
                    raise

    def file_review(self, review: Review) -> bool:
        """See the port. One write unit."""
        row = review_row(review)
        with transient_errors():
            try:
                row.save(ReviewRow.pk.does_not_exist())
            except PynamoDBException as error:
                if not is_refused(error):
                    raise
                return False
        return True

    def _last_sequence(self, creator_id: str, lane: int) -> int:
        with transient_errors():
            try:
                return LaneRow.get(lane_key(creator_id, lane), "LANE", consistent_read=True).sequence
            except DoesNotExist:
                return 0


def _receive(creator_id: str, lane: int, gifts: Sequence[LaneEntry], seen: int) -> Callable[[TransactWrite], None]:
    lane_row = LaneRow(lane_key(creator_id, lane), "LANE")

    def write(transaction: TransactWrite) -> None:
        for sequence, gift in enumerate(gifts, start=seen + 1):
            row = CreatorEntryRow(
                pk=lane_row.pk,
                sk=key("GIFT", gift.event_id),
                coins=gift.creator_coins,
                sequence=sequence,
                sender_id=gift.user_id,
                gift_id=_gift_of(gift),
                item_id=gift.item_id if isinstance(gift, Gift) else None,
                quantity=gift.quantity if isinstance(gift, Gift) else None,
                posted_at=gift.posted_at,
            )
            transaction.save(row, CreatorEntryRow.pk.does_not_exist(), return_values="ALL_OLD")
        transaction.update(
            lane_row,
            [
                LaneRow.coins.add(sum(gift.creator_coins for gift in gifts)),
                LaneRow.gifts.add(sum(isinstance(gift, Gift) for gift in gifts)),
                LaneRow.sequence.set(seen + len(gifts)),
            ],
            LaneRow.sequence == seen if seen else LaneRow.sequence.does_not_exist(),
        )

    return write


def _gift_of(entry: LaneEntry) -> str:
    """The gift that an entry of a lane is, or is about; a notice stands for itself."""
    return entry.about if isinstance(entry, Adjustment) else entry.entry_id
