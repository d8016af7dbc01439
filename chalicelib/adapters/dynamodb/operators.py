"""Operators' acts in DynamoDB. Each act is one transaction; its id is an idempotency key."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb.acts import record_act
from chalicelib.adapters.dynamodb.attributes import require
from chalicelib.adapters.dynamodb.budget_expressions import change_budget
from chalicelib.adapters.dynamodb.freeze_expressions import note_paid
from chalicelib.adapters.dynamodb.keys import WALLET, entry_key, wallet_key
from chalicelib.adapters.dynamodb.mapping import adjustment_row, to_entry
from chalicelib.adapters.dynamodb.models import AuditRow, EntryRow, WalletRow, bind
from chalicelib.adapters.dynamodb.reviews import DynamoReviews
from chalicelib.adapters.dynamodb.streak_expressions import taken_out
from chalicelib.adapters.dynamodb.transactions import Refused, Transactions
from chalicelib.domain.adjustments import Adjustment
from chalicelib.domain.budgets import BudgetChange
from chalicelib.domain.economy import GiftKind
from chalicelib.domain.reviews import Freeze
from chalicelib.domain.wallets import Wallet
from chalicelib.errors import IdempotencyConflict
from chalicelib.ports.results import AlreadyExists, AlreadyReversed, Conflict, Posted, Repeated, Stale

GIFT_KINDS: Final = tuple(kind.value for kind in GiftKind)


class DynamoOperators(DynamoReviews):
    """The OperatorLedger port over PynamoDB.

    Args:
        table_name: the table.
        pause: waits between two tries of a write that met another one; given the seconds.
    """

    def __init__(self, table_name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._transactions = Transactions(bind(table_name), pause)

    def grant(self, adjustment: Adjustment, wallet: Wallet | None = None) -> Posted | AlreadyExists | Stale | Conflict:
        """Cost: 6 write units and 1 for the journal."""
        actions, is_as_read = note_paid(wallet) if wallet else ([], None)
        try:
            self._transactions.write(lambda transaction: _credit(transaction, adjustment, actions, is_as_read))
        except Refused as refused:
            # The act's record comes first. Acts of the first release have none.
            act, entry, is_changed = refused.failed
            if is_changed and not act and not entry:
                return Stale()
            earlier = refused.old_items[1]
            return AlreadyExists(entry=to_entry(EntryRow.from_raw_data(earlier))) if earlier else Conflict()
        return Posted()

    def reverse_gift(
        self, adjustment: Adjustment, change: BudgetChange | None = None, streak_id: str | None = None
    ) -> Posted | AlreadyReversed | Stale | Conflict:
        if adjustment.entry_id == adjustment.about:
            return Conflict()  # DynamoDB does not write one item twice in a transaction
        gift = EntryRow(wallet_key(adjustment.user_id), entry_key(require(adjustment.about)))
        actions, condition = change_budget(change) if change else ([], None)
        if streak_id:
            taken, is_active = taken_out(streak_id, adjustment.coins)
            actions, condition = [*actions, *taken], is_active if condition is None else condition & is_active

        def write(transaction: TransactWrite) -> None:
            _credit(transaction, adjustment, actions, condition)
            transaction.update(
                gift,
                [EntryRow.reversed_by.set(adjustment.entry_id), EntryRow.version.add(1)],
                EntryRow.kind.is_in(*GIFT_KINDS) & EntryRow.reversed_by.does_not_exist(),
                return_values="ALL_OLD",
            )

        try:
            self._transactions.write(write)
        except Refused as refused:
            # Order of actions: puts first, then updates (act, entry, wallet, gift).
            old_gift = refused.old_items[3]
            reversed_by = EntryRow.from_raw_data(old_gift).reversed_by if old_gift else None
            if reversed_by:
                return AlreadyReversed(reversed_by=reversed_by)
            return Stale() if refused.failed == [False, False, True, False] else Conflict()
        return Posted()

    def freeze(self, freeze: Freeze) -> Posted | Repeated:
        """Raises IdempotencyConflict for a key of another act."""
        wallet = WalletRow(wallet_key(freeze.user_id), WALLET)
        change = WalletRow.frozen_at.set(freeze.at) if freeze.is_frozen else WalletRow.frozen_at.remove()
        act = "freeze" if freeze.is_frozen else "unfreeze"

        def write(transaction: TransactWrite) -> None:
            record_act(
                transaction,
                key=freeze.key,
                act=act,
                user_id=freeze.user_id,
                reason=freeze.reason,
                actor=freeze.actor,
                at=freeze.at,
            )
            transaction.update(wallet, [change, WalletRow.created_at.set(WalletRow.created_at | freeze.at)])

        try:
            self._transactions.write(write)
        except Refused as refused:
            done = AuditRow.from_raw_data(refused.old_items[0] or {})
            if (done.user_id, done.act) != (freeze.user_id, act):
                raise IdempotencyConflict("Use a new key for a new freeze.") from refused
            return Repeated()
        return Posted()


def _credit(
    transaction: TransactWrite,
    adjustment: Adjustment,
    actions: Sequence[Action] = (),
    condition: Condition | None = None,
) -> None:
    record_act(
        transaction,
        key=adjustment.entry_id,
        act=adjustment.kind.value,
        user_id=adjustment.user_id,
        reason=adjustment.reason,
        actor=adjustment.actor,
        at=adjustment.posted_at,
    )
    transaction.save(adjustment_row(adjustment), EntryRow.pk.does_not_exist(), return_values="ALL_OLD")
    transaction.update(
        WalletRow(wallet_key(adjustment.user_id), WALLET),
        [
            WalletRow.coins.add(adjustment.coins),
            WalletRow.created_at.set(WalletRow.created_at | adjustment.posted_at),
            *actions,
        ],
        condition,
    )
