"""Operators' acts in DynamoDB. Each act is one transaction; its id is an idempotency key."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.keys import WALLET, entry_key, key, review_key, wallet_key
from chalicelib.adapters.dynamodb.mapping import adjustment_row, to_entry, to_review
from chalicelib.adapters.dynamodb.models import AuditRow, EntryRow, ReviewRow, WalletRow, bind
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions, transient_errors
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.ids import uuid7_time
from chalicelib.domain.reviews import Freeze, Review, Settlement
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, AlreadySettled, Conflict, Posted, Repeated

GIFT_KINDS: Final = tuple(kind.value for kind in GiftKind)


class DynamoOperators:
    """The OperatorLedger port over PynamoDB.

    Args:
        table_name: the table.
        pause: waits between two tries of a write that met another one; given the seconds.
    """

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._transactions = Transactions(bind(table_name), pause)

    def grant(self, adjustment: Adjustment) -> Posted | AlreadyExists:
        try:
            self._transactions.write(lambda transaction: _credit(transaction, adjustment))
        except Refused as refused:
            return AlreadyExists(entry=to_entry(EntryRow.from_raw_data(refused.old_items[0] or {})))
        return Posted()

    def reverse_gift(self, adjustment: Adjustment) -> Posted | AlreadyReversed | Conflict:
        if adjustment.entry_id == adjustment.about:
            return Conflict()  # DynamoDB does not write one item twice in a transaction
        gift = EntryRow(wallet_key(adjustment.user_id), entry_key(require(adjustment.about)))

        def write(transaction: TransactWrite) -> None:
            _credit(transaction, adjustment)
            transaction.update(
                gift,
                [EntryRow.reversed_by.set(adjustment.entry_id), EntryRow.version.add(1)],
                EntryRow.kind.is_in(*GIFT_KINDS) & EntryRow.reversed_by.does_not_exist(),
                return_values="ALL_OLD",
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            # Order of actions: puts first, then updates (entry, wallet, gift).
            old_gift = refused.old_items[2]
            reversed_by = EntryRow.from_raw_data(old_gift).reversed_by if old_gift else None
            return AlreadyReversed(reversed_by=reversed_by) if reversed_by else Conflict()
        return Posted()

    def freeze(self, freeze: Freeze) -> Posted | Repeated:
        """Raises IdempotencyConflict for a key of another act."""
        wallet = WalletRow(wallet_key(freeze.user_id), WALLET)
        change = WalletRow.frozen_at.set(freeze.at) if freeze.is_frozen else WalletRow.frozen_at.remove()
        record = AuditRow(
            # Filed under the key's month: a repeat in the next month finds it.
            pk=key("AUDIT", f"{uuid7_time(freeze.key):%Y-%m}"),
            sk=freeze.key,
            act="freeze" if freeze.is_frozen else "unfreeze",
            user_id=freeze.user_id,
            reason=freeze.reason,
            actor=freeze.actor,
            at=freeze.at,
        )

        def write(transaction: TransactWrite) -> None:
            transaction.save(record, AuditRow.pk.does_not_exist(), return_values="ALL_OLD")
            transaction.update(wallet, [change, WalletRow.created_at.set(WalletRow.created_at | freeze.at)])

        try:
            self._transactions.write(write)
        except Refused as refused:
            done = AuditRow.from_raw_data(refused.old_items[0] or {})
            if (done.user_id, done.act) != (record.user_id, record.act):
                raise IdempotencyConflict("Use a new key for a new freeze.") from refused
            return Repeated()
        return Posted()

    def list_reviews(self, month: str) -> Sequence[Review]:
        with transient_errors():
            return [to_review(row) for row in ReviewRow.query(review_key(month), consistent_read=True)]

    def find_review(self, month: str, payment_id: str) -> Review | None:
        with transient_errors():
            try:
                return to_review(ReviewRow.get(review_key(month), payment_id, consistent_read=True))
            except DoesNotExist:
                return None

    def settle_review(
        self, review: Review, settlement: Settlement, adjustment: Adjustment | None
    ) -> Posted | AlreadySettled | Conflict:
        row = ReviewRow(review_key(review.month), review.payment_id)

        def write(transaction: TransactWrite) -> None:
            if adjustment:
                _credit(transaction, adjustment)
            transaction.update(
                row,
                [
                    ReviewRow.settled_key.set(settlement.key),
                    ReviewRow.decision.set(settlement.decision),
                    ReviewRow.note.set(settlement.reason),
                    ReviewRow.actor.set(settlement.actor),
                    ReviewRow.settled_at.set(settlement.settled_at),
                ],
                ReviewRow.pk.exists() & ReviewRow.settled_key.does_not_exist(),
                return_values="ALL_OLD",
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            stored = to_review(ReviewRow.from_raw_data(refused.old_items[-1])) if refused.old_items[-1] else review
            return AlreadySettled(review=stored) if stored.settlement else Conflict()
        return Posted()


def _credit(transaction: TransactWrite, adjustment: Adjustment) -> None:
    transaction.save(adjustment_row(adjustment), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
    transaction.update(
        WalletRow(wallet_key(adjustment.user_id), WALLET),
        [
            WalletRow.coins.add(adjustment.coins),
            WalletRow.created_at.set(WalletRow.created_at | adjustment.posted_at),
        ],
    )
