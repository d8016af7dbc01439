"""The ledger in DynamoDB. Every write is one round trip, and what must be true stands in its condition."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.lane_store import creator_coins, receive_gifts
from chalicelib.adapters.rows import (
    adjustment_row,
    gift_row,
    notice_row,
    purchase_row,
    review_row,
    to_entry,
    to_wallet,
)
from chalicelib.adapters.streak_expressions import begun, counted, forgotten, goes_on, is_as_seen
from chalicelib.adapters.tables import (
    EntryRow,
    ReviewRow,
    WalletRow,
    bind,
    entry_key,
    journal_at,
    journal_hour,
    wallet_key,
)
from chalicelib.adapters.transactions import Refused, Transactions, is_refused, transient_errors
from chalicelib.domain.lanes import Receipt
from chalicelib.domain.ledger import (
    UNPOSTED,
    Adjustment,
    Entry,
    Gift,
    GiftRefused,
    LaneEntry,
    Posting,
    Purchase,
    Status,
    StreakEnd,
    Wallet,
)
from chalicelib.domain.payments import CheckoutSession, Claim
from chalicelib.domain.reviews import Review
from chalicelib.errors import NotFound


class DynamoLedger:
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

    def open_purchase(self, purchase: Purchase) -> Entry | None:
        """See the port. One write unit; a repeat costs a read besides."""
        with transient_errors():
            try:
                purchase_row(purchase).save(EntryRow.pk.does_not_exist())
            except PynamoDBException as error:
                if not is_refused(error):
                    raise
                return self.find_entry(purchase.user_id, purchase.purchase_id)
        return None

    def post_purchase(self, session: CheckoutSession, posting: Posting) -> Purchase | None:
        """See the port. Four write units, and one of the journal."""
        claim = _claim(session)
        row = EntryRow(wallet_key(claim.user_id), entry_key(claim.purchase_id))
        is_as_quoted = (
            EntryRow.status.is_in(*UNPOSTED)
            & (EntryRow.coins == claim.coins)
            & (EntryRow.amount_minor == session.subtotal_minor)
            & (EntryRow.currency == session.currency)
        )

        def write(transaction: TransactWrite) -> None:
            transaction.update(row, _posted(claim, session, posting), is_as_quoted, return_values="ALL_OLD")
            transaction.update(
                WalletRow(row.pk, "WALLET"),
                [
                    WalletRow.coins.add(claim.coins),
                    WalletRow.created_at.set(WalletRow.created_at | posting.posted_at),
                ],
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            entry = to_entry(EntryRow.from_raw_data(refused.old_items[0])) if refused.old_items[0] else None
            if not isinstance(entry, Purchase):
                raise NotFound("There is no such purchase.") from refused
            return entry
        return None

    def move_purchase(self, session: CheckoutSession, to: Status, allowed: Sequence[Status]) -> Purchase | None:
        """See the port. One write unit."""
        claim = _claim(session)
        row = EntryRow(wallet_key(claim.user_id), entry_key(claim.purchase_id))
        actions: list[Action] = [EntryRow.status.set(to.value)]
        if to is Status.PROCESSING:
            actions.append(EntryRow.ttl.remove())
        with transient_errors():
            try:
                row.update(actions, EntryRow.status.is_in(*allowed))
            except PynamoDBException as error:
                if not is_refused(error):
                    raise
                entry = self.find_entry(claim.user_id, claim.purchase_id)
                if not isinstance(entry, Purchase):
                    raise NotFound("There is no such purchase.") from error
                return entry
        return None

    def follow_purchase(self, purchase: Purchase, kept_minor: int, adjustment: Adjustment | None) -> bool:
        """See the port. Two write units; with an adjustment six, and one of the journal."""
        row = EntryRow(wallet_key(purchase.user_id), entry_key(purchase.purchase_id))

        def write(transaction: TransactWrite) -> None:
            transaction.update(
                row,
                [EntryRow.kept_minor.set(kept_minor), EntryRow.version.set(purchase.version + 1)],
                EntryRow.version == purchase.version,
            )
            if adjustment:
                transaction.save(adjustment_row(adjustment), EntryRow.pk.does_not_exist())
                transaction.update(WalletRow(row.pk, "WALLET"), [WalletRow.coins.add(adjustment.coins)])

        try:
            self._transactions.write(write)
        except Refused:
            return False
        return True

    def post_gift(self, gift: Gift, ended: StreakEnd | None = None) -> GiftRefused | None:
        """See the port. Four write units, and one of the journal; where a streak is ended, three more."""
        wallet = WalletRow(wallet_key(gift.user_id), "WALLET")
        allows = (WalletRow.coins >= gift.price_coins) & WalletRow.frozen_at.does_not_exist()
        actions: list[Action] = [WalletRow.coins.add(-gift.price_coins)]
        if gift.streak_id:
            allows &= goes_on(gift) if not gift.begins_streak else is_as_seen(ended)
            actions += counted(gift) if not gift.begins_streak else begun(gift)

        def write(transaction: TransactWrite) -> None:
            transaction.save(gift_row(gift), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
            if ended:
                transaction.save(notice_row(ended.notice), EntryRow.pk.does_not_exist())
            transaction.update(wallet, actions, allows, return_values="ALL_OLD")

        try:
            self._transactions.write(write)
        except Refused as refused:
            entry, old_wallet = refused.old_items[0], refused.old_items[-1]
            return GiftRefused(
                entry=to_entry(EntryRow.from_raw_data(entry)) if entry else None,
                wallet=to_wallet(gift.user_id, WalletRow.from_raw_data(old_wallet)) if old_wallet else None,
            )
        return None

    def end_streak(self, user_id: str, ended: StreakEnd) -> bool:
        """See the port. Four write units, and one of the journal."""

        def write(transaction: TransactWrite) -> None:
            transaction.save(notice_row(ended.notice), EntryRow.pk.does_not_exist())
            transaction.update(WalletRow(wallet_key(user_id), "WALLET"), forgotten(), is_as_seen(ended))

        try:
            self._transactions.write(write)
        except Refused:
            return False
        return True

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

    def receive_gifts(self, creator_id: str, lane: int, gifts: Sequence[LaneEntry]) -> Mapping[str, Receipt]:
        """See the port."""
        return receive_gifts(self._transactions, creator_id, lane, gifts)

    def creator_coins(self, creator_id: str) -> int:
        """See the port. One trip."""
        return creator_coins(creator_id)

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


def _posted(claim: Claim, session: CheckoutSession, posting: Posting) -> list[Action]:
    return [
        EntryRow.status.set(Status.POSTED.value),
        EntryRow.posted_at.set(posting.posted_at),
        EntryRow.event_id.set(posting.event_id),
        EntryRow.payment_intent.set(session.payment_intent or ""),
        EntryRow.journal_hour.set(journal_hour(posting.posted_at, posting.event_id)),
        EntryRow.journal_at.set(journal_at(posting.posted_at, claim.purchase_id)),
        EntryRow.version.add(1),
        EntryRow.ttl.remove(),
    ]


def _claim(session: CheckoutSession) -> Claim:
    assert session.claim is not None, "strangers' sessions never reach the ledger"
    return session.claim
